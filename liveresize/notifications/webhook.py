"""A webhook as a receiver of events."""

from liveresize import __version__
from liveresize.core import ports
from liveresize.core.events import Event
from liveresize.notifications import messages
from liveresize.settings.backends import Endpoint

_USER_AGENT = f"liveresize/{__version__}"


class WebhookReceiver:
    """ports.EventReceiver that posts a signed message for each event."""

    family = "webhook"
    at_once = 4  # a receiver that hangs must not pile them up

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float,
        client: ports.WebhookClient,
        rows: ports.OriginalRows,
        clock: ports.Clock,
    ) -> None:
        self.name = messages.reader(endpoint.name)
        self.kinds = messages.kinds(endpoint.events)
        self.timeout = timeout
        self._endpoint = endpoint
        self._client = client
        self._rows = rows
        self._clock = clock

    def delivery(self, event: Event) -> str:
        """The id of the message about an event."""
        return messages.delivery(event, messages.name(event, self._endpoint.events))

    def settles(self, event: Event) -> float:
        """0: each event is told of once."""
        return 0.0

    async def deliver(self, event: Event) -> None:
        """Post the message. Raises WebhookUnavailable unless the receiver takes it.

        As in 1.0.0, `upload.complete` is not sent of what was imported, or has ended meanwhile.
        Raises IndexUnavailable if nobody can tell.
        """
        name = messages.name(event, self._endpoint.events)
        if name == messages.UPLOAD:
            imported = event.document.get("imported")
            if imported or not await self._rows.known([event.generation]):
                return
        body = messages.body(event, name)
        said_at = int(self._clock.time())
        await self._client.deliver(
            body,
            {
                "Content-Type": "application/json",
                "User-Agent": _USER_AGENT,
                "X-Liveresize-Event": name,
                "X-Liveresize-Delivery": messages.delivery(event, name),
                "X-Liveresize-Signature": messages.signature(self._endpoint.secrets, said_at, body),
            },
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()
