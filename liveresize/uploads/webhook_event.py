"""What the webhook is told of an upload, and how its receiver knows who says so."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence

from liveresize.core import numbers
from liveresize.core.originals import Original

EVENT = "upload.complete"

_DELIVERIES = uuid.UUID("5a0c6f0e-8d0b-5c54-9a43-3b8f6f2f7c1d")
"""Namespace of the ids of deliveries: with another, receivers would take old news for new."""


def delivery(generation: str) -> str:
    """The id of what is said of one upload, the same however often it is said."""
    return str(uuid.uuid5(_DELIVERIES, generation))


def body(original: Original) -> bytes:
    """The JSON about an upload; `bucket` stands only in that of a bucket's picture."""
    bucket = {"bucket": original.image.bucket} if original.image.bucket else {}
    document = {
        "event": EVENT,
        "delivery": delivery(original.generation),
        "id": original.image.name,
        **bucket,
        "width": original.width,
        "height": original.height,
        "format": original.format,
        "bytes": original.bytes,
        "sha256": original.sha256,
        "uploaded_at": numbers.iso_instant(original.uploaded_at),
    }
    return json.dumps(document, ensure_ascii=False).encode()


def signature(secrets: Sequence[str], said_at: int, body: bytes) -> str:
    """`t=…,v1=…`: the Unix time, and for each secret the HMAC-SHA256 of time and body.

    With more than one secret there is more than one `v1`: a receiver takes the new one as
    its own while the old one is still in use.
    """
    signed = f"{said_at}.".encode() + body
    marks = (hmac.new(each.encode(), signed, hashlib.sha256).hexdigest() for each in secrets)
    return ",".join([f"t={said_at}", *(f"v1={mark}" for mark in marks)])
