"""HTTP to applications and caches that the settings name: how it is sent, and why it failed."""

import aiohttp

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

    def open(self) -> aiohttp.ClientSession:
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
