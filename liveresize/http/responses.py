"""Convert outcomes to responses: status, headers, body.

Pure functions, shared by the fast path and the handlers, so that both send the same response.
"""

import functools
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from liveresize.core import overlay
from liveresize.core.originals import Link, Original
from liveresize.core.ports import CachedImage, ObjectBody
from liveresize.delivery.outcomes import (
    Bytes,
    Cache,
    HeadInfo,
    OriginalFile,
    OutOfBounds,
    Redirect,
    StoredObject,
    Streamed,
    Timings,
)
from liveresize.http import conditions, cors
from liveresize.http.conditions import Conditionals, Validators
from liveresize.http.transport.unsent import LARGE

Headers = list[tuple[str, str]]

IMMUTABLE = "public, max-age=31536000, immutable"
NO_STORE = "no-store"

_YEAR = 31_536_000

_DAY = 86_400
"""Seconds for which a picture of vip with an overlay may be kept at most."""

_MOVED = 60
"""Seconds for which the way to the current version of a picture may be kept."""

_PENDING = 60
"""Seconds that an answer may be kept at most while a better one is being made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseOptions:
    """Seconds for which caches may keep redirects and renditions, and whether the CDN varies by
    `Accept`. `presigned`: a redirect is only for the client that requested it. `dated`:
    responses have `Last-Modified`. `ends` is the time in Unix seconds after which no response
    may be cached; None is no limit. `pending` is the format of
    a better rendition that is still being made, which bounds the time as well. `ignored` names the
    parameters of the URL that are unknown. `immutable`: the URL has the version of the picture, so
    that its bytes never change. With `no_store`, nobody may keep a response."""

    presigned: bool = False
    dated: bool = False
    redirect_max_age: int = 604_800
    render_max_age: int = 86_400
    varies_on_accept: bool = False
    ends: int | None = None
    pending: str = ""
    ignored: str = ""
    immutable: bool = False
    no_store: bool = False

    def life(self, seconds: int) -> int:
        """Return the seconds for which a response may be kept, at most `seconds`."""
        if self.pending:
            seconds = min(seconds, _PENDING)
        return seconds if self.ends is None else max(0, min(seconds, int(self.ends - time.time())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Part of a file: `length` bytes from `start`."""

    path: Path
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Part:
    """`length` bytes from `start` of an object that is streamed from the store."""

    start: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessInfo:
    """The fields of the access line about a response. `fallback`: it shows another picture than
    the missing one."""

    cache: Cache | None = None
    image: str | None = None
    variant: str | None = None
    timings: Timings | None = None
    notes: tuple[str, ...] = ()
    fallback: bool = False


