"""What a request for a picture comes to: values that `http` turns into statuses and headers."""

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original, version_of
from liveresize.core.ports import CachedImage, ObjectBody


class Cache(enum.StrEnum):
    """Where an answer came from, as `X-Cache` says it."""

    MEMORY = "HIT-MEMORY"
    HIT = "HIT"
    MISS = "MISS"
    COALESCED = "COALESCED"
    BYPASS = "BYPASS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """What a render took, in milliseconds; `queue` is the wait for a slot."""

    queue: float = 0.0
    decode: float = 0.0
    resize: float = 0.0
    encode: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """The rendition is in the store, at `url`. `pending` is the format of a better one that is
    still to be made, here and below; empty where there is none."""

    url: str
    link: Link
    cache: Cache = Cache.HIT
    pending: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bytes:
    """The rendition itself."""

    original: Original
    variant: str
    held: CachedImage
    cache: Cache
    timings: Timings | None = None
    pending: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """The rendition, on its way from the store: too large to be held in memory.

    `body` is the whole of it and must be closed; `part` begins again with the bytes from
    `first` to `last`, or gives None where they are gone. `immutable`: it was requested by its
    object key, under which it never changes.
    """

    original: Original
    link: Link
    body: ObjectBody
    part: Callable[[int, int], Awaitable[ObjectBody | None]]
    cache: Cache = Cache.HIT
    pending: str = ""
    immutable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalFile:
    """The stored bytes of the original, at `path`, and in memory where they are `held`;
    `cache` tells whether they were there before."""

    original: Original
    path: Path
    held: CachedImage | None = None
    cache: Cache = Cache.HIT


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfBounds:
    """Too large: the nearest allowed box in pixels, also as a URL, and why."""

    image: ImageId
    box: tuple[int, int]
    url: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadInfo:
    """What is known without any work, for HEAD; empty or None where it is not. `immutable` as
    for Streamed."""

    original: Original
    variant: str = ""
    mime: str = ""
    link: Link | None = None
    held: CachedImage | None = None
    stored: Path | None = None
    immutable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object of the embedded store. `immutable`: the engine in its key has made it, so that
    it never changes under that key."""

    image: ImageId
    variant: str
    held: CachedImage
    cache: Cache = Cache.MEMORY
    immutable: bool = True


def shown(outcome: "Redirect | Bytes | Streamed | OriginalFile | HeadInfo") -> Link | Original:
    """Return what says which upload of which picture the outcome shows."""
    return outcome.link if isinstance(outcome, Redirect) else outcome.original


def version(outcome: "Redirect | Bytes | Streamed | OriginalFile | HeadInfo") -> str:
    """Return the version of the picture that the outcome shows."""
    return version_of(shown(outcome).generation)


Outcome = Redirect | Bytes | Streamed | OriginalFile | OutOfBounds
