"""GET of pictures: renditions, originals, what is known about them, and where they are kept."""

from collections.abc import Mapping

from liveresize import errors
from liveresize.domain.formats import Format
from liveresize.web.openapi import headers, parameters, refusals, samples
from liveresize.web.openapi.parts import Answer, Header, Json, Operation, Parameter, schema

TAG = "Pictures"

_MADE: Mapping[str, Json] = {each.mime: {} for each in Format}
_ANY: Mapping[str, Json] = {"image/*": {}}
"""An original may be of a format that is taken, but never made."""

_UNSIGNED: refusals.Kinds = (
    errors.SizeRefused,
    errors.PresetRequired,
)

_READING: refusals.Kinds = (
    errors.MalformedUrl,
    errors.BadParameter,
    *_UNSIGNED,
    *refusals.SIGNATURE,
)

_HEAD = frozenset({200, 304, 307, 400, 403, 404, 422, 429, 503, 504})
"""HEAD makes the checks of GET and nothing else: no part, and no way to the bytes."""

SIGNED = ("", "signature")

_OPEN = (headers.ORIGIN.required,)
"""Pages of any origin may read errors, too."""


def _bytes(content: Mapping[str, Json], *more: Header) -> tuple[Answer, ...]:
    """The bytes of a picture, part of them, that they have not changed, or a bad range."""
    listed = (*headers.BYTES, *more)
    unchanged = tuple(each for each in listed if each.name != headers.RANGES.name)
    return (
        Answer(status=200, about="The bytes.", headers=listed, content=content),
        Answer(
            status=206,
            about="The part that `Range` asks for.",
            headers=(*listed, headers.CONTENT_RANGE),
            content=content,
        ),
        Answer(status=304, about="`If-None-Match` names what it is.", headers=unchanged),
        refusals.plain(416, headers.ORIGIN.required, headers.CONTENT_RANGE),
    )


_FOUND = Answer(
    status=303,
    about="It is made, and kept there. Not while the store is away, nor with `proxy=true`.",
    headers=(
        *headers.AGE,
        headers.LOCATION,
        headers.CACHE.required,
        headers.ORIGIN.required,
        headers.TAG.required,
        headers.SURROGATE.required,
    ),
)

_BEYOND = Answer(
    status=307,
    about="More than `constraints` allow: the nearest that may be had.",
    headers=(
        *headers.AGE,
        headers.LOCATION,
        headers.REDIRECT_INFO,
        headers.ORIGIN.required,
        headers.EXPOSED,
    ),
)


def _rendition(at: str, called: str, summary: str, *more: Parameter) -> Operation:
    return Operation(
        at=at,
        called=called,
        tag=TAG,
        summary=summary,
        about="Rendered by the first who asks, while all others wait for the same; kept from "
        "then on. Parameters that are not listed mean nothing.",
        parameters=(
            parameters.NAME,
            parameters.WIDTH,
            parameters.HEIGHT,
            *more,
            parameters.EXTENSION,
            *parameters.FITTING,
            *parameters.EFFECTS,
            parameters.EXPIRY,
            *parameters.ASKED,
            parameters.FRESHNESS,
        ),
        answers=(*_bytes(_MADE), _FOUND, _BEYOND),
        raises=(*_READING, *refusals.RENDERING),
        of_errors=_OPEN,
        security=SIGNED,
        head=_HEAD,
    )


_RENDITION = _rendition(
    "/{name}_{width}_{height}.{ext}", "getRendition", "A picture inside a box of pixels"
)

_DENSE = _rendition(
    "/{name}_{width}_{height}_{density}x.{ext}",
    "getDenseRendition",
    "The same for screens with several pixels a point",
    parameters.DENSITY,
)


def _original(at: str, called: str, summary: str, about: str, *more: Parameter) -> Operation:
    return Operation(
        at=at,
        called=called,
        tag=TAG,
        summary=summary,
        about=about,
        parameters=(
            parameters.NAME,
            *more,
            *parameters.FITTING,
            *parameters.EFFECTS,
            parameters.EXPIRY,
            *parameters.ASKED,
            parameters.FRESHNESS,
        ),
        answers=(*_bytes(_ANY), _FOUND, _BEYOND),
        raises=(*_READING, *refusals.RENDERING),
        of_errors=_OPEN,
        security=SIGNED,
        head=_HEAD,
    )


_CONVERTED = _original(
    "/{name}.{ext}",
    "getConverted",
    "The original in a format",
    "Its stored bytes where they are of that format and nothing is to be changed, else a "
    "rendition at full size.",
    parameters.EXTENSION,
)

_PLAIN = _original(
    "/{name}",
    "getOriginal",
    "The original",
    "Its stored bytes where nothing is to be changed, else a rendition at full size. 404 for "
    "all without a signature where `originals.public` is off.",
)

_FACTS = Operation(
    at="/{name}.json",
    called="getFacts",
    tag=TAG,
    summary="What is known about a picture",
    parameters=(parameters.NAME, parameters.EXPIRY, parameters.REQUEST_ID),
    answers=(
        Answer(
            status=200,
            about="Its facts.",
            headers=(*headers.EVERY, headers.ORIGIN.required, headers.NOSNIFF.required),
            content={"application/json": schema("Facts")},
            samples={"sample": samples.FACTS},
        ),
    ),
    raises=(*_READING, *refusals.LEARNING),
    of_errors=_OPEN,
    security=SIGNED,
)

PICTURES = (_RENDITION, _DENSE, _CONVERTED, _FACTS, _PLAIN)
"""All of one segment. In this order an address is what it matches first."""


def _object(at: str, called: str, *more: Parameter) -> Operation:
    return Operation(
        at=at,
        called=called,
        tag=TAG,
        summary="A rendition where it is kept, as a redirect leads to it",
        about="While there is no S3. It never changes; one that had to make room is rendered "
        "again. 404 for what nobody was redirected to, unless a URL without a signature may ask "
        "for the same.",
        parameters=(*more, parameters.NAME, *parameters.KEY, *parameters.ASKED),
        answers=_bytes(_MADE),
        raises=refusals.RENDERING,
        of_errors=_OPEN,
        head=_HEAD - {307, 400, 403, 429},
    )


OBJECTS = (
    _object("/_renditions/{name}/{generation}/{file}", "getObject"),
    _object(
        "/_renditions/{bucket}/{name}/{generation}/{file}",
        "getObjectOfBucket",
        parameters.BUCKET,
    ),
)

VIP = (
    Operation(
        at="/{bucket}/{id}",
        called="getOfBucket",
        tag="vip",
        summary="A picture of a bucket",
        about="Always bytes, never a redirect. The format is the original's; a GIF gives PNG "
        "unless it is to stay animated.",
        parameters=(
            parameters.BUCKET,
            parameters.ID,
            *parameters.SQUARED,
            parameters.EXPIRY,
            *parameters.ASKED,
            parameters.IF_MODIFIED_SINCE,
            parameters.FRESHNESS,
        ),
        answers=_bytes(_ANY),
        raises=(
            errors.MalformedUrl,
            errors.BucketMissing,
            errors.SizeRefused,
            *refusals.SIGNATURE,
            *refusals.RENDERING,
        ),
        of_errors=_OPEN,
        security=SIGNED,
        head=_HEAD - {307},
    ),
)
