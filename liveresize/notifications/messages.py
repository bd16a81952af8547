"""The messages of webhooks, and the signatures by which receivers know who sends them."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence

from liveresize.core import numbers
from liveresize.core.events import Event, Kind

UPLOAD = "upload.complete"
"""The event of 1.0.0, of each upload; `webhook.events` has it by default."""

_UPLOADS = frozenset({Kind.UPLOADED, Kind.REPLACED})

_OF_1_0_0 = ("id", "bucket", "width", "height", "format", "bytes", "sha256", "uploaded_at")

_DELIVERIES = uuid.UUID("5a0c6f0e-8d0b-5c54-9a43-3b8f6f2f7c1d")
"""Namespace of the ids of deliveries: with another, receivers would take old news for new."""


def reader(endpoint: str) -> str:
    """Return the name under which a webhook has its place in the events."""
    return f"webhook:{endpoint}"


def kinds(names: Sequence[str]) -> frozenset[Kind]:
    """Return the kinds of events that a webhook with these `events` is told of."""
    chosen = {kind for kind in Kind if kind.value in names}
    return frozenset(chosen | _UPLOADS if UPLOAD in names else chosen)


def name(event: Event, names: Sequence[str]) -> str:
    """Return what a webhook with these `events` calls the event."""
    return event.kind.value if event.kind.value in names else UPLOAD


def delivery(event: Event, name: str) -> str:
    """Return the id of a message, the same however often it is sent."""
    if name == UPLOAD:
        return str(uuid.uuid5(_DELIVERIES, event.generation))
    return str(uuid.uuid5(_DELIVERIES, f"{event.generation}/{name}/{event.serial}"))


def body(event: Event, name: str) -> bytes:
    """Return the message about an event; that of an upload is the one of 1.0.0.

    `sequence` orders the messages of one database.
    """
    document: dict[str, object] = {"event": name, "delivery": delivery(event, name)}
    if name == UPLOAD:
        told = event.document
        document |= {field: told[field] for field in _OF_1_0_0 if field in told}
    else:
        at = numbers.iso_instant(event.at)
        document |= {"sequence": event.serial, "at": at, **event.document}
    return json.dumps(document, ensure_ascii=False).encode()


def signature(secrets: Sequence[str], said_at: int, body: bytes) -> str:
    """`t=…,v1=…`: the Unix time, and for each secret the HMAC-SHA256 of time and body.

    With more than one secret there is more than one `v1`: a receiver takes the new one as
    its own while the old one is still in use.
    """
    signed = f"{said_at}.".encode() + body
    marks = (hmac.new(each.encode(), signed, hashlib.sha256).hexdigest() for each in secrets)
    return ",".join([f"t={said_at}", *(f"v1={mark}" for mark in marks)])
