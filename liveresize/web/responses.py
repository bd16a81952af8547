"""From outcomes to answers: status, headers, body. Pure, and shared by both ways out
(`hits` and the handlers), so that a hit looks the same whichever way it took."""

import json
import re
import time
from dataclasses import dataclass, replace
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

from liveresize.ports import ObjectBody
from liveresize.service.outcomes import (
    Bytes,
    Cache,
    Found,
    Known,
    OutOfBounds,
    Stored,
    StoredObject,
    Streamed,
    Timings,
)

Headers = list[tuple[str, str]]

IMMUTABLE = "public, max-age=31536000, immutable"
NO_STORE = "no-store"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseOptions:
    """Seconds that redirects and renditions may be kept by caches, and whether the CDN
    in front keeps answers apart by `Accept`. `presigned` says that a redirect is for the
    client alone who asked for it."""

    presigned: bool = False
    redirect_max_age: int = 604_800
    render_max_age: int = 86_400
    varies_on_accept: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """The request headers that change an answer."""

    method: str = "GET"
    if_none_match: str = ""
    range: str = ""
    if_range: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Part of a file: `length` bytes from `start`."""

    path: Path
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Part:
    """`length` bytes from `start` of what is streamed from the store."""

    start: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the access line says of an answer."""

    cache: Cache | None = None
    image: str | None = None
    variant: str | None = None
    timings: Timings | None = None
    notes: tuple[str, ...] = ()


