"""HTTP to a cache: one request, and what came back."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import yarl

from liveresize import errors
from liveresize.core import numbers
from liveresize.notifications.session import FOREIGN, Session, reason

_MOST_READ = 65_536
"""Bytes of an answer that are looked at."""

_LONGEST_REST = 3600
"""Seconds of the longest pause that a cache can ask for."""

_BUSY = (429, 503)


class CacheClient:
    """Sends requests to one cache, within `timeout` seconds each.

    Redirects are not followed. A cache that answers 429 or 503 with a time is left alone until
    then. `reset` is a header with the Unix time of the end of that pause, for a cache that sends
    no `Retry-After`.
    """

    def __init__(
        self,
        *,
        timeout: float,
        reset: str = "",
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._reset = reset
        self._monotonic = monotonic
        self._clock = clock
        self._rests_until = 0.0
        self._session = Session(timeout)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> bytes:
        """Send a request, and return the beginning of what a success comes with.

        Raises CacheUnavailable unless the answer says 2xx in time. Its text has the status at
        most: what a cache says may repeat a secret.
        """
        left = self._rests_until - self._monotonic()
        if left > 0:
            raise errors.CacheUnavailable("", "it asked for a pause", {"retry_after": left})
        try:
            async with self._session.request(
                method, yarl.URL(url, encoded=True), data=body or None, headers=headers
            ) as answer:
                status, given = answer.status, answer.headers
                if 200 <= status < 300:
                    return await _beginning(answer.content)
                numbers = _numbers(await _beginning(answer.content))
        except FOREIGN as error:
            raise errors.CacheUnavailable("", reason(error)) from error
        rest = self._pause(given) if status in _BUSY else 0.0
        self._rests_until = self._monotonic() + rest
        raise errors.CacheUnavailable("", f"status {status}{numbers}", {"retry_after": rest})

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    def _pause(self, headers: Mapping[str, str]) -> float:
        """Return the seconds for which the cache wants no requests."""
        after, until = headers.get("Retry-After", ""), headers.get(self._reset, "")
        seconds = numbers.at_most(after, _LONGEST_REST)
        end = numbers.http_instant(after) if seconds is None else None
        if seconds is None and end is None:
            end = numbers.whole(until)
        if end is not None:
            return min(max(0.0, end - self._clock()), 1.0 * _LONGEST_REST)
        return 1.0 * (seconds or 0)


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    """Read an answer, up to a bound."""
    read = bytearray()
    while len(read) < _MOST_READ:
        chunk = await content.read(_MOST_READ - len(read))
        if not chunk:
            break
        read += chunk
    return bytes(read)


def _numbers(body: bytes) -> str:
    """Return the codes of the errors in an answer of Cloudflare, to go into the log."""
    try:
        document: Any = json.loads(body)
        codes = [one["code"] for one in document["errors"]]
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""
    return "".join(f", error {code}" for code in codes[:3] if isinstance(code, int))
