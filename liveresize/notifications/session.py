"""HTTP to applications and caches that the settings name: how it is sent, and why it failed."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import yarl

from liveresize.observe.tracing import spans

FOREIGN = (aiohttp.ClientError, OSError, ValueError)
"""What the driver raises when a receiver does not do as asked. Time-outs are of OSError;
ValueError is what it says of a host that cannot be spelled in DNS."""


class Session:
    """The connections to one receiver, within `timeout` seconds a request.

    Each request has a connection of its own: on an old one it could meet its end, and nobody could
    tell whether it was heard. Proxies of the environment are not used, cookies not kept, and
    certificates are verified against those of the system.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    @contextlib.asynccontextmanager
    async def request(
        self,
        method: str,
        url: str | yarl.URL,
        *,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request, and give the answer as soon as its head is there.

        It belongs to the current trace. Redirects are not followed. Raises what `FOREIGN` has.
        """
        address = yarl.URL(url)
        about: spans.Attributes = {
            "http.request.method": method,
            "server.address": address.host or "",
            "server.port": address.port or 0,
        }
        with spans.measured(method, spans.Kind.CLIENT, about) as span:
            async with self._open().request(
                method,
                url,
                data=data,
                headers={**(headers or {}), **spans.headers()},
                allow_redirects=False,
            ) as answer:
                if span is not None:
                    span.attributes["http.response.status_code"] = answer.status
                    span.error = str(answer.status) if answer.status >= 400 else ""
                yield answer

    def _open(self) -> aiohttp.ClientSession:
        """Return the session, which can only be made in a running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()


def reason(error: BaseException) -> str:
    """What went wrong, without the URL: path, query and user may be secrets."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError):  # its text names host and port at most
        return f"{type(error).__name__}: {error}"
    return type(error).__name__
