"""The server process: descriptors, sockets, signals, draining."""

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable

import structlog
from tornado.httputil import HTTPServerConnectionDelegate

from liveresize import __version__, errors
from liveresize.app import container, sockets, systemd
from liveresize.app.application import make_application
from liveresize.app.lifecycle import Lifecycle
from liveresize.app.metrics_collector import MetricsCollector
from liveresize.app.tls import tls_settings
from liveresize.config import Settings
from liveresize.http.fast_path import FastPath
from liveresize.http.https_redirect import HttpsRedirects
from liveresize.http.transport import protocols
from liveresize.http.transport.frame_budget import ClientBudgets
from liveresize.http.transport.listener import Listener
from liveresize.http.transport.tls import Certificate
from liveresize.observe import log
from liveresize.observe.metrics.exposition import Scrape
from liveresize.settings.server import Limits

_log = structlog.get_logger("liveresize.server")

_M_ARENA_MAX = -8
"""mallopt's name for the number of heaps, from glibc's malloc.h."""

_STDOUT, _STDERR = 1, 2

_MOST_DESCRIPTORS = 65_536

_OWN_DESCRIPTORS = 96
"""Descriptors that are not connections: workers, database, files being read, the log."""

_MOST_CONNECTIONS = 16_384
"""Connections where `limits.max_connections` is 0 and the descriptors allow more."""

_DAY = 86_400.0

_CLOSING = 5.0
"""Seconds for what stopping does beside waiting: closing pools, stores and connections."""


def run(settings: Settings) -> int:
    """Serve until told to stop; returns the exit code.

    Raises SettingsError where the configuration cannot be put together.
    """
    handle = log.configure(settings.log)
    said = ""
    try:
        handle.take_over_streams()
        _raise_descriptors()
        _share_arenas()
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_main(settings, handle.reopen))
    except (errors.SettingsError, errors.StoreError, errors.Overload, errors.WorkerDied) as error:
        _log.error("start_failed", error=error.public, detail=error.detail)
        systemd.notify(f"STATUS={error.public}")
        said = f"liveresize: {error.public} {error.detail}".rstrip()
        return 1
    except Exception:  # noqa: BLE001 (the log is told, and nothing could be done about it)
        _log.exception("server_failed")
        said = f"liveresize: {traceback.format_exc()}".rstrip()
        return 1
    finally:
        handle.close()
        if said and not _log_has_stderr(settings):
            sys.stderr.write(f"{said}\n")


def _log_has_stderr(settings: Settings) -> bool:
    """Whether standard error leads to where the lines of the log go, and nobody reads them
    on a terminal."""
    if settings.log.output != "stdout" or os.isatty(_STDOUT):
        return False
    with contextlib.suppress(OSError):
        return os.path.sameopenfile(_STDOUT, _STDERR)
    return False


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Where uvloop is installed, its loop, which answers a fifth more hits."""
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return None


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


def _max_connections(limits: Limits) -> int:
    """How many connections there is room for, below the descriptors allowed."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = max(16, soft - max(_OWN_DESCRIPTORS, soft // 8))
    return min(limits.max_connections or _MOST_CONNECTIONS, room)