NOTHING = AccessInfo()


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response. `length` None leaves Content-Length out (304, and HEAD if the length is
    unknown)."""

    status: int
    headers: Headers
    body: bytes | memoryview | Slice | Part | ObjectBody = b""
    length: int | None = 0
    about: AccessInfo = NOTHING


def _age(
    seconds: int, options: ResponseOptions, *, varies: bool, personal: bool = False
) -> Headers:
    """Return the headers that say how long and by which caches a response may be kept."""
    shared = not personal and (options.varies_on_accept or not varies)
    scope = "public" if shared else "private"
    immutable = options.immutable and not options.pending
    seconds = options.life(_YEAR if immutable else seconds)
    lasting = ", immutable" if immutable and options.ends is None else ""
    headers = [
        ("Cache-Control", f"{scope}, max-age={seconds}{lasting}"),
        ("Expires", conditions.http_date(int(time.time()) + seconds)),
    ]
    if options.no_store:
        headers = [("Cache-Control", NO_STORE)]
    if varies:
        headers.append(("Vary", "Accept"))
    if options.pending:
        headers.append(("X-Pending-Format", options.pending))
    if options.ignored:
        headers.append(("X-Ignored-Parameters", options.ignored))
    return headers


@functools.lru_cache(maxsize=4096)
def tags(name: str) -> Headers:
    """Return the tags by which caches drop a picture; cached, because hits ask for them again."""
    tag = quote(name, safe="")
    return [("Cache-Tag", tag), ("Surrogate-Key", tag)]


def _picture(mime: str, validators: Validators, name: str) -> Headers:
    headers = [
        ("X-Content-Type-Options", "nosniff"),
        *cors.READABLE,
        cors.ANY_PAGE,
        *tags(name),
        ("Accept-Ranges", "bytes"),
    ]
    if mime:
        headers.append(("Content-Type", mime))
    if validators.etag:
        headers.append(("Etag", f'"{validators.etag}"'))  # as Tornado spells it
    if validators.modified_at:
        headers.append(("Last-Modified", validators.last_modified))
    return headers


def _quality(made: Link | CachedImage | None) -> Headers:
    """Return the header with the quality of a rendition, if the engine has chosen it."""
    if made is None or made.quality is None:
        return []
    return [("X-Quality", str(made.quality))]


def _validators(etag: str, original: Original, options: ResponseOptions) -> Validators:
    return Validators(etag, original.uploaded_at if options.dated else 0.0)


def _timing(timings: Timings | None) -> Headers:
    if timings is None:
        return []
    total = timings.queue + timings.decode + timings.resize + timings.encode
    parts = (
        ("queue", timings.queue),
        ("decode", timings.decode),
        ("resize", timings.resize),
        ("encode", timings.encode),
        ("total", total),
    )
    value = ", ".join(f"{name};dur={milliseconds:.1f}" for name, milliseconds in parts)
    return [("Server-Timing", value), ("Timing-Allow-Origin", "*")]


def found(
    outcome: Redirect, conditionals: Conditionals, options: ResponseOptions, *, varies: bool
) -> Response:
    """Return a 303 to the store, or a 304 if the client has those bytes."""
    link = outcome.link
    about = AccessInfo(cache=outcome.cache, image=link.image.key, variant=link.variant)
    options = replace(options, immutable=False)  # the redirect may lead elsewhere one day
    age = _age(options.redirect_max_age, options, varies=varies, personal=options.presigned)
    cached = ("X-Cache", outcome.cache.value)
    if conditions.matches(conditionals.if_none_match, link.etag):
        picture = _picture(link.mime, Validators(link.etag), link.image.name)
        return _not_modified([*picture, *age, cached, *_quality(link)], about)
    headers = [
        ("Location", outcome.url),
        *age,
        cached,
        *_quality(link),
        *tags(link.image.name),
        *cors.READABLE,
        cors.ANY_PAGE,
    ]
    return Response(status=303, headers=headers, about=about)


def _lasting(options: ResponseOptions, variant: str) -> ResponseOptions:
    """Return the options for a rendition: one with an overlay may change with the overlay, while
    its picture and the URL stay the same."""
    if not overlay.is_in(variant):
        return options
    age = options.render_max_age
    age = min(age, _DAY) if options.dated else age
    return replace(options, immutable=False, dated=False, render_max_age=age)


def rendered(
    outcome: Bytes, conditionals: Conditionals, options: ResponseOptions, *, varies: bool
) -> Response:
    """Return a 200 with the bytes of a rendition, a 206 with a part of them, or a 304."""
    options = _lasting(options, outcome.variant)
    cached, image = outcome.held, outcome.original.image
    validators = _validators(cached.etag, outcome.original, options)
    headers = _picture(cached.mime, validators, image.name)
    if outcome.cache is Cache.BYPASS:
        headers.append(("Cache-Control", NO_STORE))
        if varies:
            headers.append(("Vary", "Accept"))
    else:
        headers += _age(options.render_max_age, options, varies=varies)
    headers.append(("X-Cache", outcome.cache.value))
    headers += _quality(cached)
    headers += _timing(outcome.timings)
    if "animation_truncated" in cached.notes:
        headers.append(("X-Animation", "truncated"))
    about = AccessInfo(
        cache=outcome.cache,
        image=image.key,
        variant=outcome.variant,
        timings=outcome.timings,
        notes=cached.notes,
    )
    return _whole_or_part(cached.data, headers, validators, conditionals, about)


def stored_object(
    outcome: StoredObject, conditionals: Conditionals, options: ResponseOptions
) -> Response:
    """Return the response with an object of the embedded store."""
    cached = outcome.held
    validators = Validators(cached.etag)
    headers = _picture(cached.mime, validators, outcome.image.name)
    headers += _object_age(options, immutable=outcome.immutable)
    headers += [("X-Cache", outcome.cache.value), *_quality(cached)]
    about = AccessInfo(cache=outcome.cache, image=outcome.image.key, variant=outcome.variant)
    return _whole_or_part(cached.data, headers, validators, conditionals, about)


def streamed(
    outcome: Streamed,
    conditionals: Conditionals,
    options: ResponseOptions,
    *,
    varies: bool,
) -> Response:
    """Return a 200 with a Part of a rendition in the store, or a 304."""
    link = outcome.link
    options = _lasting(options, link.variant)
    validators = _validators(link.etag, outcome.original, options)
    headers = _picture(link.mime, validators, link.image.name)
    if outcome.immutable:
        headers += _object_age(options, immutable=True)
    else:
        headers += _age(options.render_max_age, options, varies=varies)
    headers += [("X-Cache", outcome.cache.value), *_quality(link)]
    about = AccessInfo(cache=outcome.cache, image=link.image.key, variant=link.variant)
    return _whole_or_part(Part(0, outcome.body.size), headers, validators, conditionals, about)


def known_object(
    outcome: HeadInfo, conditionals: Conditionals, options: ResponseOptions
) -> Response:
    """Return the response to HEAD of an object of the embedded store."""
    mime, etag, length = _known_bytes(outcome)
    validators = Validators(etag)
    headers = _picture(mime, validators, outcome.original.image.name)
    headers += _object_age(options, immutable=outcome.immutable)
    headers += _quality(outcome.held or outcome.link)
    about = AccessInfo(image=outcome.original.image.key, variant=outcome.variant)
    if conditions.unchanged(conditionals, validators):
        return _not_modified(headers, about)
    return Response(status=200, headers=headers, length=length, about=about)


def _object_age(options: ResponseOptions, *, immutable: bool) -> Headers:
    if immutable:
        return [("Cache-Control", IMMUTABLE)]
    return _age(options.render_max_age, options, varies=False)


def _known_bytes(outcome: HeadInfo) -> tuple[str, str, int | None]:
    """Return (media type, ETag, length), as far as they are known."""
    if outcome.held is not None:
        return outcome.held.mime, outcome.held.etag, len(outcome.held.data)
    if outcome.link is not None:
        # Of a link that was taken over from another service neither is known.
        return outcome.link.mime, outcome.link.etag, outcome.link.size or None
    return outcome.mime, "", None


def stored(outcome: OriginalFile, conditionals: Conditionals, options: ResponseOptions) -> Response:
    """Return a 200 with the stored bytes of an original, a 206 with a part of them, or a 304."""
    original = outcome.original
    validators = _validators(original.sha256, original, options)
    headers = [
        *_picture(original.mime, validators, original.image.name),
        *_age(options.render_max_age, options, varies=False),
        # Whatever a browser may find in the bytes, it shall show and not run it.
        ("Content-Security-Policy", "default-src 'none'; sandbox"),
    ]
    cached, about = outcome.held, AccessInfo(image=original.image.key, variant="original")
    if cached is None:
        file = Slice(path=outcome.path, start=0, length=original.bytes)
        return _whole_or_part(file, headers, validators, conditionals, about)
    headers.append(("X-Cache", outcome.cache.value))
    about = replace(about, cache=outcome.cache)
    return _whole_or_part(cached.data, headers, validators, conditionals, about)


def known(
    outcome: HeadInfo, conditionals: Conditionals, options: ResponseOptions, *, varies: bool
) -> Response:
    """Return the response to HEAD: the headers of a GET that are known without rendering."""
    original = outcome.original
    if outcome.stored is not None:
        return stored(OriginalFile(original=original, path=outcome.stored), conditionals, options)
    options = _lasting(options, outcome.variant)
    mime, etag, length = _known_bytes(outcome)
    validators = _validators(etag, original, options)
    headers = _picture(mime, validators, original.image.name)
    headers += _age(options.render_max_age, options, varies=varies)
    headers += _quality(outcome.held or outcome.link)
    about = AccessInfo(image=original.image.key, variant=outcome.variant)
    if conditions.unchanged(conditionals, validators):
        return _not_modified(headers, about)
    return Response(status=200, headers=headers, length=length, about=about)


def out_of_bounds(outcome: OutOfBounds, options: ResponseOptions, *, varies: bool) -> Response:
    """Return a 307 to the nearest allowed size."""
    headers = [
        ("Location", outcome.url),
        ("X-Redirect-Info", outcome.reason),
        *_age(options.render_max_age, options, varies=varies),
        *tags(outcome.image.name),
        *cors.READABLE,
        cors.ANY_PAGE,
    ]
    return Response(status=307, headers=headers)


def moved(url: str, name: str, options: ResponseOptions) -> Response:
    """Return a 302 to the current version of a picture."""
    headers = [
        ("Location", url),
        *_age(_MOVED, options, varies=False),
        *tags(name),
        *cors.READABLE,
        cors.ANY_PAGE,
    ]
    return Response(status=302, headers=headers)


def document(
    value: object,
    headers: Headers,
    status: int = 200,
    *,
    kind: str = "application/json; charset=utf-8",
) -> Response:
    """Return a response with a JSON document, and with `kind` as its media type."""
    body = json.dumps(value, ensure_ascii=False).encode()
    content = [
        ("Content-Type", kind),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Response(status=status, headers=[*content, *headers], body=body, length=len(body))


def text(value: str, headers: Headers, status: int = 200) -> Response:
    """Return a response with plain text."""
    body = value.encode()
    content = ("Content-Type", "text/plain; charset=utf-8")
    return Response(status=status, headers=[content, *headers], body=body, length=len(body))


def _not_modified(headers: Headers, about: AccessInfo) -> Response:
    """Return a 304, with the headers that update the cache of the client."""
    remaining = [header for header in headers if header[0] not in ("Content-Type", "Accept-Ranges")]
    return Response(status=304, headers=remaining, length=None, about=about)


def _whole_or_part(
    body: bytes | memoryview | Slice | Part,
    headers: Headers,
    validators: Validators,
    conditionals: Conditionals,
    about: AccessInfo,
) -> Response:
    if conditions.unchanged(conditionals, validators):
        return _not_modified(headers, about)
    size = len(body) if isinstance(body, bytes | memoryview) else body.length
    part = conditions.part(conditionals, validators, size) if conditionals.range else None
    if part is None:
        return Response(status=200, headers=headers, body=body, length=size, about=about)
    start, length = part
    if not length:
        return Response(status=416, headers=[("Content-Range", f"bytes */{size}")], about=about)
    headers = [*headers, ("Content-Range", f"bytes {start}-{start + length - 1}/{size}")]
    if isinstance(body, bytes | memoryview):
        view = memoryview(body) if length > LARGE else body  # of which no slice is a copy
        body = view[start : start + length]
    else:
        body = replace(body, start=start, length=length)
    return Response(status=206, headers=headers, body=body, length=length, about=about)
