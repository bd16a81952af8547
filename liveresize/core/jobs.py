"""Jobs of workers and their results: plain values that pickle small."""

from dataclasses import dataclass

from liveresize.core.formats import Format
from liveresize.core.overlay import Overlay
from liveresize.core.rendition import Rendition
from liveresize.core.values import Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayJob:
    """The overlay of a rendition; its picture is at `path`."""

    path: str
    overlay: Overlay


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderJob:
    """Render the original at `path`; the result is Rendered.

    `overlay` is that of the rendition, if it has one. `then` is the rendition that is asked for
    next where it differs in its format only: the finished pixels are kept for it.
    """

    path: str
    rendition: Rendition
    then: Rendition | None = None
    overlay: OverlayJob | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A finished rendition: its bytes, their format, and the time in ms that each step took.

    `etag` is the SHA-256 of `data` in hex. `notes` are snake_case remarks for log and
    headers, such as `icc_profile_ignored` or `animation_truncated`. `quality` is that of the
    encoder, if the engine has chosen it for this rendition.
    """

    data: bytes
    etag: str
    format: Format
    decode_ms: float = 0.0
    resize_ms: float = 0.0
    encode_ms: float = 0.0
    notes: tuple[str, ...] = ()
    quality: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeJob:
    """Inspect the original at `path`; the result is Facts."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrientationJob:
    """Read how the original at `path` is stored; the result is its EXIF orientation, 1–8."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisualJob:
    """Find the lowest quality of each format at which the original at `path` looks the same; the
    result is Quality. `target` is the SSIM in thousandths that it has at least."""

    path: str
    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeJob:
    """Turn the upload at `source` into the original at `target`; the result is Facts.

    `crop` is (x, y, width, height) in pixels of the upright picture; a width or height of 0 is
    all the rest, and what is over the edge is left out. `formats` limits
    the accepted formats (empty: all that the server accepts). `upright` applies the EXIF
    orientation to the pixels, for readers that ignore EXIF. Without `rights` cleaning leaves out
    what the file says of rights as well. `target` is written completely and
    fsynced, or not at all.
    """

    source: str
    target: str
    crop: tuple[int, int, int, int] | None = None
    formats: tuple[str, ...] = ()
    upright: bool = False
    rights: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The properties of a stored original, see originals.Original."""

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


Job = RenderJob | ProbeJob | OrientationJob | VisualJob | IntakeJob
Result = Rendered | Facts | Quality | int
