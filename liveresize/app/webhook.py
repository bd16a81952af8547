"""Who tells the webhook, where one is configured."""

import time

from liveresize.core.ports import Announcements, WebhookClient
from liveresize.settings.backends import Webhook
from liveresize.uploads.webhook import WebhookDispatcher


def dispatcher(webhook: Webhook, announcements: Announcements) -> WebhookDispatcher:
    """What announces uploads; without `webhook.url` it does nothing."""
    return WebhookDispatcher(
        webhook, announcements=announcements, sender=_sender(webhook), clock=time
    )


def _sender(webhook: Webhook) -> WebhookClient | None:
    """What speaks HTTP is imported only where it is used, as it is for S3."""
    if not webhook.url:
        return None
    from liveresize.uploads.webhook_client import HttpWebhookClient

    return HttpWebhookClient(webhook)
