"""ports.WebhookClient over HTTP: a POST that is answered with success, or was not delivered."""

from collections.abc import Mapping

from liveresize import errors
from liveresize.notifications.session import FOREIGN, Session, reason


class HttpWebhookClient:
    """Posts messages to `url`, within `timeout` seconds each.

    Redirects are not followed.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        self._url = url
        self._session = Session(timeout)

    async def deliver(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post `body`. Raises WebhookUnavailable unless the answer says 2xx in time.

        The status alone counts: the rest of the answer is not read, however long it is.
        """
        try:
            async with self._session.request(
                "POST", self._url, data=body, headers=headers
            ) as answer:
                status = answer.status
        except FOREIGN as error:
            raise errors.WebhookUnavailable("", reason(error)) from error
        if not 200 <= status < 300:
            raise errors.WebhookUnavailable("", f"status {status}")

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()
