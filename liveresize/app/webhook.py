"""Who tells the webhook, where one is configured."""

import time

from liveresize import __version__
from liveresize.config import Settings
from liveresize.core.ports import Announcements, WebhookClient
from liveresize.uploads.webhook import WebhookDispatcher, WebhookDispatcherOptions


def dispatcher(settings: Settings, announcements: Announcements) -> WebhookDispatcher:
    """What announces uploads; without `webhook.url` it does nothing."""
    webhook = settings.webhook
    options = WebhookDispatcherOptions(
        secrets=webhook.secrets,
        user_agent=f"liveresize/{__version__}",
        timeout=webhook.timeout,
        give_up=webhook.give_up,
    )
    return WebhookDispatcher(
        options, announcements=announcements, sender=_sender(settings), clock=time
    )


def _sender(settings: Settings) -> WebhookClient | None:
    """What speaks HTTP is imported only where it is used, as it is for S3."""
    if not settings.webhook.url:
        return None
    from liveresize.uploads.webhook_client import HttpWebhookClient, WebhookClientOptions

    return HttpWebhookClient(
        WebhookClientOptions(url=settings.webhook.url, timeout=settings.webhook.timeout)
    )
