"""What the imaging engine reads of the settings, and its version."""

from dataclasses import dataclass, field

from liveresize.settings.pictures import Constraints, Encoder, Formats, Jxl
from liveresize.settings.server import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """The sections and keys that the engine reads; they go to the workers with every job.

    `effort` sets every knob of `encoder` and `jxl` that is null; `metadata` is `clean` or `keep`.
    `decoded_bytes` is what a worker keeps of decoded pixels.
    """

    constraints: Constraints = field(default_factory=Constraints)
    formats: Formats = field(default_factory=Formats)
    encoder: Encoder = field(default_factory=Encoder)
    jxl: Jxl = field(default_factory=Jxl)
    effort: str = "balanced"
    metadata: str = "clean"
    decoded_bytes: int = Workers().decoded_bytes


ENGINE = "2"
"""Version of what renditions look like: raised when the same URL gives better pixels or
bytes, so that `engine_before` can purge the old ones."""