NOTHING = About()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes out. `length` None leaves Content-Length out (304, and a HEAD that
    cannot know)."""

    status: int
    headers: Headers
    body: bytes | Slice | Part | ObjectBody = b""
    length: int | None = 0
    about: About = NOTHING


def _age(
    seconds: int, options: ResponseOptions, *, varies: bool, personal: bool = False
) -> Headers:
    """How long and by whom an answer may be kept."""
    shared = not personal and (options.varies_on_accept or not varies)
    scope = "public" if shared else "private"
    headers = [
        ("Cache-Control", f"{scope}, max-age={seconds}"),
        ("Expires", formatdate(time.time() + seconds, usegmt=True)),
    ]
    if varies:
        headers.append(("Vary", "Accept"))
    return headers


def _picture(mime: str, etag: str, name: str) -> Headers:
    tag = quote(name, safe="")
    headers = [
        ("X-Content-Type-Options", "nosniff"),
        ("Access-Control-Allow-Origin", "*"),
        ("Cache-Tag", tag),
        ("Surrogate-Key", tag),
        ("Accept-Ranges", "bytes"),
    ]
    if mime:
        headers.append(("Content-Type", mime))
    if etag:
        headers.append(("ETag", f'"{etag}"'))
    return headers


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


def found(outcome: Found, asked: Asked, options: ResponseOptions, *, varies: bool) -> Answer:
    """303 to the store, or 304 for a client that has those bytes."""
    link = outcome.link
    about = About(cache=outcome.cache, image=link.image.key, variant=link.variant)
    age = _age(options.redirect_max_age, options, varies=varies, personal=options.presigned)
    cached = ("X-Cache", outcome.cache.value)
    if matches(asked.if_none_match, link.etag):
        return _not_modified(
            [*_picture(link.mime, link.etag, link.image.name), *age, cached], about
        )
    tag = quote(link.image.name, safe="")
    headers = [
        ("Location", outcome.url),
        *age,
        cached,
        ("Cache-Tag", tag),
        ("Surrogate-Key", tag),
        ("Access-Control-Allow-Origin", "*"),
    ]
    return Answer(status=303, headers=headers, about=about)


def rendered(outcome: Bytes, asked: Asked, options: ResponseOptions, *, varies: bool) -> Answer:
    """200 with the bytes of a rendition, or a part of them, or 304."""
    held, image = outcome.held, outcome.original.image
    headers = _picture(held.mime, held.etag, image.name)
    if outcome.cache is Cache.BYPASS:
        headers.append(("Cache-Control", NO_STORE))
        if varies:
            headers.append(("Vary", "Accept"))
    else:
        headers += _age(options.render_max_age, options, varies=varies)
    headers.append(("X-Cache", outcome.cache.value))
    headers += _timing(outcome.timings)
    if "animation_truncated" in held.notes:
        headers.append(("X-Animation", "truncated"))
    about = About(
        cache=outcome.cache,
        image=image.key,
        variant=outcome.variant,
        timings=outcome.timings,
        notes=held.notes,
    )
    return _whole_or_part(held.data, headers, held.etag, asked, about)


def stored_object(outcome: StoredObject, asked: Asked) -> Answer:
    """An object of the embedded store: it never changes under its key."""
    held = outcome.held
    headers = _picture(held.mime, held.etag, outcome.image.name)
    headers += [("Cache-Control", IMMUTABLE), ("X-Cache", outcome.cache.value)]
    about = About(cache=outcome.cache, image=outcome.image.key, variant=outcome.variant)
    return _whole_or_part(held.data, headers, held.etag, asked, about)


def streamed(
    outcome: Streamed, asked: Asked, options: ResponseOptions, *, varies: bool, immutable: bool
) -> Answer:
    """200 with a Part of a rendition that comes from the store, or 304.

    `immutable` where it was asked for by the key under which it never changes.
    """
    link = outcome.link
    headers = _picture(link.mime, link.etag, link.image.name)
    if immutable:
        headers.append(("Cache-Control", IMMUTABLE))
    else:
        headers += _age(options.render_max_age, options, varies=varies)
    headers.append(("X-Cache", outcome.cache.value))
    about = About(cache=outcome.cache, image=link.image.key, variant=link.variant)
    return _whole_or_part(Part(0, outcome.body.size), headers, link.etag, asked, about)


def known_object(outcome: Known, asked: Asked) -> Answer:
    """HEAD of an object of the embedded store."""
    mime, etag, length = _known_bytes(outcome)
    headers = _picture(mime, etag, outcome.original.image.name)
    headers.append(("Cache-Control", IMMUTABLE))
    about = About(image=outcome.original.image.key, variant=outcome.variant)
    if matches(asked.if_none_match, etag):
        return _not_modified(headers, about)
    return Answer(status=200, headers=headers, length=length, about=about)


def _known_bytes(outcome: Known) -> tuple[str, str, int | None]:
    """(media type, ETag, length) as far as they are known."""
    if outcome.held is not None:
        return outcome.held.mime, outcome.held.etag, len(outcome.held.data)
    if outcome.link is not None:
        # Of a link that was taken over from another service neither is known.
        return outcome.link.mime, outcome.link.etag, outcome.link.size or None
    return outcome.mime, "", None


def stored(outcome: Stored, asked: Asked, options: ResponseOptions) -> Answer:
    """200 with the stored bytes of an original, or a part of them, or 304."""
    original = outcome.original
    headers = [
        *_picture(original.mime, original.sha256, original.image.name),
        *_age(options.render_max_age, options, varies=False),
        # Whatever a browser may find in the bytes, it shall show and not run it.
        ("Content-Security-Policy", "default-src 'none'; sandbox"),
    ]
    return _whole_or_part(
        Slice(path=outcome.path, start=0, length=original.bytes),
        headers,
        original.sha256,
        asked,
        About(image=original.image.key, variant="original"),
    )


def known(outcome: Known, asked: Asked, options: ResponseOptions, *, varies: bool) -> Answer:
    """HEAD: the headers of a GET as far as they are known without work."""
    original = outcome.original
    if outcome.stored is not None:
        return stored(Stored(original=original, path=outcome.stored), asked, options)
    mime, etag, length = _known_bytes(outcome)
    headers = _picture(mime, etag, original.image.name)
    headers += _age(options.render_max_age, options, varies=varies)
    about = About(image=original.image.key, variant=outcome.variant)
    if matches(asked.if_none_match, etag):
        return _not_modified(headers, about)
    return Answer(status=200, headers=headers, length=length, about=about)


def out_of_bounds(outcome: OutOfBounds, options: ResponseOptions, *, varies: bool) -> Answer:
    """307 to the nearest picture that may be made."""
    headers = [
        ("Location", outcome.url),
        ("X-Redirect-Info", outcome.reason),
        *_age(options.render_max_age, options, varies=varies),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", "X-Redirect-Info"),
    ]
    return Answer(status=307, headers=headers)


def document(value: object, headers: Headers, status: int = 200) -> Answer:
    """A JSON document."""
    body = json.dumps(value, ensure_ascii=False).encode()
    content = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Answer(status=status, headers=[*content, *headers], body=body, length=len(body))


def text(value: str, headers: Headers, status: int = 200) -> Answer:
    """A line of plain text."""
    body = value.encode()
    content = ("Content-Type", "text/plain; charset=utf-8")
    return Answer(status=status, headers=[content, *headers], body=body, length=len(body))


def matches(if_none_match: str, etag: str) -> bool:
    """Whether the `If-None-Match` list names `etag` (weak comparison, RFC 9110 §13.1.2)."""
    if not if_none_match or not etag:
        return False
    if if_none_match.strip() == "*":
        return True
    return any(
        candidate.strip().removeprefix("W/") == f'"{etag}"'
        for candidate in if_none_match.split(",")
    )


def _not_modified(headers: Headers, about: About) -> Answer:
    """304, with the headers that update what the client has."""
    kept = [header for header in headers if header[0] not in ("Content-Type", "Accept-Ranges")]
    return Answer(status=304, headers=kept, length=None, about=about)


_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")


def _part(asked: Asked, etag: str, size: int) -> tuple[int, int] | None:
    """(start, length) of the asked range; length 0 cannot be satisfied; None is the whole.

    Several ranges at once are answered with the whole, as RFC 9110 §14.2 allows.
    """
    match = _RANGE.fullmatch(asked.range.strip())
    if match is None or asked.method != "GET":
        return None
    if asked.if_range and asked.if_range.strip() != f'"{etag}"':
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        length = min(int(suffix), size)
        return size - length, length
    start = int(first)
    if last and int(last) < start:
        return None
    end = min(int(last), size - 1) if last else size - 1
    return start, max(0, end - start + 1)


def _whole_or_part(
    body: bytes | Slice | Part, headers: Headers, etag: str, asked: Asked, about: About
) -> Answer:
    if matches(asked.if_none_match, etag):
        return _not_modified(headers, about)
    size = len(body) if isinstance(body, bytes) else body.length
    part = _part(asked, etag, size) if asked.range else None
    if part is None:
        return Answer(status=200, headers=headers, body=body, length=size, about=about)
    start, length = part
    if not length:
        return Answer(status=416, headers=[("Content-Range", f"bytes */{size}")], about=about)
    headers = [*headers, ("Content-Range", f"bytes {start}-{start + length - 1}/{size}")]
    if isinstance(body, bytes):
        body = body[start : start + length]
    else:
        body = replace(body, start=start, length=length)
    return Answer(status=206, headers=headers, body=body, length=length, about=about)
