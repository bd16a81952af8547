"""Originals and their generations, which distinguish the versions of one picture."""

import contextlib
import re
import secrets
from dataclasses import dataclass

from liveresize.core.formats import Format
from liveresize.core.jobs import Facts
from liveresize.core.names import ImageId
from liveresize.core.records import NOTHING, Record
from liveresize.core.values import Quality

GENERATION = re.compile(r"[0-9a-f]{28}")
VERSION = re.compile(r"[0-9a-f]{8}")

FIRST_ENGINE = "1"
"""The engine of 1.0.0: file names of its renditions do not contain it."""

_FILE = re.compile(
    r"(?P<variant>[^~]+)(?:~(?P<engine>[0-9]+(?:\.[0-9]+)*))?\.(?P<extension>[a-z]+)"
)


def new_generation(now: float) -> str:
    """Return a new generation: 12 hex digits of Unix milliseconds, then 64 random bits.

    Generations of one picture sort by age, as far as clocks agree.
    """
    return f"{int(now * 1000):012x}{secrets.token_hex(8)}"


def born(generation: str) -> float:
    """Return the creation time of a generation, in Unix seconds.

    The first digit is not part of the time; it marks files of the published service.
    """
    return int(generation[1:12], 16) / 1000


def version_of(generation: str) -> str:
    """Return the version of a picture, as clients see it: eight random digits of its generation."""
    return generation[12:20]


def file_name(variant: str, engine: str, extension: str) -> str:
    """Return the file name of a rendition, which is the last part of its key.

    Engines make different bytes, so that each has names of its own.
    """
    return f"{variant}.{extension}" if engine == FIRST_ENGINE else f"{variant}~{engine}.{extension}"


def parse_file_name(name: str) -> tuple[str, str, str]:
    """Return (variant, engine, extension). Raises ValueError if `file_name` has not made it."""
    match = _FILE.fullmatch(name)
    if match is None or match["engine"] == FIRST_ENGINE:
        raise ValueError(f"not the file of a rendition: {name!r}")
    return match["variant"], match["engine"] or FIRST_ENGINE, match["extension"]


FACTS_VERSION = 2
"""The version of the facts of originals: raised when the same bytes give other facts, so that the
stored ones are found again. Rows of 1.0.0 have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """One stored original. Sizes are in pixels of the upright picture.

    `format` is the lower-case name of the format (`jpeg`, `png`, `webp`, `gif`, `avif`, or an
    optional input format); `sha256` is of the stored bytes. `clean` means that these bytes
    hold no location or maker's data and can be sent unchanged. `uploaded_at` is Unix seconds
    of the index's clock. `record` is what the application says of the picture. `visual` is the
    quality that was found for `quality=visual`.
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
    record: Record = NOTHING
    visual: Quality | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the upright picture."""
        return self.width, self.height

    @property
    def decoded(self) -> bool:
        """Whether the picture could be decoded; if not, its size is 0x0 and only links work."""
        return self.width > 0

    @property
    def output_format(self) -> Format:
        """The format of a rendition that keeps the format of the original."""
        if self.format != Format.JXL:  # which browsers do not show
            with contextlib.suppress(ValueError):
                return Format(self.format)
        return Format.PNG if self.has_alpha else Format.JPEG

    @property
    def mime(self) -> str:
        """The media type of the stored bytes."""
        return f"image/{self.format}"


def described(image: ImageId, generation: str, facts: Facts) -> Original:
    """Return an original with the facts that a worker has found."""
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
    """Return an original with only the fields that removing its remains needs."""
    return Original(
        image=image, generation=generation, format="", width=0, height=0, bytes=0, sha256=""
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A finished rendition in the store: its key and its properties.

    `key` is its object key, `etag` the SHA-256 of its bytes in hex, `size` in bytes,
    `engine` the version of the imaging engine that made it. `quality` is that of the encoder, if
    the engine has chosen it for this rendition.
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
    quality: int | None = None
