"""The schemas of all JSON, in and out."""

from dataclasses import dataclass

from liveresize.domain import names
from liveresize.service.warmup import Fate
from liveresize.web import admin, tokens
from liveresize.web.multipart import FIELD
from liveresize.web.openapi import parameters, refusals
from liveresize.web.openapi.parts import Json

_COUNT = {"type": "integer", "minimum": 0}
_SIDE = {"type": "integer", "minimum": 1}
_INSTANT = {
    "type": "string",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z$",
    "description": "ISO 8601, in UTC, to the millisecond.",
}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_NAME = parameters.NAME_SHAPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What of the configuration a client has to know: sizes in pixels and bytes, formats
    that are taken, and the names of presets."""

    version: str
    max_width: int
    max_height: int
    max_upload_bytes: int
    formats: tuple[str, ...]
    presets: tuple[str, ...] = ()


def _object(required: tuple[str, ...], properties: Json, about: str = "") -> Json:
    told: Json = {"type": "object", "required": list(required), "properties": properties}
    return {"description": about, **told} if about else told


def components(limits: Limits) -> Json:
    """All of them, by name."""
    return {
        "Error": _object(
            ("error", "code", "request_id"),
            {
                "error": {"type": "string", "description": "One sentence for developers."},
                "code": {"enum": refusals.codes(), "description": "Stable, for programs."},
                "request_id": {"type": "string", "description": "What the log knows it by."},
            },
        ),
        "Text": {"type": "string"},
        "Width": _side("Not both may be 0.", limits.max_width),
        "Height": _side("Not both may be 0.", limits.max_height),
        **({"Preset": {"enum": list(limits.presets)}} if limits.presets else {}),
        "Facts": _facts(),
        "Ready": _ready(),
        "StudioSession": _session(),
        **_tokens(limits),
        **_receipts(limits),
        "PurgeRequest": _purge(),
        "Purged": _object(("purged",), {"purged": _COUNT}),
        "Deposited": _object(
            ("url",), {"url": {"type": "string", "pattern": "^https?://[^/]+/[^/]+/[^/]+$"}}
        ),
        "Warmup": _object(("warmup",), {"warmup": {"type": "array", "items": _entry()}}),
    }


def _side(about: str, most: int) -> Json:
    """One of a rendition, in pixels."""
    beyond = f"{about} A picture of more than {most} is answered with 307."
    return {**_COUNT, "maximum": 999_999_999, "description": beyond}


def _session() -> Json:
    yes_or_no: Json = {"type": "boolean"}
    presets = {"type": "object", "additionalProperties": {"type": "string"}}
    properties = {
        "version": {"type": "string"},
        "max_width": _SIDE,
        "max_height": _SIDE,
        "max_upload_bytes": _COUNT,
        "max_megapixels": {"type": "number"},
        "input": {"type": "array", "items": {"type": "string"}},
        "enlarge": yes_or_no,
        "presets": {"type": "object", "additionalProperties": presets},
        "facts": {**yes_or_no, "description": "Whether originals are public."},
        "token": {
            "enum": ["studio", "secret", "open"],
            "description": "Where tokens come from: /_studio/token, or /token with or without "
            "its secret.",
        },
        "delete": {**yes_or_no, "description": "Whether pictures can be deleted."},
    }
    return _object(tuple(properties), properties, "What the page works with.")


def _facts() -> Json:
    properties = {
        "id": _NAME,
        "width": _SIDE,
        "height": _SIDE,
        "format": {"type": "string"},
        "bytes": _SIDE,
        "sha256": _SHA256,
        "frames": _SIDE,
        "has_alpha": {"type": "boolean"},
        "dominant_color": {"type": "string", "description": "As CSS has it; empty if unknown."},
        "thumbhash": {"type": "string", "description": "In Base64; empty if unknown."},
        "uploaded_at": _INSTANT,
    }
    about = "What is known about an original. Sizes are of the upright picture, in pixels."
    return _object(tuple(properties), properties, about)


def _tokens(limits: Limits) -> Json:
    """Of `POST /token`."""
    taken = sorted({*limits.formats, "jpg"})
    wanted = {
        "id": {**_NAME, "description": _ID, "not": {"enum": sorted(names.RESERVED)}},
        "secret": {"type": "string", "description": "The configured `secret`, if there is one."},
        "expires_in": {
            "type": ["number", "null"],
            "minimum": 1,
            "maximum": tokens.LONGEST_LIFE,
            "description": "Seconds that the token lives; `token.lifetime` where not said.",
        },
        "max_bytes": {
            "type": ["number", "null"],
            "minimum": 1,
            "maximum": tokens.LARGEST,
            "description": f"The most that may be uploaded, up to {limits.max_upload_bytes}.",
        },
        "formats": {
            "type": ["array", "null"],
            "minItems": 1,
            "items": {"enum": taken},
            "description": "What may be uploaded, in letters of either case.",
        },
        "overwrite": {
            "type": ["boolean", "null"],
            "description": "May replace a picture; only where a secret is configured.",
        },
    }
    given = {
        "token": {"type": "string", "format": "uuid"},
        "id": _NAME,
        "expires_at": _INSTANT,
    }
    return {
        "TokenRequest": _object(("id",), wanted),
        "Token": _object(tuple(given), given),
    }


_ID = (
    "The name of the picture from now on: UTF-8 in normalisation form NFC, without slashes, "
    "backslashes and control characters; not beginning with `_`, and nothing that a URL "
    "would read as a size or an extension."
)


def _receipts(limits: Limits) -> Json:
    """Of uploads with a token."""
    properties = {
        "status": {"const": "OK"},
        "id": _NAME,
        "original_width": _SIDE,
        "original_height": _SIDE,
        "format": {"type": "string"},
        "bytes": _SIDE,
        "sha256": _SHA256,
    }
    image = {
        "type": "string",
        "contentMediaType": "image/*",
        "description": f"Up to {limits.max_upload_bytes} bytes.",
    }
    return {
        "Receipt": _object(tuple(properties), properties),
        "Form": _object((FIELD,), {FIELD: image}, "A form; other fields are read past."),
    }


def _purge() -> Json:
    text = {"type": ["string", "null"], "minLength": 1}
    instant = [
        {"type": ["number", "null"], "minimum": 0, "exclusiveMaximum": 1e11},
        {"type": "string", "format": "date-time"},
    ]
    properties = {
        "id": {**text, "description": "A name, or `bucket/id`."},
        "prefix": {**text, "description": "How names begin."},
        "rendered_before": {
            "anyOf": instant,
            "description": "Unix seconds, or an ISO 8601 time with its zone.",
        },
        "engine_before": {
            "type": ["string", "null"],
            "pattern": f"^{admin.VERSION.pattern}$",
            "description": "A version of the engine, such as `1.2`.",
        },
        "limit": {
            "type": ["number", "null"],
            "minimum": 1,
            "maximum": admin.MOST,
            "default": 100,
        },
    }
    chosen = [
        {"required": [each], "properties": {each: {"not": {"type": "null"}}}}
        for each in admin.SELECTORS
    ]
    told = _object((), properties, "Exactly one of the four that select.")
    return {**told, "oneOf": chosen}


def _entry() -> Json:
    return _object(("entry", "fate"), {"entry": {"type": "string"}, "fate": {"enum": list(Fate)}})


def _ready() -> Json:
    part = _object(("ok",), {"ok": {"type": "boolean"}})
    return _object(
        ("status",),
        {
            "status": {"enum": ["ready", "degraded", "unavailable"]},
            "degraded": {"type": "array", "items": {"type": "string"}},
            "parts": {"type": "object", "additionalProperties": part},
        },
        "How the server is; `degraded` and `parts` are for `admin.networks` alone.",
    )
