"""Rules that are made of several sections of the settings."""

import unicodedata
from collections.abc import Callable

from liveresize import errors
from liveresize.compat.vip.requests import VipRules
from liveresize.config import Settings
from liveresize.core import names
from liveresize.core.fallbacks import Fallbacks
from liveresize.core.geometry import Bounds
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.overlay import Above, Overlay
from liveresize.core.overlays import OverlayRules
from liveresize.core.parameters import check_presets
from liveresize.core.rates import Rate
from liveresize.core.sizes import SizeRules
from liveresize.core.values import COMPASS, Quality
from liveresize.http.responses import ResponseOptions
from liveresize.settings import overlays
from liveresize.settings.server import Limits

_RENDERS = 25.0
"""New renditions a second that one client may ask for, for each worker."""

_BURST_SECONDS = 4.0
_LEAST_BURST = 100
"""How many of them at once: what comes together in so many seconds, and a gallery."""

_VIP_QUALITY = 80
"""The quality that vip writes JPEG and WebP in."""


def client_rate(limits: Limits, slots: int) -> Rate:
    """How many new renditions one client may ask for, by what `slots` workers can make.

    A worker makes 25 to 40 renditions of a photo a second.
    """
    rate = limits.client_renders
    per_second = _RENDERS * slots if rate is None else rate
    burst = limits.client_burst or max(_LEAST_BURST, int(_BURST_SECONDS * per_second))
    return Rate(per_second=per_second, burst=burst)


def redirects_held(settings: Settings) -> float:
    """Return the seconds for which caches and browsers may hold a redirect, or use its target."""
    if settings.delivery == "proxy":
        return 0.0
    if _presigned(settings):
        return settings.aws.presign_lifetime
    return settings.redirect_cache_timeout


def url_rules(settings: Settings) -> UrlRules:
    """How URLs are read. Raises SettingsError for a preset that could never be used."""
    quality = settings.quality
    rules = UrlRules(
        quality=Quality(quality.jpeg, quality.webp, quality.avif, match=True, jxl=quality.jxl),
        visual=round(settings.encoder.visual_ssim * 1000),
        blur=round(settings.blur.sigma * 10),
        enlarge=settings.enlarge,
        presets={name: tuple(preset.items()) for name, preset in settings.presets.items()},
        webp_opt_in=settings.webp.allow_opt_in,
        webp_always=settings.webp.allow_dynamic_switch,
        overlays=tuple(settings.overlays),
        lenient=settings.compat.lenient,
        rights=settings.renditions.metadata == "rights",
        jxl=settings.jxl.made,
        jxl_in_auto=settings.jxl.made and settings.jxl.in_auto,
    )
    try:
        check_presets(settings.presets, rules)
    except errors.BadParameter as error:
        raise errors.SettingsError(f"The key presets is wrong: {error.public}") from None
    return rules


def fallbacks(settings: Settings) -> Fallbacks:
    """What is shown instead of missing pictures. Raises SettingsError for what could never be."""
    try:
        return Fallbacks.of(settings.fallback)
    except ValueError as error:
        raise errors.SettingsError(f"The key fallback is wrong: {error}.") from None


def overlay_rules(settings: Settings) -> OverlayRules:
    """Which overlays there are. Raises SettingsError for one whose picture no upload can be."""
    entries = overlays.entries(settings.overlays)
    width, name = overlays.above(settings.constraints.overlay_above, entries)
    return OverlayRules(
        overlays={name: _overlay(name, entry) for name, entry in entries.items()},
        above=Above(width, name) if name else None,
    )


def _overlay(name: str, entry: overlays.Entry) -> Overlay:
    try:
        names.check_id(entry.picture)
    except errors.InvalidId as error:
        raise errors.SettingsError(
            f"The key overlays is wrong: the `picture` of `{name}` is no id of an image: "
            f"{error.public}"
        ) from None
    return Overlay(
        name=name,
        picture=entry.picture,
        gravity=COMPASS[entry.gravity],
        scale=round(entry.scale * 1000),
        opacity=round(entry.opacity * 1000),
        margin=round(entry.margin * 1000),
        tile=entry.tile,
    )


def vip_rules(settings: Settings) -> VipRules:
    """How addresses of vip are read, and which buckets are never vip's."""
    aws, quality = settings.aws, settings.quality
    return VipRules(
        buckets=frozenset(settings.vip.buckets),
        refused=frozenset({aws.bucket, aws.originals_bucket} - {""}),
        max_width=settings.vip.max_width,
        jpeg_thumbnails=settings.vip.jpeg_thumbnails,
        quality=Quality(_VIP_QUALITY, _VIP_QUALITY, quality.avif),
    )


def bounds(settings: Settings) -> Bounds:
    """The largest rendition."""
    return Bounds(settings.constraints.max_width, settings.constraints.max_height)


def size_rules(settings: Settings) -> SizeRules:
    """Which sizes may be asked for without a signature."""
    listed = (each.split("x") for each in settings.constraints.allowed_sizes)
    return SizeRules.of(
        [(int(width), int(height)) for width, height in listed],
        bounds(settings),
        settings.vip.max_width,
        presets_only=settings.constraints.presets_only,
    )


def size_rules_of(settings: Settings) -> Callable[[ImageId], SizeRules]:
    """The same of each picture: applications may limit theirs to some presets."""
    applications, usual = settings.shared_by, size_rules(settings)
    limited = {each.name: usual.limited_to(each.presets) for each in applications if each.presets}
    if not limited:
        return lambda image: usual

    def rules_of(image: ImageId) -> SizeRules:
        # A name that is not in NFC is answered with the picture whose name is.
        composed = unicodedata.normalize("NFC", image.name)
        spelled = (applications.of(each, image.bucket) for each in (composed, image.name))
        application = next(filter(None, spelled), None)
        return usual if application is None else limited.get(application.name, usual)

    return rules_of


def _presigned(settings: Settings) -> bool:
    return settings.delivery == "presign" and bool(settings.aws.bucket)


def _redirect_age(settings: Settings) -> int:
    """Seconds that a redirect may be kept: a signed one half the life of its signature."""
    if _presigned(settings):
        return min(settings.redirect_cache_timeout, settings.aws.presign_lifetime // 2)
    return settings.redirect_cache_timeout


def redirect_life(settings: Settings) -> float:
    """Seconds for which a redirect that was given out may lead to its object."""
    signed = settings.aws.presign_lifetime if _presigned(settings) else 0
    return float(settings.redirect_cache_timeout + signed)


def response_options(settings: Settings) -> ResponseOptions:
    """How long answers may be kept, and what they vary on."""
    return ResponseOptions(
        redirect_max_age=_redirect_age(settings),
        presigned=_presigned(settings),
        render_max_age=settings.render_cache_timeout,
        varies_on_accept=settings.cdn.varies_on_accept,
    )
