"""The receivers of events, as they are configured."""

import time

from liveresize import errors
from liveresize.app.database import make_database
from liveresize.config import Settings
from liveresize.core.ports import Deliveries, EventReceiver, OriginalRows
from liveresize.notifications import messages
from liveresize.notifications.courier import Courier
from liveresize.notifications.dispatcher import Dispatcher
from liveresize.observe.tracing import incoming
from liveresize.observe.tracing.incoming import IncomingTraces
from liveresize.settings.applications import NONE, Applications
from liveresize.settings.backends import Endpoint, Webhook
from liveresize.settings.caches import Cdn
from liveresize.storage.index.sql_index import DatabaseIndex

_REPLAYED = 1_000
"""Events that one transaction queues again."""


def dispatcher(
    webhook: Webhook,
    cdn: Cdn,
    deliveries: Deliveries,
    rows: OriginalRows,
    traces: IncomingTraces = incoming.OFF,
    applications: Applications = NONE,
) -> Dispatcher:
    """What tells the webhooks and the caches; without any it does nothing."""
    endpoints = _endpoints(webhook, applications)
    return Dispatcher(
        [
            Courier(receiver, deliveries=deliveries, give_up=webhook.give_up, traces=traces)
            for receiver in _receivers(webhook, endpoints, rows)
        ],
        caches=[
            Courier(receiver, deliveries=deliveries, give_up=cdn.give_up, traces=traces)
            for receiver in _caches(cdn)
        ],
        deliveries=deliveries,
        inherits=any(messages.UPLOAD in each.events for each, _ in endpoints),
    )


def _endpoints(webhook: Webhook, applications: Applications) -> list[tuple[Endpoint, str]]:
    """Return all webhooks, each with the prefix of the pictures that it is told of."""
    own = [(each.webhook, each.prefix) for each in applications if each.webhook is not None]
    return [*((each, "") for each in webhook.receivers), *own]


def _receivers(
    webhook: Webhook, endpoints: list[tuple[Endpoint, str]], rows: OriginalRows
) -> list[EventReceiver]:
    """What speaks HTTP is imported only where it is used, as it is for S3."""
    if not endpoints:
        return []
    from liveresize.notifications.client import HttpWebhookClient
    from liveresize.notifications.webhook import WebhookReceiver

    return [
        WebhookReceiver(
            endpoint,
            timeout=webhook.timeout,
            client=HttpWebhookClient(endpoint.url, timeout=webhook.timeout),
            rows=rows,
            clock=time,
            prefix=prefix,
        )
        for endpoint, prefix in endpoints
    ]


def _caches(cdn: Cdn) -> list[EventReceiver]:
    """See `_receivers`."""
    if not cdn.caches:
        return []
    from liveresize.notifications.caches import drivers
    from liveresize.notifications.caches.receiver import CacheReceiver

    return [
        CacheReceiver(cache.name, drivers.make(cache, cdn.timeout), timeout=cdn.timeout)
        for cache in cdn.caches
    ]


async def replay(settings: Settings, endpoint: str, since: float) -> int:
    """Queue the events since `since`, in Unix seconds, for one webhook again; return how many.

    Raises SettingsError if there is no such webhook, or it has not been told of anything yet, and
    IndexUnavailable.
    """
    known = _endpoints(settings.webhook, settings.shared_by)
    named = [each for each in known if each[0].name == endpoint]
    if not named:
        raise errors.SettingsError(
            f"webhook.endpoints has no `{endpoint}`." if endpoint else "webhook.url is empty."
        )
    index = await DatabaseIndex.open(make_database(settings))
    total, after = 0, 0
    try:
        ((receiver, prefix),) = named
        kinds = messages.kinds(receiver.events)
        while serials := await index.deliveries.replay(
            messages.reader(endpoint), kinds, since, after, _REPLAYED, prefix=prefix
        ):
            total, after = total + len(serials), serials[-1]
    finally:
        await index.close()
    return total
