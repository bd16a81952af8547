"""Keys about pictures: how large, in which formats, how well encoded."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass

from liveresize.settings.schema import key
from liveresize.settings.values import Form

BUILT_IN_CONVERSION_TIMEOUT = 30.0
"""Seconds that a conversion may take where `timeout.conversion` is 0."""

_MIB = 1 << 20
_MEGAPIXEL = 1_000_000

RESULT_BYTES = 70
"""Bytes of memory that a pixel of a rendition takes at most: in AVIF, with everything."""

_MAX_DECODE = 128
"""Megapixels that are rendered unless settings say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """How large pictures may be."""

    max_width: int = key(2000, "Widest rendition, in pixels.", least=1, most=65_535)
    max_height: int = key(2000, "Tallest rendition, in pixels.", least=1, most=65_535)
    max_input: float = key(
        128.0,
        "Largest upload that is taken, in megapixels, as far as `workers.memory_bytes` suffices.",
        least=0.01,
        most=1000,
    )
    max_on_disk: float | None = key(
        None,
        "Largest original that is kept, in megapixels; a larger one is scaled down to it. "
        "Null is `constraints.max_input`.",
        least=0.01,
        most=1000,
    )
    max_decode: float | None = key(
        None,
        "Largest original that is rendered, in megapixels. Null is the largest of 128, "
        "`constraints.max_input` and `constraints.max_on_disk`.",
        least=0.01,
        most=1000,
    )
    max_upload_bytes: int = key(50 * _MIB, "Largest upload, in bytes.", least=1)
    max_frames: int = key(500, "Frames above which an animation becomes still.", least=1)
    max_animation: float = key(
        50.0,
        "Megapixels in all frames together above which an animation becomes still.",
        least=0.01,
    )
    allowed_sizes: tuple[str, ...] = key(
        (),
        "Sizes that need no signature, and 2 and 3 times each; 0 is a free side, none is any.",
        form=Form.SIZE,
    )
    presets_only: bool = key(
        False, "Whether parameters other than `preset` need a signature, and sizes a preset."
    )
    overlay_above: Mapping[str, object] | None = key(
        None,
        "Overlay of everything that is wider than so many pixels and has no signature: an object "
        "with `width` and `overlay`, a name of `overlays`. Null is none.",
    )

    @property
    def max_input_pixels(self) -> int:
        """Largest upload that is taken, in pixels."""
        return int(self.max_input * _MEGAPIXEL)

    @property
    def max_on_disk_pixels(self) -> int:
        """Largest original that is kept, in pixels."""
        most = self.max_input if self.max_on_disk is None else self.max_on_disk
        return int(most * _MEGAPIXEL)

    @property
    def max_decode_pixels(self) -> int:
        """Largest original that is rendered, in pixels."""
        if self.max_decode is None:
            usual = int(_MAX_DECODE * _MEGAPIXEL)
            return max(usual, self.max_input_pixels, self.max_on_disk_pixels)
        return int(self.max_decode * _MEGAPIXEL)

    @property
    def max_animation_pixels(self) -> int:
        """Pixels in all frames together above which an animation becomes still."""
        return int(self.max_animation * _MEGAPIXEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeout:
    """How long work may take."""

    conversion: int = key(
        30_000,
        "How long one conversion may take, in milliseconds; 0 is the built-in 30000.",
        least=0,
        most=3_600_000,
    )

    @property
    def conversion_seconds(self) -> float:
        """How long one conversion may take, in seconds; never 0."""
        return self.conversion / 1000 or BUILT_IN_CONVERSION_TIMEOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Webp:
    """When a JPEG or PNG address may answer with WebP."""

    allow_opt_in: bool = key(True, "Whether `allow_webp=true` may switch to WebP.")
    allow_dynamic_switch: bool = key(
        False, "Whether clients that accept WebP get it without asking."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What `quality=auto` means where the original does not say."""

    jpeg: int = key(82, "Default quality of JPEG.", least=0, most=100)
    webp: int = key(80, "Default quality of WebP.", least=0, most=100)
    avif: int = key(60, "Default quality of AVIF.", least=0, most=100)
    jxl: int = key(80, "Default quality of JPEG XL.", least=0, most=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blur:
    """What `blur=true` means."""

    sigma: float = key(7.0, "Standard deviation of `blur=true`, in pixels.", least=0.3, most=100)


ALIASES = {"jpg": "jpeg", "heic": "heif"}
"""Other names of input formats → ours."""

MODULES = {"heif": "pi_heif", "jxl": "imagecodecs"}
"""Input formats that a package of their own decodes → its module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """What may be uploaded."""

    input: tuple[str, ...] = key(
        ("jpeg", "png", "webp", "gif", "avif", "heif"),
        "Formats that are accepted as originals: `heif` (HEIC) where `pi-heif` is installed, `jxl` "
        "with its extra.",
        choices=("jpeg", "png", "webp", "gif", "avif", "heif", "jxl", "tiff", "bmp"),
        aliases=ALIASES,
    )

    @property
    def missing(self) -> tuple[str, ...]:
        """Those that nothing here decodes, since their package is not installed."""
        return tuple(
            name
            for name in self.input
            if name in MODULES and importlib.util.find_spec(MODULES[name]) is None
        )

    @property
    def readable(self) -> tuple[str, ...]:
        """Those that are accepted: all but `missing`."""
        missing = self.missing
        return tuple(name for name in self.input if name not in missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """Single encoder knobs; null takes what `effort` says."""

    jpeg_progressive: bool | None = key(None, "Whether JPEGs load progressively.", advanced=True)
    jpeg_optimize: bool | None = key(
        None, "Whether JPEGs get their own Huffman tables.", advanced=True
    )
    png_run_length: bool | None = key(
        None, "Whether PNG compresses by run length, which is twice as fast.", advanced=True
    )
    png_level: int | None = key(None, "Compression level of PNG.", least=1, most=9, advanced=True)
    webp_method: int | None = key(
        None, "Method of WebP; higher is slower and smaller.", least=0, most=6, advanced=True
    )
    avif_speed: int | None = key(
        None,
        "Speed of AVIF; null is 8, and 9 from half a megapixel on.",
        least=0,
        most=10,
        advanced=True,
    )
    avif_max_pixels: int = key(
        6_000_000, "Pixels above which `.auto` prefers WebP to AVIF.", least=0, advanced=True
    )
    visual_ssim: float = key(
        0.96,
        "How like the original `quality=visual` looks: SSIM, in steps of 0.001. Another value "
        "makes new renditions.",
        least=0.8,
        most=0.995,
        advanced=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Jxl:
    """Whether JPEG XL is made, and how."""

    enabled: bool = key(
        False, "Whether URLs can end in `.jxl`. It needs the extra `liveresize[jxl]`."
    )
    in_auto: bool = key(False, "Whether `.auto` is JPEG XL for clients that accept it.")
    effort: int | None = key(
        None,
        "Effort of the encoder; higher is slower and smaller. Null is what `effort` says: 3, or 5 "
        "for `small`.",
        least=1,
        most=5,
        advanced=True,
    )
    max_pixels: int = key(
        4_000_000,
        "Pixels above which `.auto` is never JPEG XL, and `.jxl` is answered with 422.",
        least=0,
        advanced=True,
    )

    @property
    def missing(self) -> bool:
        """Whether it is asked for, and the package that encodes it is not installed."""
        return self.enabled and importlib.util.find_spec(MODULES["jxl"]) is None

    @property
    def made(self) -> bool:
        """Whether JPEG XL is made."""
        return self.enabled and not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto:
    """How `.auto` answers while the best format is still to be made."""

    two_speed: bool = key(
        True,
        "Whether a cold `.auto` that would be AVIF comes in a quicker format first, while AVIF "
        "is made behind it.",
    )
    slow_pixels: int = key(
        100_000, "Pixels above which AVIF takes too long for a first answer.", least=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Originals:
    """What becomes of uploads."""

    metadata: str = key(
        "clean",
        "Whether GPS, XMP, IPTC and maker notes are dropped from uploads, without loss; who made a "
        "picture and who may use it stays.",
        choices=("clean", "keep"),
    )
    public: bool = key(True, "Whether originals and `.json` are answered without a signature.")
    upright: bool = key(
        False,
        "Whether `/{name}.{ext}` of a photo with an EXIF orientation is upright pixels, as of Live "
        "Image Resize, and not its stored bytes.",
    )
    mirror_wait: float = key(
        5.0, "Seconds that an upload waits for `aws.originals_bucket`.", least=0.1, most=60
    )
    mirror_strict: bool = key(
        False, "Whether an upload is refused that the bucket does not have by then."
    )
    cache_bytes: int = key(
        0, "Mirrored originals kept on this disk, in bytes; 0 keeps all.", least=0
    )
    lost_days: float = key(
        30.0,
        "Days that deletions are remembered; a file without a row is set aside after as many.",
        least=1,
        most=3650,
    )

    @property
    def keeps_metadata(self) -> bool:
        """Whether stored bytes are answered although they carry metadata."""
        return self.metadata == "keep"

    @property
    def lost_seconds(self) -> float:
        """How long deletions are remembered, in seconds."""
        return self.lost_days * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Renditions:
    """What renditions have beside their pixels."""

    metadata: str = key(
        "none",
        "Whether renditions from 256 pixels on say who made the picture and who may use it.",
        choices=("rights", "none"),
    )
