"""Erasures: what is known of a picture that was deleted, and of what is left of it elsewhere."""

from dataclasses import dataclass

from liveresize.core.names import ImageId

KEPT = 90 * 86_400.0
"""Seconds for which an erasure is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """The deletion of one generation. Times are Unix seconds of the index's clock.

    `redirects_end`: when the last redirect ends that caches and browsers may hold. `stores_at`:
    when its objects were removed from the bucket and its copy from the mirror.
    """

    image: ImageId
    generation: str
    at: float
    redirects_end: float
    stores_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An instance, when it was last seen, and when it has removed what it had on its disk."""

    name: str
    seen_at: float
    gone_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How far a receiver of events is with the deletion.

    `at` is when it was done with: delivered, or given up after too many failures (`failed`).
    `waits`: it is yet to be told, or to be told once more, and `tries` is how often it was tried.
    Neither: it is newer than the deletion.
    """

    at: float | None = None
    failed: bool = False
    waits: bool = False
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """An erasure and how far it is; `now` is the time of the index. `tellings` are by the names
    of receivers."""

    erasure: Erasure
    now: float
    instances: tuple[Instance, ...]
    tellings: dict[str, Telling]
