"""An overlay: what the settings say about it, and its mark in a variant."""

import functools
import hashlib
from dataclasses import dataclass

from liveresize.core.names import ImageId
from liveresize.core.values import COMPASS, Gravity

SOUTHEAST = COMPASS["southeast"]

MAX_PIXELS = 16_000_000
"""Pixels of the largest picture that is drawn as an overlay."""

NAME = "[a-z0-9]+(?:-[a-z0-9]+)*"
"""What the name of an overlay looks like."""
NAME_LENGTH = 32
DIGEST_LENGTH = 12
"""Hex digits of the digest of an overlay."""


@dataclass(frozen=True, slots=True)
class OverlayMark:
    """The overlay of a rendition: its name, and a digest of its settings and of its picture.

    `digest` is empty in a request, and set once the version of the picture is known. Whatever
    changes the look of the overlay changes the digest, so the rendition has another variant.
    """

    name: str
    digest: str = ""

    @property
    def token(self) -> str:
        """The token in a variant: `ov0123456789ab.my.logo`."""
        return f"ov{self.digest}.{self.name.replace('-', '.')}"

    @classmethod
    def parse(cls, token: str) -> "OverlayMark":
        """Parse a token. Raises ValueError for a name that is too long."""
        digest, _, name = token.removeprefix("ov").partition(".")
        if len(name) > NAME_LENGTH:
            raise ValueError(token)
        return cls(name.replace(".", "-"), digest)


TOKEN = rf"ov[0-9a-f]{{{DIGEST_LENGTH}}}\.[a-z0-9]+(?:\.[a-z0-9]+)*"
"""What a token looks like."""


def is_in(variant: str) -> bool:
    """Whether the rendition of that variant has an overlay: no other token begins like its."""
    return "-ov" in variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """One of `overlays`. `picture` is the id of an original of the main namespace.

    `scale` and `margin` are in thousandths of the width of the result, `opacity` in thousandths.
    With `tile` the overlay is repeated over the whole result, `margin` apart.
    """

    name: str
    picture: str
    gravity: Gravity = SOUTHEAST
    scale: int = 250
    opacity: int = 1000
    margin: int = 20
    tile: bool = False

    @property
    def image(self) -> ImageId:
        """The picture."""
        return ImageId(self.picture)

    def mark(self, version: str) -> OverlayMark:
        """Return the mark of this overlay with that version of its picture."""
        return _mark(self, version)


@functools.lru_cache(maxsize=64)
def _mark(overlay: Overlay, version: str) -> OverlayMark:
    """See Overlay.mark; cached, because every hit needs it."""
    facts = (
        *(overlay.picture, version, overlay.gravity.x, overlay.gravity.y),
        *(overlay.scale, overlay.opacity, overlay.margin, overlay.tile),
    )
    digest = hashlib.sha256(repr(facts).encode()).hexdigest()
    return OverlayMark(overlay.name, digest[:DIGEST_LENGTH])


@dataclass(frozen=True, slots=True)
class Above:
    """`constraints.overlay_above`: the name of the overlay of everything that is wider."""

    width: int
    overlay: str
