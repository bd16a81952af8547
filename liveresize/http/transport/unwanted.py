"""Unwanted bodies: read and dropped within limits, so that the response arrives.

If a response is sent before the body has been read, the kernel may reset the connection before
the client has read the response. So a short body that arrives soon is read to its end first.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from tornado.httputil import HTTPHeaders

from liveresize.core import numbers

MOST = 8 << 20
"""The largest number of bytes of such a body that are read."""

SECONDS = 5.0
"""Seconds for which it is read: at 13 Mbit/s all of `MOST` arrives in that time."""

_BY_US = 86_400.0
"""The time-out of Tornado, in seconds; our own is much shorter."""


class Connection(Protocol):
    """The common methods of an HTTP/1 connection and an HTTP/2 stream."""

    def set_max_body_size(self, max_body_size: int) -> None:
        """Set the largest size of the body, in bytes."""

    def set_body_timeout(self, timeout: float) -> None:
        """Set the time for the body, in seconds."""


def leave_to_us(connection: Connection) -> None:
    """Disable the limits of Tornado and HTTP/2 for the body: the caller has its own."""
    connection.set_max_body_size(1 << 62)
    connection.set_body_timeout(_BY_US)


def is_worth_reading(headers: HTTPHeaders) -> bool:
    """Whether a body is short, and its client does not wait for `100 Continue`."""
    return (
        "Expect" not in headers and (numbers.whole(headers.get("Content-Length", "0")) or 0) <= MOST
    )


class UnwantedBody:
    """One such body. `enough` is called once at the limit, unless the body ends before."""

    def __init__(self, seconds: float, enough: Callable[[], None]) -> None:
        self._enough = enough
        self._remaining = MOST
        self._overdue = asyncio.get_running_loop().call_later(seconds, enough)

    def arrived(self, size: int) -> None:
        """Count received bytes."""
        before, self._remaining = self._remaining, self._remaining - size
        if before >= 0 > self._remaining and not self._overdue.cancelled():
            self.end()
            self._enough()

    def end(self) -> None:
        """Stop: the body has ended, the response was sent, or the client has left."""
        self._overdue.cancel()
