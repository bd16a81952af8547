"""What is known about an original, and the generations that tell its versions apart."""

import re
import secrets
from dataclasses import dataclass

from liveresize.core.formats import Format
from liveresize.core.jobs import Facts
from liveresize.core.names import ImageId

GENERATION = re.compile(r"[0-9a-f]{28}")


def new_generation(now: float) -> str:
    """A new generation: 12 hex digits of Unix milliseconds, then 64 random bits.

    Generations of one picture sort by age, as far as clocks agree.
    """
    return f"{int(now * 1000):012x}{secrets.token_hex(8)}"


def born(generation: str) -> float:
    """When a generation was named, in Unix seconds.

    The first digit is no part of it; it tells files of the published service apart.
    """
    return int(generation[1:12], 16) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """One stored original. Sizes are in pixels of the upright picture.

    `format` is the lower-case name of what the bytes are (`jpeg`, `png`, `webp`, `gif`,
    `avif`, or an optional input format); `sha256` is of the stored bytes. `clean` says
    that those bytes carry no location or maker's data, so that they may be sent as they
    are. `uploaded_at` is Unix seconds of the index's clock.
    """

    image: ImageId
    generation: str
    format: str
    width: int
    height: int
    bytes: int
    sha256: str
    frames: int = 1
    has_alpha: bool = False
    clean: bool = True
    dominant_color: str = ""
    thumbhash: str = ""
    uploaded_at: float = 0.0

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the upright picture."""
        return self.width, self.height

    @property
    def output_format(self) -> Format:
        """The format a rendition takes that is to be like the original."""
        try:
            return Format(self.format)
        except ValueError:
            return Format.PNG if self.has_alpha else Format.JPEG

    @property
    def mime(self) -> str:
        """The media type of the stored bytes."""
        return f"image/{self.format}"


def described(image: ImageId, generation: str, facts: Facts) -> Original:
    """What a worker found out, as an original of that name and generation."""
    return Original(
        image=image,
        generation=generation,
        format=facts.format,
        width=facts.width,
        height=facts.height,
        bytes=facts.bytes,
        sha256=facts.sha256,
        frames=facts.frames,
        has_alpha=facts.has_alpha,
        clean=facts.clean,
        dominant_color=facts.dominant_color,
        thumbhash=facts.thumbhash,
    )


def ended(image: ImageId, generation: str) -> Original:
    """As much of an original as is needed to remove what is left of it."""
    return Original(
        image=image, generation=generation, format="", width=0, height=0, bytes=0, sha256=""
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A finished rendition in the store: where it is and what was sent for it.

    `key` is its object key, `etag` the SHA-256 of its bytes in hex, `size` in bytes,
    `engine` the version of the imaging engine that made it.
    """

    image: ImageId
    generation: str
    variant: str
    key: str
    mime: str
    etag: str
    size: int
    engine: str
    rendered_at: float = 0.0
