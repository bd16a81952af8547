"""What is asked of a worker, and what it answers: plain values that pickle small."""

from dataclasses import dataclass

from liveresize.core.formats import Format
from liveresize.core.rendition import Rendition


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderJob:
    """Make one rendition of the original at `path`; answered by Rendered."""

    path: str
    rendition: Rendition


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A finished rendition: its bytes, what they are, and what they cost in ms.

    `etag` is the SHA-256 of `data` in hex. `notes` are snake_case remarks for log and
    headers, such as `icc_profile_ignored` or `animation_truncated`.
    """

    data: bytes
    etag: str
    format: Format
    decode_ms: float = 0.0
    resize_ms: float = 0.0
    encode_ms: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeJob:
    """Tell the facts of the original at `path`; answered by Facts."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeJob:
    """Turn the upload at `source` into the original at `target`; answered by Facts.

    `crop` is (x, y, width, height) in pixels of the upright picture. `formats` narrows
    what is accepted (empty: all that the server takes). `upright` turns pixels as EXIF says,
    so that whoever does not read that sees them right. `target` is written and fsynced whole,
    or not at all.
    """

    source: str
    target: str
    crop: tuple[int, int, int, int] | None = None
    formats: tuple[str, ...] = ()
    upright: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a worker found out about a stored original; see originals.Original."""

    format: str
    width: int
    height: int
    bytes: int
    sha256: str
    frames: int
    has_alpha: bool
    clean: bool
    dominant_color: str
    thumbhash: str


Job = RenderJob | ProbeJob | IntakeJob
Result = Rendered | Facts