class Server:
    """One listening server and everything behind it."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError for what only shows when it is put together."""
        self._settings = settings
        tls = tls_settings(settings)
        self.certificate = None if tls is None else Certificate(tls, http2=settings.http2)
        self.components = container.Container(settings)
        self._life = Lifecycle(self.components)
        site = self.components.site
        entrance = FastPath(site, make_application(site))
        speaks_http2 = settings.http2 or settings.http2_cleartext
        self._http = self._make_http(
            entrance, settings.limits if speaks_http2 else None, ClientBudgets(site.is_proxy)
        )
        self._plain = self._http
        if settings.tls.redirect:
            self._plain = self._make_http(HttpsRedirects(settings.tls.redirect, site, entrance))
        self.listener = Listener(
            settings.limits,
            self.components.unsent,
            site.is_proxy,
            max_connections=_max_connections(settings.limits),
        )
        site.scrape = Scrape(MetricsCollector(self.components, self.listener).read)
        self.addresses: list[tuple[str, int]] = []
        self.urls: list[str] = []
        self._reminder: asyncio.TimerHandle | None = None

    def _make_http(
        self,
        delegate: HTTPServerConnectionDelegate,
        http2: Limits | None = None,
        budgets: ClientBudgets | None = None,
    ) -> protocols.Server:
        limits = self._settings.limits
        return protocols.Server(
            delegate,
            http2=http2,
            budgets=budgets,
            cleartext=self._settings.http2_cleartext,
            idle_connection_timeout=limits.header_timeout,
            body_timeout=limits.body_grace,
            max_header_size=limits.header_bytes,
            max_body_size=64 << 10,
            chunk_size=64 << 10,
        )

    async def start(self) -> None:
        """Bind, bring everything up, and answer. Raises what `sockets.open_doors` and
        `Lifecycle.start` raise."""
        opened = sockets.open_doors(
            self._settings, http=self._http, plain=self._plain, certificate=self.certificate
        )
        for door in opened:
            scheme = "http" if door.certificate is None else "https"
            for each in door.sockets:
                host, port = each.getsockname()[:2]
                self.addresses.append((host, port))
                self.urls += sockets.urls(scheme, host, port)
        try:
            await self._life.start()
        except BaseException:
            for door in opened:
                for each in door.sockets:
                    each.close()
            raise
        self.listener.start(opened)
        self._remind_later()

    def _remind_later(self) -> None:
        """Look at the certificate's end every day: servers outlive certificates."""
        if self.certificate is not None:
            self._reminder = asyncio.get_running_loop().call_later(_DAY, self._remind)

    def _remind(self) -> None:
        assert self.certificate is not None
        self.certificate.warn_of_its_end()
        self._remind_later()

    def status(self) -> str:
        """One line on where it answers and how busy it is."""
        stats = self.components.workers.stats
        return (
            f"Serving {' '.join(self.urls)}: {self.listener.connections} connections, "
            f"{stats.busy} of {stats.slots} slots busy, {stats.queued} jobs waiting."
        )

    def patience(self, delay: float) -> float:
        """Seconds that draining and stopping may take in all, after a `delay`."""
        drain = self._settings.drain
        return delay + 2 * (drain.finish + drain.flush) + _CLOSING

    async def reload(self) -> None:
        """Take up the certificate that its files hold by now."""
        if self.certificate is not None:
            await self.certificate.reload()

    async def drain(self, delay: float) -> None:
        """Tell balancers, wait `delay` seconds, stop accepting, finish what is under way."""
        self.components.site.ready = False
        # Whoever asks again is told not to come back on this connection.
        for http in (self._http, self._plain):
            http.leave()
        await asyncio.sleep(delay)
        self.listener.stop()
        await self.listener.finish(self._settings.drain.finish)

    async def stop(self) -> None:
        """Stop everything behind; what could not be published is taken up at the next start."""
        if self._reminder is not None:
            self._reminder.cancel()
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
    herald = systemd.SystemdNotifier(server.status)
    await server.start()
    _renew_on_hangup(server, herald, reopen_log)
    herald.ready()
    host, port = server.addresses[0]
    _log.info(
        "server_started",
        version=__version__,
        address=host,
        port=port,
        urls=server.urls,
        slots=server.components.workers.stats.slots,
    )
    await told.wait()
    _log.info("server_stopping", delay_s=delay)
    herald.stopping(server.patience(delay))
    draining = asyncio.create_task(server.drain(delay))
    hurry = asyncio.create_task(impatient.wait())
    await asyncio.wait({draining, hurry}, return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, hurry):
        task.cancel()
    await server.stop()
    herald.close()
    return 0


def _renew_on_hangup(
    server: Server, herald: systemd.SystemdNotifier, reopen_log: Callable[[], None]
) -> None:
    """On SIGHUP, open the log again and read the certificate again."""
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    async def reload() -> None:
        herald.reloading()
        try:
            await server.reload()
        finally:
            herald.ready()

    def renew() -> None:
        reopen_log()
        task = loop.create_task(reload())
        reloads.add(task)  # the loop alone would not keep it
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, renew)
