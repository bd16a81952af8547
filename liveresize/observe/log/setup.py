"""Setting logs up and taking them down: the root logger, structlog, the channel."""

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import structlog

from liveresize.observe.log import outputs, render
from liveresize.observe.log.access_line import AccessLine
from liveresize.observe.log.channel import Channel
from liveresize.observe.log.fields import Common
from liveresize.observe.log.records import LineHandler
from liveresize.observe.log.stray_output import StrayOutput
from liveresize.settings.server import Log

FLUSH = 2.0
"""Seconds that closing waits for the last lines to be written."""

_CAPACITY = 10_000

_log = structlog.get_logger("liveresize.output")

QUIET = ("aiobotocore", "alembic", "asyncio", "botocore", "PIL", "sqlalchemy", "urllib3")
"""Libraries that are heard from warnings on: SQLAlchemy takes `info` as the wish to see
every statement, and botocore's debug messages hold signatures."""


class Handle:
    """What `configure` set up; close it when the process ends."""

    def __init__(self, settings: Log, capacity: int) -> None:
        self._stray_output: StrayOutput | None = None
        shape = _shape(settings)
        common = Common()
        levels = _levels(settings)
        self._channel = Channel(
            outputs.open_output(settings.output),
            capacity,
            lambda count: shape(_dropped(common, count)),
        )
        put = self._channel.put
        self._undo = _install(LineHandler(put=put, render=shape, common=common, levels=levels))
        self.access_line = AccessLine(
            put=put, render=shape, common=common, sample_hits=settings.sample_hits
        )
        switches = {"debug": settings.debug, "info": settings.info}
        self.access_levels = frozenset(level for level, on in switches.items() if on)

    @property
    def dropped(self) -> int:
        """Lines dropped so far because the output was too slow or did not answer."""
        return self._channel.dropped

    def take_over_streams(self) -> None:
        """Log what is written to standard output and error past the log, until `close`.

        That goes for all processes which this one starts from now on.
        """
        self._stray_output = StrayOutput(lambda text: _log.warning("stray_output", output=text))

    def reopen(self) -> None:
        """Open the output again before the next line: what SIGHUP asks for."""
        self._channel.reopen()

    def close(self) -> None:
        """Write what is queued, within 2 seconds, and leave `logging` as it was."""
        global _current
        if self._stray_output is not None:
            self._stray_output.close()
            self._stray_output = None
        if _current is self:
            _current = None
        for undo in self._undo:
            undo()
        self._undo = []
        self._channel.close(FLUSH)


_current: Handle | None = None
"""The handle that `access` writes to: `logging` is one for a process, and so is this."""


def configure(settings: Log, *, capacity: int = _CAPACITY) -> Handle:
    """Send every record of this process to `settings.output` from now on.

    `capacity` lines may wait for the output; beyond them new ones are dropped and counted.
    Raises SettingsError where the output is a file that cannot be opened.
    """
    global _current
    _current = Handle(settings, capacity)
    return _current


def access(
    *,
    method: str,
    path: str,
    status: int,
    client: str,
    duration_ms: float,
    size: int,
    request_id: str,
    cache: str | None = None,
    level: str = "info",
    **more: object,
) -> None:
    """Log one request at `level`, info or debug; does nothing before `configure`.

    `path` is as the client sent it, `size` the bytes of the body, `cache` what
    `X-Cache` says. `more` are further fields (`image_id`, `variant`, `queue_ms` …);
    those that are None are left out.
    """
    if _current is not None and level in _current.access_levels:
        _current.access_line.write(
            level=level,
            method=method,
            path=path,
            status=status,
            client=client,
            duration_ms=duration_ms,
            size=size,
            request_id=request_id,
            cache=cache,
            more=more,
        )


def dropped() -> int:
    """Lines dropped since `configure`, because the output was too slow or did not answer."""
    return 0 if _current is None else _current.dropped


def silenced() -> AbstractContextManager[None]:
    """Keep our own records to themselves: for commands whose report says what matters, on
    the stream that structlog would write to."""
    return _configured(logger_factory=structlog.ReturnLoggerFactory())


def warnings_only() -> AbstractContextManager[None]:
    """Write warnings and errors to stderr and nothing else: for commands that take long."""
    return _configured(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextlib.contextmanager
def _configured(**given: Any) -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(**given)
    try:
        yield
    finally:
        structlog.configure(**before)


def _shape(settings: Log) -> render.Renderer:
    """How lines look; on a terminal, `auto` is for people."""
    if settings.format == "auto":
        person = settings.output == "stdout" and sys.stdout is not None and sys.stdout.isatty()
        return render.console if person else render.logstash
    shapes = {
        "logstash": render.logstash,
        "ecs": render.ecs,
        "iaas": render.iaas,
        "console": render.console,
    }
    return shapes[settings.format]


def _levels(settings: Log) -> frozenset[int]:
    switches = {
        logging.DEBUG: settings.debug,
        logging.INFO: settings.info,
        logging.WARNING: settings.warn,
        logging.ERROR: settings.error,
    }
    return frozenset(level for level, on in switches.items() if on)


def _dropped(common: Common, count: int) -> dict[str, object]:
    fields = common(
        seconds=time.time(),
        level="warning",
        logger="liveresize.log",
        message=f"{count} lines of the log were dropped: the output was too slow.",
        event="log_dropped",
    )
    return fields | {"count": count}


def _install(handler: LineHandler) -> list[Callable[[], None]]:
    """Put `handler` under `logging`, structlog and warnings; returns what takes it back."""
    root = logging.getLogger()
    lowest = min(handler.levels, default=logging.CRITICAL)
    undo: list[Callable[[], None]] = [
        _level(root, lowest),
        *(_level(logging.getLogger(name), max(lowest, logging.WARNING)) for name in QUIET),
        lambda: root.removeHandler(handler),
        lambda: logging.captureWarnings(False),
    ]
    root.addHandler(handler)
    logging.captureWarnings(True)
    before = structlog.get_config()
    undo.append(lambda: structlog.configure(**before))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        context_class=dict,
        logger_factory=structlog.stdlib.LoggerFactory(),
        # A module's logger must follow a later `configure`; the access line, for which
        # the time would matter, does not come through here.
        cache_logger_on_first_use=False,
    )
    return undo


def _level(logger: logging.Logger, level: int) -> Callable[[], None]:
    """Set the level of `logger`; the result sets it back."""
    before = logger.level
    logger.setLevel(level)
    return lambda: logger.setLevel(before)
