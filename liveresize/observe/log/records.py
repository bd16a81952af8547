"""Records of `logging`, ours and the libraries', on their way to a line."""

import logging
from collections.abc import Callable, MutableMapping
from typing import Any, cast

import structlog

from liveresize.observe.log.fields import Common, Fields, of_exception
from liveresize.observe.log.render import Renderer
from liveresize.observe.tracing import spans

FOREIGN_EVENT = "library_record"
"""The event of a record that a library wrote as a sentence."""

BROKEN_EVENT = "broken_record"
"""The event of a record whose message does not go with its arguments."""


class LineHandler(logging.Handler):
    """Hands every record of an enabled level to `put`, as one line."""

    def __init__(
        self,
        *,
        put: Callable[[str], None],
        render: Renderer,
        common: Common,
        levels: frozenset[int],
    ) -> None:
        super().__init__()
        self._put = put
        self.levels = levels
        self._render = render
        self._common = common
        self.setFormatter(
            structlog.stdlib.ProcessorFormatter(processors=[self._fields, self._line])
        )

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave out the levels that are switched off."""
        # Levels between the named ones go with the one below: 25 is as 20.
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.ERROR)
        return level in self.levels and bool(super().filter(record))

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the line of `record`; never raises, whatever the record holds."""
        try:
            line = self.format(record)
        except Exception as exc:  # noqa: BLE001 - logging must not break who logs
            line = self._render(self._broken(record, exc))
        self._put(line)

    def _fields(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> Fields:
        record = cast(logging.LogRecord, event.pop("_record"))
        ours = event.pop("_from_structlog")
        text = str(event.pop("event", ""))
        fields = self._common(
            seconds=record.created,
            level=record.levelname.lower(),
            logger=record.name,
            message=str(event.pop("message", text)),
            event=text if ours else FOREIGN_EVENT,
        )
        fields |= of_exception(event.pop("exc_info", None))
        span = spans.current()
        if span is not None:
            fields["trace.id"] = span.context.trace_id
            fields["span.id"] = span.context.span_id
        for name, value in event.items():
            # What a caller calls `level` or `host` must not hide the record's own.
            fields[f"field.{name}" if name in fields else name] = value
        return fields

    def _line(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
        return self._render(event)

    def _broken(self, record: logging.LogRecord, exc: Exception) -> Fields:
        fields = self._common(
            seconds=record.created,
            level=record.levelname.lower(),
            logger=record.name,
            message=repr(record.msg),
            event=BROKEN_EVENT,
        )
        return fields | of_exception(exc)
