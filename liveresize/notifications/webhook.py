"""A webhook as a receiver of events."""

import structlog

from liveresize import __version__
from liveresize.core import ports
from liveresize.core.events import Event
from liveresize.notifications import messages
from liveresize.settings.backends import Endpoint

_log = structlog.get_logger("liveresize.webhook")

_USER_AGENT = f"liveresize/{__version__}"


class WebhookReceiver:
    """ports.EventReceiver that posts a signed message for each event."""

    at_once = 4  # a receiver that hangs must not pile them up

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float,
        client: ports.WebhookClient,
        rows: ports.OriginalRows,
        clock: ports.Clock,
        prefix: str = "",
    ) -> None:
        self.name = messages.reader(endpoint.name)
        self.kinds = messages.kinds(endpoint.events)
        self.prefix = prefix
        self.timeout = timeout
        self._endpoint = endpoint
        self._client = client
        self._rows = rows
        self._clock = clock

    def log_failing(self, event: Event, error: str) -> None:
        """Log the first attempt that failed."""
        _log.warning("webhook_failing", receiver=self.name, image_id=event.image.key, error=error)

    def log_recovered(self, failures: int) -> None:
        """Log the first attempt that succeeded after that."""
        _log.info("webhook_recovered", receiver=self.name, failures=failures)

    def log_given_up(self, delivery: ports.Delivery, error: str) -> None:
        """Log an event that the receiver is not told of any more, with the id of its message."""
        event = delivery.event
        _log.error(
            "webhook_given_up",
            receiver=self.name,
            image_id=event.image.key,
            delivery=messages.delivery(event, messages.name(event, self._endpoint.events)),
            tries=delivery.tries,
            error=error,
        )

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
