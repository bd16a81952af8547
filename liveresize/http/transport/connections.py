"""Connections of clients, plain and encrypted: stalls are detected, and connections are closed
in such a way that the last response arrives."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import structlog
from tornado.iostream import IOStream, SSLIOStream, UnsatisfiableReadError

from liveresize.http.transport.unsent import Unsent

_log = structlog.get_logger("liveresize.tls")

_LINGER = 2.0
"""Seconds for which a peer may go on sending after an early response."""

_DROP_AT_ONCE = 256 << 10
_DROP_AT_MOST = 64 << 20
"""Bytes that are read and dropped meanwhile, at a time and in total: more than a picture has."""

_RECORD = 16 << 10
"""Bytes of a full TLS record."""


class WatchedStream(IOStream):
    """A stream that records when its peer last read a byte, and since when it is idle.

    `client` is the key of its client for limits: that of the peer, or behind a proxy that of
    the client of the last request. `idle_since` is the monotonic time since which the stream
    waits for the head of a request, None during a request; the parser of requests updates it.
    Set `lingers` before responding to a request that has not been read completely: closing
    would reset the connection, and a peer that is still sending would lose the response.
    `overfull` is called if a head exceeds the limit, before the stream is closed for that.
    """

    def __init__(
        self,
        connection: socket.socket,
        ended: Callable[["WatchedStream"], None],
        unsent: Unsent,
        client: str = "",
        **options: ssl.SSLContext,
    ) -> None:
        """`unsent` counts the bytes that are not sent at once."""
        self.client = client
        self.unsent = unsent
        self._ended = ended
        self.wrote_at = time.monotonic()
        self.idle_since: float | None = self.wrote_at
        self.lingers = False
        self.overfull: Callable[[], None] | None = None
        self._farewell: Callable[[], None] | None = None
        super().__init__(connection, **options)

    def unread(self, data: bytes) -> None:
        """Put back bytes for the next read."""
        self._read_buffer[:0] = data
        self._read_buffer_size += len(data)

    def arrived(self) -> bytes:
        """Return the bytes that have arrived and are not read yet."""
        return bytes(self._read_buffer)

    def close(self, exc_info: Any = False) -> None:
        """Close; see tornado.iostream.BaseIOStream."""
        overfull, self.overfull = self.overfull, None
        if isinstance(exc_info, UnsatisfiableReadError) and overfull is not None:
            overfull()
        super().close(exc_info)

    def write_to_fd(self, data: memoryview) -> int:
        """Write; see tornado.iostream.BaseIOStream."""
        written = super().write_to_fd(data)
        if written:
            self.wrote_at = time.monotonic()
        return written

    def write(self, data: bytes | memoryview) -> "asyncio.Future[None]":
        """Write; a stall begins with the first byte that has to wait."""
        if not self.writing():
            self.wrote_at = time.monotonic()
        written = super().write(data)
        if data and not written.done():
            hold = self.unsent.hold(self, data)
            written.add_done_callback(lambda _: self.unsent.release(hold))
        return written

    def set_nodelay(self, value: bool) -> None:
        """Do nothing: the listener sets TCP_NODELAY when it accepts, and Tornado would switch
        it on and off again for every answer."""

    @property
    def waits_since(self) -> float:
        """See unsent.Holder."""
        return self.wrote_at

    def give_way(self) -> None:
        """See unsent.Holder."""
        self.abandon()

    def close_fd(self) -> None:
        """Close; see tornado.iostream.BaseIOStream."""
        if self.lingers and not isinstance(self.error, ConnectionError):
            self._farewell = linger(self.bare_socket(), lambda: self._ended(self))
            self.socket = None  # type: ignore[assignment]
            return
        super().close_fd()
        self._ended(self)

    def bare_socket(self) -> socket.socket:
        """Return the plain socket, once the stream does not need it any more."""
        return self.socket

    def abandon(self) -> None:
        """Close, without lingering."""
        self.lingers = False
        self.close()
        if self._farewell is not None:
            self._farewell()


class TlsStream(WatchedStream, SSLIOStream):
    """A WatchedStream with TLS.

    The handshake must be complete within the time for the head of a request. TLS errors of
    peers close their connection and are not logged as warnings: with Tornado's logging any
    peer could fill the log.
    """

    def __init__(
        self,
        connection: ssl.SSLSocket,
        ended: Callable[[WatchedStream], None],
        unsent: Unsent,
        client: str = "",
    ) -> None:
        # Without a context Tornado makes one for clients, with every authority of the system.
        super().__init__(connection, ended, unsent, client, ssl_options=connection.context)

    def write_to_fd(self, data: memoryview) -> int:
        """Write at most one record.

        OpenSSL reports no progress of a write before its last byte: a peer that reads a large
        picture slowly would look stalled.
        """
        with data[:_RECORD] as part:
            return super().write_to_fd(part)

    def close_fd(self) -> None:
        """Close with a TLS shutdown, so that the peer knows that the response is complete."""
        if not self._ssl_accepting and self.error is None:
            # What the peer says to that is not waited for, which is an error to `unwrap`.
            with contextlib.suppress(OSError, ValueError):
                self.socket.unwrap()
        super().close_fd()

    def bare_socket(self) -> socket.socket:
        """See WatchedStream; bytes that still arrive are not decrypted."""
        bare = socket.socket(fileno=self.socket.detach())
        bare.setblocking(False)
        return bare

    def _do_ssl_handshake(self) -> None:
        """See tornado.iostream.SSLIOStream; this one does not log as it does."""
        self._handshake_reading = self._handshake_writing = False
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            self._handshake_reading = True
        except ssl.SSLWantWriteError:
            self._handshake_writing = True
        except (OSError, ValueError, AttributeError) as error:
            # The last two come of a peer that left before the first byte.
            if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
                _log.info("handshake_failed", reason=error.reason)
            self.close(exc_info=error)
        else:
            self._ssl_accepting = False
            self._finish_ssl_connect()

    def _is_connreset(self, exc: BaseException) -> bool:
        """Whether the peer caused `exc`; see tornado.iostream.BaseIOStream."""
        return isinstance(exc, ssl.SSLError) or super()._is_connreset(exc)


def linger(connection: socket.socket, ended: Callable[[], None]) -> Callable[[], None]:
    """Shut down the sending side, drop bytes that still arrive, and close the connection.

    It is closed when the peer closes, after `_LINGER` seconds or `_DROP_AT_MOST` bytes, or when
    the returned function is called. `ended` is called afterwards.
    """
    loop = asyncio.get_running_loop()
    remaining = _DROP_AT_MOST

    def close() -> None:
        if connection.fileno() < 0:
            return
        overdue.cancel()
        loop.remove_reader(connection.fileno())
        connection.close()
        ended()

    def drop() -> None:
        nonlocal remaining
        try:
            dropped = len(connection.recv(_DROP_AT_ONCE))
            remaining -= dropped
            if dropped and remaining > 0:
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
