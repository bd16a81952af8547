"""What a cache has to drop after an event."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from liveresize.core.events import Event, Kind
from liveresize.core.names import ImageId

KINDS = frozenset({Kind.REPLACED, Kind.CHANGED, Kind.EXPIRED, Kind.DELETED})
"""The events after which a cache may hold what is not so any more. No cache holds anything of a
picture that is new or was hidden until now: the answer was a 404, which none may keep."""

_CHANGES = frozenset({"focus", "held", "expired"})
"""Changes that show; no answer to the public depends on the others."""

_EXTENSIONS = ("json", "jpg", "jpeg", "png", "webp", "avif", "gif", "jxl", "auto")
"""What the original is requested with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """A picture that caches have to drop: its tag, as in `Cache-Tag`, and its path, encoded.

    The path is `/{name}`, or `/{bucket}/{id}` for a picture of a bucket.
    """

    tag: str
    path: str
    in_bucket: bool = False

    @property
    def name(self) -> str:
        """The name of the picture as paths have it."""
        return self.path[1:]

    def prefixes(self) -> list[str]:
        """The beginnings of the paths of everything that is served of the picture."""
        if self.in_bucket:
            return [self.path]
        return [f"{self.path}_", f"{self.path}.", f"/_renditions{self.path}/"]

    def paths(self, more: Sequence[str]) -> list[str]:
        """The paths of the original, and those of the templates `more`."""
        if self.in_bucket:
            return [self.path]
        known = [f"{self.path}.{extension}" for extension in _EXTENSIONS]
        return known + [template.replace("{name}", self.name) for template in more]


def of(event: Event) -> Stale | None:
    """Return what caches have to drop after the event; None if nothing."""
    if event.kind not in KINDS:
        return None
    if event.kind is Kind.CHANGED and _CHANGES.isdisjoint(event.document.get("changed", ())):
        return None
    return picture(event.image)


def picture(image: ImageId) -> Stale:
    """Return all that caches may have of a picture."""
    tag = quote(image.name, safe="")
    if image.bucket:
        return Stale(tag=tag, path=f"/{quote(image.bucket, safe='')}/{tag}", in_bucket=True)
    return Stale(tag=tag, path=f"/{tag}")
