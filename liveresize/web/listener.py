"""Accepting connections, no more than there is room for, and dropping those that stall.

Tornado accepts until the process has no descriptor left, and then spins. Here a bound lies
below that: at the bound, whoever idles longest makes room, and where nobody idles,
accepting pauses.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream

_log = structlog.get_logger("liveresize.listener")

_ACCEPT_BATCH = 64
"""Connections accepted before the loop turns again."""

_IDLE = 0.5
"""Seconds that a connection may idle while others wait to be accepted."""

_LINGER = 2.0
"""Seconds for which a peer that was answered early may go on sending."""

_DROP_AT_ONCE = 256 << 10
_DROP_AT_MOST = 64 << 20
"""Bytes of that which are read and dropped: more than a picture has."""

_SWEEP = 5.0
"""Seconds between looks for stalled connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerOptions:
    """The most connections at once, and the seconds one may leave its answer unread."""

    max_connections: int = 900
    write_stall: float = 30.0


class WatchedStream(IOStream):
    """A stream that knows when its peer last took a byte, and since when it is idle.

    `idle_since` is the monotonic time since which it waits for the head of a request,
    None while it is in one; whoever parses requests keeps it up to date. `lingers` is set
    by whoever answers before the request has been read: closing would then reset the
    connection, and the answer be lost to a peer that is still sending.
    """

    def __init__(self, connection: socket.socket, ended: Callable[["WatchedStream"], None]) -> None:
        self._ended = ended
        self.wrote_at = time.monotonic()
        self.idle_since: float | None = self.wrote_at
        self.lingers = False
        self._farewell: Callable[[], None] | None = None
        super().__init__(connection)

    def write_to_fd(self, data: memoryview) -> int:
        """Write; see tornado.iostream.BaseIOStream."""
        written = super().write_to_fd(data)
        if written:
            self.wrote_at = time.monotonic()
        return written

    def write(self, data: bytes | memoryview) -> "asyncio.Future[None]":
        """Write; a stall is counted from the first byte that has to wait."""
        if not self.writing():
            self.wrote_at = time.monotonic()
        return super().write(data)

    def close_fd(self) -> None:
        """Close; see tornado.iostream.BaseIOStream."""
        if self.lingers and not isinstance(self.error, ConnectionError):
            self._farewell = linger(self.socket, lambda: self._ended(self))
            self.socket = None  # type: ignore[assignment]
            return
        super().close_fd()
        self._ended(self)

    def abandon(self) -> None:
        """Close, without lingering."""
        self.lingers = False
        self.close()
        if self._farewell is not None:
            self._farewell()


def linger(connection: socket.socket, ended: Callable[[], None]) -> Callable[[], None]:
    """Say that nothing more will come, drop what still arrives, and close in the end.

    `ended` is called then: when the peer closes, after `_LINGER` seconds or `_DROP_AT_MOST`
    bytes, or when what is returned here is called.
    """
    loop = asyncio.get_running_loop()
    left = _DROP_AT_MOST

    def close() -> None:
        if connection.fileno() < 0:
            return
        overdue.cancel()
        loop.remove_reader(connection.fileno())
        connection.close()
        ended()

    def drop() -> None:
        nonlocal left
        try:
            dropped = len(connection.recv(_DROP_AT_ONCE))
            left -= dropped
            if dropped and left > 0:
                return
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass
        close()

    overdue = loop.call_later(_LINGER, close)
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
    loop.add_reader(connection.fileno(), drop)
    return close


class Listener:
    """Hands connections to an HTTPServer."""

    def __init__(self, options: ListenerOptions, server: HTTPServer) -> None:
        self._options = options
        self._server = server
        self._sockets: list[socket.socket] = []
        self._streams: set[WatchedStream] = set()
        self._accepting = False
        self._full = False
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._streams)

    def start(self, sockets: list[socket.socket]) -> None:
        """Accept from these bound, listening, non-blocking sockets."""
        self._sockets = sockets
        self._resume()
        self._sweeper = asyncio.create_task(self._sweep())

    def stop(self) -> None:
        """Accept no more and close the listening sockets; open connections go on."""
        self._pause()
        for each in self._sockets:
            each.close()
        self._sockets = []
        if self._sweeper is not None:
            self._sweeper.cancel()

    async def finish(self, patience: float) -> None:
        """Close connections as they become idle, for up to `patience` seconds."""
        until = time.monotonic() + patience
        while self._streams and time.monotonic() < until:
            for stream in tuple(self._streams):
                if stream.idle_since is not None and not stream.writing():
                    stream.close()
            await asyncio.sleep(0.05)

    def close_connections(self) -> None:
        """Close every connection, whatever it is at."""
        for stream in tuple(self._streams):
            stream.abandon()

    def _resume(self) -> None:
        if not self._accepting and self._sockets:
            self._accepting = True
            loop = asyncio.get_running_loop()
            for each in self._sockets:
                loop.add_reader(each.fileno(), self._accept, each)

    def _pause(self) -> None:
        if self._accepting:
            self._accepting = False
            loop = asyncio.get_running_loop()
            for each in self._sockets:
                loop.remove_reader(each.fileno())

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_ACCEPT_BATCH):
            if len(self._streams) >= self._options.max_connections and not self._make_room():
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
            self._serve(connection, address)

    def _make_room(self) -> bool:
        """Close the connection that has been idle longest, if one has been for a while."""
        self._note_full()
        before = time.monotonic() - _IDLE
        idle = [each for each in self._streams if (each.idle_since or before) < before]
        if not idle:
            return False
        min(idle, key=lambda each: each.idle_since or before).close()
        return True

    def _overfull(self) -> None:
        self._pause()
        asyncio.get_running_loop().call_later(_IDLE, self._resume)

    def _note_full(self) -> None:
        if not self._full:
            self._full = True
            _log.warning("connections_full", max_connections=self._options.max_connections)

    def _serve(self, connection: socket.socket, address: Any) -> None:
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = WatchedStream(connection, self._ended)
        self._streams.add(stream)
        self._server.handle_stream(stream, address)

    def _ended(self, stream: WatchedStream) -> None:
        self._streams.discard(stream)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(_SWEEP, self._options.write_stall))
            self._full = len(self._streams) >= self._options.max_connections
            before = time.monotonic() - self._options.write_stall
            for stream in tuple(self._streams):
                if stream.writing() and stream.wrote_at < before:
                    _log.info("stalled_connection_closed")
                    stream.close()
