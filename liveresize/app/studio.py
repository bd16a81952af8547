"""What the studio is told of the settings, where it is on."""

from liveresize.config import Settings
from liveresize.http.context import StudioOptions


def studio_options(settings: Settings) -> StudioOptions | None:
    """The bounds and defaults of pictures; None where there is no studio."""
    if not settings.studio:
        return None
    return StudioOptions(
        max_megapixels=settings.constraints.max_input,
        enlarge=settings.enlarge,
        public_originals=settings.originals.public,
    )
