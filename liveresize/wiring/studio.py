"""What the studio is told of the settings, where it is on."""

from liveresize.settings import Settings
from liveresize.web.site import StudioOptions


def studio_options(settings: Settings) -> StudioOptions | None:
    """The bounds and defaults of pictures; None where there is no studio."""
    if not settings.studio:
        return None
    limits = settings.constraints
    return StudioOptions(
        max_width=limits.max_width,
        max_height=limits.max_height,
        max_megapixels=limits.max_input,
        enlarge=settings.enlarge,
        presets=settings.presets,
        public_originals=settings.originals.public,
    )
