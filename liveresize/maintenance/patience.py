"""Request from a server that may be busy: wait as long as it asks, and try again."""

import asyncio

from tornado import httpclient
from tornado.simple_httpclient import HTTPTimeoutError

from liveresize import errors
from liveresize.core import numbers

CONNECT_TIMEOUT, REQUEST_TIMEOUT = 10.0, 300.0
"""Seconds; a render may wait for a worker, behind other requests."""

TRIES = 5
"""How often a request is sent while the server is busy, or cannot be reached."""

PAUSE = 1.0
"""Seconds between two tries, without a `Retry-After`."""

_LONGEST_WAIT = 30.0
"""The longest `Retry-After` that is respected, in seconds."""

_BUSY = (429, 503)


async def fetch(
    client: httpclient.AsyncHTTPClient, request: httpclient.HTTPRequest
) -> httpclient.HTTPResponse:
    """Return the response to `request`, whatever its status; redirects are not followed.

    A response of 599 means that there was none in time.

    Raises LiveResizeError if the server cannot be reached.
    """
    request.connect_timeout, request.request_timeout = CONNECT_TIMEOUT, REQUEST_TIMEOUT
    request.follow_redirects = False
    request.decompress_response = False
    for tries_left in range(TRIES - 1, -1, -1):
        try:
            response = await client.fetch(request, raise_error=False)
        except (OSError, httpclient.HTTPError) as error:
            if not tries_left:
                reason = getattr(error, "strerror", None) or error
                raise errors.LiveResizeError(
                    f"No server can be reached at {request.url}: {reason}."
                ) from error
            await asyncio.sleep(PAUSE)
            continue
        if isinstance(response.error, HTTPTimeoutError):
            return response
        if response.code not in _BUSY or not tries_left:
            return response
        await asyncio.sleep(_pause(response))
    raise AssertionError("the last try returns or raises")


def _pause(response: httpclient.HTTPResponse) -> float:
    """Return the seconds until the next try."""
    delay = numbers.whole(response.headers.get("Retry-After", ""))
    return PAUSE if delay is None else min(delay, _LONGEST_WAIT)
