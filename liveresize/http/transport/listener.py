"""Accept connections up to a limit, and close those that stall.

Tornado accepts connections until the process has no descriptor left, and then runs in a busy loop.
This listener has a lower limit: above it, the connection that has been idle longest is closed, and
if none is idle, accepting pauses. Each client has a limit, too: above it, the client's own idle
connection is closed, and if none is idle, its new one.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from tornado.httpserver import HTTPServer

from liveresize.http.transport import clients
from liveresize.http.transport.connections import TlsStream, WatchedStream
from liveresize.http.transport.tls import Certificate
from liveresize.http.transport.unsent import Unsent
from liveresize.settings.server import Limits

_log = structlog.get_logger("liveresize.listener")

_ACCEPT_BATCH = 64
"""Connections accepted in one iteration of the event loop."""

_IDLE = 0.5
"""Seconds that a connection may idle while others wait to be accepted."""

_PARTING = 1.0
"""Seconds for which a new connection, or one after a response, is left open during shutdown: its
request may be about to arrive."""

_SWEEP = 5.0
"""Seconds between checks for stalled connections."""

_IN_KERNEL = 128 << 10
"""Bytes of a response that the kernel buffers. Without a limit it buffers megabytes for a client
that reads nothing, and these copies cannot be shared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint:
    """Bound, listening, non-blocking sockets, and the server for their connections; with a
    certificate they are encrypted."""

    sockets: Sequence[socket.socket]
    server: HTTPServer
    certificate: Certificate | None = None


class Listener:
    """Passes connections to the HTTPServer of their entry point."""

    def __init__(
        self,
        limits: Limits,
        unsent: Unsent,
        is_proxy: Callable[[str], bool],
        *,
        max_connections: int,
    ) -> None:
        """`is_proxy` returns whether the peer at an address connects for many clients: proxies have
        no limit. `max_connections` is the number that `limits` and the descriptors allow."""
        self._limits = limits
        self.max_connections = max_connections
        self._unsent = unsent
        self._is_proxy = is_proxy
        self._sockets: list[tuple[socket.socket, EntryPoint]] = []
        self._streams: dict[WatchedStream, str] = {}
        """Connection → key of its client; empty for a proxy."""
        self._of_clients: dict[str, set[WatchedStream]] = {}
        self.refused = 0
        """Connections that were closed at once, because their client had too many."""
        self._accepting = False
        self._full = False
        self._warned: set[str] = set()
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self._streams)

    def start(self, entry_points: Iterable[EntryPoint]) -> None:
        """Accept connections at these entry points; the limit is for all of them together."""
        self._sockets = [
            (each, entry_point) for entry_point in entry_points for each in entry_point.sockets
        ]
        for each, _ in self._sockets:
            with contextlib.suppress(OSError, AttributeError):  # connections inherit it
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _IN_KERNEL)
        self._resume()
        self._sweeper = asyncio.create_task(self._sweep())

    def stop(self) -> None:
        """Stop accepting and close the listening sockets; open connections go on."""
        self._pause()
        for each, _ in self._sockets:
            each.close()
        self._sockets = []
        if self._sweeper is not None:
            self._sweeper.cancel()

    async def finish(self, patience: float) -> None:
        """Close connections as they become idle, for up to `patience` seconds."""
        until = time.monotonic() + patience
        while self._streams and (now := time.monotonic()) < until:
            for stream in tuple(self._streams):
                idle = stream.idle_since is not None and now - stream.idle_since > _PARTING
                if idle and not stream.writing():
                    stream.close()
            await asyncio.sleep(0.05)

    def close_connections(self) -> None:
        """Close every connection at once."""
        for stream in tuple(self._streams):
            stream.abandon()

    def _resume(self) -> None:
        if not self._accepting and self._sockets:
            self._accepting = True
            loop = asyncio.get_running_loop()
            for each, entry_point in self._sockets:
                loop.add_reader(each.fileno(), self._accept, each, entry_point)

    def _pause(self) -> None:
        if self._accepting:
            self._accepting = False
            loop = asyncio.get_running_loop()
            for each, _ in self._sockets:
                loop.remove_reader(each.fileno())

    def _accept(self, listening: socket.socket, entry_point: EntryPoint) -> None:
        for _ in range(_ACCEPT_BATCH):
            if len(self._streams) >= self.max_connections:
                self._note_full()
                if not _make_room(self._streams):
                    self._overfull()
                    return
            try:
                connection, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                _log.error("accept_failed", error=str(error))
                self._pause()
                asyncio.get_running_loop().call_later(1.0, self._resume)
                return
            self._serve(connection, address, entry_point)

    def _overfull(self) -> None:
        self._pause()
        asyncio.get_running_loop().call_later(_IDLE, self._resume)

    def _note_full(self) -> None:
        if not self._full:
            self._full = True
            _log.warning("connections_full", max_connections=self.max_connections)

    def _admits(self, client: str, peer: str) -> bool:
        """Whether `client`, at the address `peer`, may have one more connection, after one of its
        idle ones was closed."""
        if not self._has_all(client):
            return True
        if client not in self._warned:
            self._warned.add(client)
            _log.warning(
                "client_connections_full",
                client_connections=self._limits.client_connections,
                **{"client.ip": peer},
            )
        return _make_room(self._of_clients[client])

    def _has_all(self, client: str) -> bool:
        """Whether `client` has reached the limit of one client."""
        most = self._limits.client_connections
        return bool(most) and len(self._of_clients.get(client, ())) >= most

    def _serve(self, connection: socket.socket, address: Any, entry_point: EntryPoint) -> None:
        peer = address[0]
        client = "" if self._is_proxy(peer) else clients.counted_as(peer)
        if client and not self._admits(client, peer):
            self.refused += 1
            connection.close()
            return
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if entry_point.certificate is None:
            stream = WatchedStream(connection, self._ended, self._unsent, client)
        else:
            try:
                encrypted = entry_point.certificate.context.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
            except (OSError, ValueError):  # the peer has left already
                connection.close()
                return
            stream = TlsStream(encrypted, self._ended, self._unsent, client)
        self._streams[stream] = client
        if client:
            self._of_clients.setdefault(client, set()).add(stream)
        entry_point.server.handle_stream(stream, address)

    def _ended(self, stream: WatchedStream) -> None:
        client = self._streams.pop(stream, "")
        if client:
            self._of_clients[client].discard(stream)
            if not self._of_clients[client]:
                del self._of_clients[client]

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(_SWEEP, self._limits.write_stall))
            self._full = len(self._streams) >= self.max_connections
            self._warned = set(filter(self._has_all, self._warned))
            before = time.monotonic() - self._limits.write_stall
            for stream in tuple(self._streams):
                if stream.writing() and stream.wrote_at < before:
                    _log.info("stalled_connection_closed")
                    stream.close()


def _make_room(streams: Collection[WatchedStream]) -> bool:
    """Close the stream that has been idle longest; return False if none is idle."""
    before = time.monotonic() - _IDLE
    idle = [each for each in streams if (each.idle_since or before) < before]
    if not idle:
        return False
    min(idle, key=lambda each: each.idle_since or before).abandon()
    return True
