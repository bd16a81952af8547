"""The server process: descriptors, sockets, signals, draining."""

import asyncio
import contextlib
import ctypes
import resource
import signal
import socket
import sys
from collections.abc import Callable

import structlog
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from liveresize import __version__, errors, log, wiring
from liveresize.settings import Settings
from liveresize.web.app import make_application
from liveresize.web.hits import Entrance
from liveresize.web.listener import Listener
from liveresize.wiring.life import Life
from liveresize.wiring.options import listener_options

_log = structlog.get_logger("liveresize.server")

_M_ARENA_MAX = -8
"""mallopt's name for the number of heaps, from glibc's malloc.h."""

_BACKLOG = 1024
_MOST_DESCRIPTORS = 65_536


def run(settings: Settings) -> int:
    """Serve until told to stop; returns the exit code.

    Raises SettingsError where the configuration cannot be put together.
    """
    handle = log.configure(log_options(settings))
    try:
        _raise_descriptors()
        _share_arenas()
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_main(settings, handle.reopen))
    except (errors.SettingsError, errors.StoreError, errors.Overload, errors.WorkerDied) as error:
        _log.error("start_failed", error=error.public, detail=error.detail)
        sys.stderr.write(f"liveresize: {error.public} {error.detail}".rstrip() + "\n")
        return 1
    finally:
        handle.close()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Where uvloop is installed, its loop, which answers a fifth more hits."""
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return None


def log_options(settings: Settings) -> log.LogOptions:
    """What the log is told."""
    chosen = settings.log
    return log.LogOptions(
        debug=chosen.debug,
        info=chosen.info,
        warn=chosen.warn,
        error=chosen.error,
        format=chosen.format,
        output=chosen.output,
        sample_hits=chosen.sample_hits,
    )


def _share_arenas() -> None:
    """Keep glibc from giving each thread a heap of its own, which then only grows.

    Workers get the same through MALLOC_ARENA_MAX; where there is no mallopt, so be it.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _raise_descriptors() -> None:
    """Allow as many descriptors as the system lets a process have, within reason."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class Server:
    """One listening server and everything behind it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.components = wiring.Components(settings)
        self._life = Life(self.components)
        site = self.components.site
        limits = settings.limits
        self._http = HTTPServer(
            Entrance(site, make_application(site)),
            idle_connection_timeout=limits.header_timeout,
            body_timeout=limits.body_grace,
            max_header_size=limits.header_bytes,
            max_body_size=64 << 10,
            chunk_size=64 << 10,
        )
        self.listener = Listener(listener_options(settings), self._http)
        self.addresses: list[tuple[str, int]] = []

    async def start(self, sockets: list[socket.socket] | None = None) -> None:
        """Bind, bring everything up, and answer. Raises SettingsError for an address that
        cannot be had, and what `Life.start` raises."""
        bound = self._bind() if sockets is None else sockets
        self.addresses = [each.getsockname()[:2] for each in bound]
        try:
            await self._life.start()
        except BaseException:
            for each in bound:
                each.close()
            raise
        self.listener.start(bound)

    def _bind(self) -> list[socket.socket]:
        settings = self._settings
        try:
            return bind_sockets(
                settings.listen_port, settings.listen_address or None, backlog=_BACKLOG
            )
        except OSError as error:
            raise errors.SettingsError(
                f"The address {settings.listen_address}:{settings.listen_port} of "
                f"listen_address and listen_port cannot be listened on: {error.strerror}."
            ) from error

    async def drain(self, delay: float) -> None:
        """Tell balancers, wait `delay` seconds, stop accepting, finish what is under way."""
        self.components.site.ready = False
        # Whoever asks again is told not to come back on this connection.
        self._http.conn_params.no_keep_alive = True
        await asyncio.sleep(delay)
        self.listener.stop()
        await self.listener.finish(self._settings.drain.finish)

    async def stop(self) -> None:
        """Stop everything behind; what could not be published is taken up at the next start."""
        self.listener.stop()
        self.listener.close_connections()
        left = await self._life.stop()
        _log.info("server_stopped", spooled=left)


async def _main(settings: Settings, reopen_log: Callable[[], None]) -> int:
    told = asyncio.Event()
    impatient = asyncio.Event()
    loop = asyncio.get_running_loop()
    delay = settings.drain.delay

    def stop(patience: float) -> None:
        nonlocal delay
        if told.is_set():
            impatient.set()
        delay = patience
        told.set()

    loop.add_signal_handler(signal.SIGTERM, stop, settings.drain.delay)
    loop.add_signal_handler(signal.SIGINT, stop, 0.0)
    loop.add_signal_handler(signal.SIGHUP, reopen_log)
    for warning in settings.warnings:
        _log.warning("configuration", detail=warning)
    server = Server(settings)
    await server.start()
    host, port = server.addresses[0]
    _log.info(
        "server_started",
        version=__version__,
        address=host,
        port=port,
        slots=server.components.workers.stats.slots,
    )
    await told.wait()
    _log.info("server_stopping", delay_s=delay)
    draining = asyncio.create_task(server.drain(delay))
    hurry = asyncio.create_task(impatient.wait())
    await asyncio.wait({draining, hurry}, return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, hurry):
        task.cancel()
    await server.stop()
    return 0
