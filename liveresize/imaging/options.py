"""What the imaging engine may be told; every field has the default it ships with."""

import enum
from dataclasses import dataclass, field


class Effort(enum.StrEnum):
    """How long an encoder may think: sets every encoder knob that is not set alone."""

    FAST = "fast"
    BALANCED = "balanced"
    SMALL = "small"


class Metadata(enum.StrEnum):
    """What becomes of the metadata of an upload."""

    CLEAN = "clean"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderOptions:
    """Encoder knobs; None takes what `effort` says.

    `webp_method` 0–6, `avif_speed` 0–10, `png_level` zlib level 1–9 (with the
    run-length strategy where `png_run_length`). `avif_max_pixels`: above this many
    pixels `auto` prefers WebP to AVIF, whose encoder takes 18 MB a megapixel.
    """

    effort: Effort = Effort.BALANCED
    jpeg_progressive: bool | None = None
    jpeg_optimize: bool | None = None
    png_run_length: bool | None = None
    png_level: int | None = None
    webp_method: int | None = None
    avif_speed: int | None = None
    avif_max_pixels: int = 6_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagingOptions:
    """Limits and tastes of the engine.

    Pixel counts are of whole pictures (width × height). `max_pixels` bounds what is
    decoded, `max_input_pixels` what is taken at upload, `max_disk_pixels` what is kept
    of it. An animation is cut to its first frame above `max_frames` frames or
    `max_animation_pixels` pixels in all frames together. `quality_floor` and
    `quality_ceiling` bound `quality=auto` from the quantisation tables.
    """

    formats: tuple[str, ...] = ("jpeg", "png", "webp", "gif", "avif")
    max_pixels: int = 100_000_000
    max_side: int = 65_535
    max_input_pixels: int = 30_000_000
    max_disk_pixels: int = 30_000_000
    max_frames: int = 500
    max_animation_pixels: int = 50_000_000
    quality_floor: int = 40
    quality_ceiling: int = 92
    metadata: Metadata = Metadata.CLEAN
    encoder: EncoderOptions = field(default_factory=EncoderOptions)


ENGINE = "1"
"""Version of what renditions look like: raised when the same URL gives better pixels or
bytes, so that `engine_before` can purge the old ones."""
