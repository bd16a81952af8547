"""Events: one for each change of a picture, written in the transaction of the change."""

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from liveresize.core import numbers
from liveresize.core.names import ImageId
from liveresize.core.originals import Original, version_of


class Kind(enum.StrEnum):
    """The kind of an event."""

    UPLOADED = "picture.uploaded"
    REPLACED = "picture.replaced"
    CHANGED = "picture.changed"
    RELEASED = "picture.released"
    EXPIRED = "picture.expired"
    DELETED = "picture.deleted"
    REFUSED = "picture.refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change; `serial` orders all of them, and `at` is Unix seconds of the index's clock.

    `document` describes the picture as it was after the change; after `picture.deleted` and
    `picture.expired`, as it was before. `trace` has the headers of the trace that the change
    belongs to.
    """

    serial: int
    at: float
    kind: Kind
    image: ImageId
    generation: str
    document: dict[str, Any]
    trace: Mapping[str, str] = field(default_factory=dict)


def describe(original: Original) -> dict[str, Any]:
    """Return what an event says of a picture; `bucket` only of that of a bucket."""
    record = original.record
    bucket = {"bucket": original.image.bucket} if original.image.bucket else {}
    return {
        "id": original.image.name,
        **bucket,
        "version": version_of(original.generation),
        "state": record.state.value,
        "width": original.width,
        "height": original.height,
        "format": original.format,
        "bytes": original.bytes,
        "sha256": original.sha256,
        "dominant_color": original.dominant_color,
        "thumbhash": original.thumbhash,
        "focus": None if record.focus is None else [side / 1000 for side in record.focus],
        "meta": json.loads(record.meta) if record.meta else None,
        "uploaded_at": numbers.iso_instant(original.uploaded_at),
    }
