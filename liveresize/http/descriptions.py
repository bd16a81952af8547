"""Pictures as JSON: what everybody may know of them, and what only their application may."""

import json
from typing import Any

from liveresize.core import numbers
from liveresize.core.originals import Original, version_of


def public(original: Original) -> dict[str, Any]:
    """Return the answer of `/{name}.json`."""
    focus = original.record.focus
    return {
        "id": original.image.name,
        "version": version_of(original.generation),
        "width": original.width,
        "height": original.height,
        "format": original.format,
        "bytes": original.bytes,
        "sha256": original.sha256,
        "frames": original.frames,
        "has_alpha": original.has_alpha,
        "dominant_color": original.dominant_color,
        "thumbhash": original.thumbhash,
        "focus": None if focus is None else [side / 1000 for side in focus],
        "uploaded_at": numbers.iso_instant(original.uploaded_at),
    }


def private(original: Original) -> dict[str, Any]:
    """Return all that is known of a picture; `bucket` only of one in a bucket."""
    record = original.record
    bucket = {"bucket": original.image.bucket} if original.image.bucket else {}
    return {
        **public(original),
        **bucket,
        "state": record.state.value,
        "meta": json.loads(record.meta) if record.meta else None,
        "held": record.held_at is not None,
        "keep_until": _instant(record.keep_until),
        "claim_until": _instant(record.claim_until),
    }


def _instant(at: float | None) -> str | None:
    return None if at is None else numbers.iso_instant(at)
