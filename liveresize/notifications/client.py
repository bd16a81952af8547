"""ports.WebhookClient over HTTP: a POST that is answered with success, or was not delivered."""

from collections.abc import Mapping

import aiohttp

from liveresize import errors

FOREIGN = (aiohttp.ClientError, OSError, ValueError)
"""What the driver raises when a receiver does not do as asked. Time-outs are of OSError;
ValueError is what it says of a host that cannot be spelled in DNS."""


class HttpWebhookClient:
    """Posts messages to `url`, within `timeout` seconds each.

    Redirects and proxies of the environment are not followed.

    Each message has a connection of its own: on an old one it could meet its end, and nobody
    could tell whether it was heard. Certificates are verified against those of the system.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post `body`. Raises WebhookUnavailable unless the answer says 2xx in time.

        The status alone counts: the rest of the answer is not read, however long it is.
        """
        try:
            async with self._open().post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
        except FOREIGN as error:
            raise errors.WebhookUnavailable("", reason(error)) from error
        if not 200 <= status < 300:
            raise errors.WebhookUnavailable("", f"status {status}")

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        """The session, which can only be made where a loop turns."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


def reason(error: BaseException) -> str:
    """What went wrong, without the URL: path, query and user may be secrets."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError):  # its text names host and port at most
        return f"{type(error).__name__}: {error}"
    return type(error).__name__
