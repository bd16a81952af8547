"""Bodies that nobody wants: read and dropped within bounds, so that the answer arrives.

An answer that comes before the body has been read makes the kernel reset the connection,
and the client may never see it. So a short body that comes soon is read to its end first.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from tornado.httputil import HTTPHeaders

from liveresize.core import numbers

MOST = 8 << 20
"""Bytes of such a body that are read."""

SECONDS = 5.0
"""Seconds for which it is read: at 13 Mbit/s all of `MOST` comes in that time."""

_BY_US = 86_400.0
"""Seconds after which Tornado would drop a body; we end it long before."""


class Connection(Protocol):
    """What a connection of HTTP/1 and a stream of HTTP/2 have in common here."""

    def set_max_body_size(self, max_body_size: int) -> None:
        """Bytes that the body may have."""

    def set_body_timeout(self, timeout: float) -> None:
        """Seconds that the body may take."""


def leave_to_us(connection: Connection) -> None:
    """Have neither Tornado nor HTTP/2 bound the body of a request: the caller does."""
    connection.set_max_body_size(1 << 62)
    connection.set_body_timeout(_BY_US)


def is_worth_reading(headers: HTTPHeaders) -> bool:
    """Whether a body is short, and its client does not wait for permission to send it."""
    return (
        "Expect" not in headers and (numbers.whole(headers.get("Content-Length", "0")) or 0) <= MOST
    )


class UnwantedBody:
    """One such body. `enough` is called once, unless the body ends before."""

    def __init__(self, seconds: float, enough: Callable[[], None]) -> None:
        self._enough = enough
        self._remaining = MOST
        self._overdue = asyncio.get_running_loop().call_later(seconds, enough)

    def arrived(self, size: int) -> None:
        """Count what came."""
        before, self._remaining = self._remaining, self._remaining - size
        if before >= 0 > self._remaining and not self._overdue.cancelled():
            self.end()
            self._enough()

    def end(self) -> None:
        """The body is over, the request answered, or the client has left."""
        self._overdue.cancel()
