"""The URLs of pictures: `parse` and `build` are inverses."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from liveresize import errors
from liveresize.core import accept as accept_header
from liveresize.core import formats, names, numbers, parameters
from liveresize.core.formats import EXTENSIONS, Format, Negotiated
from liveresize.core.names import ImageId
from liveresize.core.operation import Scale, UrlRules
from liveresize.core.operations import OPERATIONS, ROWS
from liveresize.core.originals import Original
from liveresize.core.parameters import Parameters
from liveresize.core.records import Focus
from liveresize.core.rendition import Rendition
from liveresize.core.values import AUTO, FAR_EDGE, VISUAL, Fit, Gravity, Quality

MAX_DENSITY = 20

_MOST_DECIMALS = 15
"""Decimals of a density that count; programs print more."""

_SWITCHABLE = (Format.JPEG, Format.PNG, Format.GIF)
"""The formats that `allow_webp` can change to WebP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionRequest:
    """A request for a picture in a size. `varies`: the format depends on `Accept`.

    `extension` and `sent` are those of the client, for a redirect to repeat, and `ignored` the
    parameters whose values were. `bounded`: the configured bounds apply, and not only the
    original's own size. `exact` is the request for the original of that whole name, if the path
    may mean that: it counts where there is no picture of the shorter name. `focused`: the focus of
    the picture says what `crop` keeps. `visual` is the SSIM in thousandths for which the quality is
    still to be found; until then, that of the rendition is the configured one. 0 is none.
    `signed`: the URL has a signature, which frees from `constraints.overlay_above`.
    `sees_hidden`: a hidden picture is answered, too.
    """

    image: ImageId
    rendition: Rendition
    extension: str
    proxy: bool = False
    varies: bool = False
    sent: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    bounded: bool = True
    exact: "OriginalRequest | None" = None
    focused: bool = False
    visual: int = 0
    signed: bool = False
    sees_hidden: bool = False

    def of(self, original: Original) -> "RenditionRequest":
        """Return the request for that picture: with its focus, and with its quality if known."""
        request = self.at(original.record.focus, original.size)
        found = original.visual
        if not self.visual or found is None or found.target != self.visual:
            return request
        return replace(request, rendition=_encoded(request.rendition, found), visual=0)

    def at(self, focus: Focus | None, size: tuple[int, int]) -> "RenditionRequest":
        """Return the request for an upright picture of `size` with that focus."""
        if focus is None or not self.focused or self.rendition.fit is not Fit.CROP:
            return self
        return replace(self, rendition=_at(self.rendition, focus, size), focused=False)


@functools.lru_cache(maxsize=4096)
def _at(rendition: Rendition, focus: Focus, size: tuple[int, int]) -> Rendition:
    """Return a rendition that keeps `focus`, a point of the picture of `size` before it is turned;
    cached, because every hit needs it.

    A focus outside of `rect` is at the nearest edge. What is left by `trim` is not known yet.
    """
    x, y = focus
    box = rendition.rect.box(size) if rendition.rect else None
    if box is not None:
        x = _inside(x * size[0], box[0], box[2])
        y = _inside(y * size[1], box[1], box[3])
    for _ in range(rendition.rotate // 90):
        x, y = FAR_EDGE - y, x
    if "h" in rendition.flip:
        x = FAR_EDGE - x
    if "v" in rendition.flip:
        y = FAR_EDGE - y
    return replace(rendition, gravity=Gravity(x, y, untrimmed=rendition.trim is not None))


def _inside(point: int, first: int, last: int) -> int:
    """Return where a point, in thousandths of a pixel, is from one pixel to another: in thousandths
    of that part, rounded half up."""
    length = last - first
    inside = (2 * (point - FAR_EDGE * first) + length) // (2 * length)
    return min(max(inside, 0), FAR_EDGE)


@functools.lru_cache(maxsize=4096)
def _encoded(rendition: Rendition, quality: Quality) -> Rendition:
    """Return a rendition with that quality; cached, because every hit needs it."""
    return replace(rendition, quality=quality).canonical()


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalRequest:
    """A request for a picture in its own size.

    `format` None is the original's own, unless `webp` changes it to WebP. `rendition_as`
    returns the rendition to send if the stored bytes cannot be sent. `signed`: the request is
    allowed even if originals are not public. `sees_hidden` as for a rendition.
    """

    image: ImageId
    format: Format | Negotiated | None
    extension: str
    parameters: Parameters
    rules: UrlRules
    webp: bool = False
    varies: bool = False
    signed: bool = False
    sees_hidden: bool = False

    def stored_will_do(self, original_format: str, *, animated: bool) -> bool:
        """Whether the stored bytes can be sent: the request changes nothing of an original of the
        format `original_format`."""
        if self.webp and original_format in _SWITCHABLE:
            return False
        return (self.format is None or self.format == original_format) and not any(
            OPERATIONS[name].changes_stored(value, animated=animated)
            for name, value in self.parameters.values.items()
        )

    def rendition_as(self, original_format: Format) -> RenditionRequest:
        """Return the same request as a rendition in full size, for an original of that format."""
        if self.webp and original_format in _SWITCHABLE:
            original_format = Format.WEBP
        output = self.format or original_format
        return RenditionRequest(
            image=self.image,
            rendition=rendition(0, 0, output, self.parameters, self.rules),
            visual=visual(output, self.parameters, self.rules),
            extension=self.extension or original_format.extension,
            proxy=self.parameters.proxy,
            varies=self.varies,
            sent=self.parameters.sent,
            ignored=self.parameters.ignored,
            signed=self.signed,
            sees_hidden=self.sees_hidden,
        )


@dataclass(frozen=True, slots=True)
class FactsRequest:
    """A request for the properties of a picture, as JSON; `signed` and `sees_hidden` as for an
    original. `private`: what the application says of the picture is answered, too."""

    image: ImageId
    signed: bool = False
    sees_hidden: bool = False
    private: bool = False


PictureRequest = RenditionRequest | OriginalRequest | FactsRequest


def parse(target: str, accept: str, rules: UrlRules) -> PictureRequest:
    """Parse the target of a request for a picture, `/name…?query`, a single segment.

    `target` is raw: percent-encoded, one character a byte. Raises MalformedUrl and
    BadParameter.
    """
    path, _, query = target.partition("?")
    segment = parameters.percent_decode(path[1:])
    match = names.RENDITION.fullmatch(segment)
    if match is None:
        return _parse_original(segment, query, accept, rules)
    exact: OriginalRequest | None = None
    if match["density"] and (match["x"] == "X" or "." in match["density"]):
        # In 1.0 this was always an original: one may have that name.
        original = _parse_original(segment, query, accept, rules)
        if isinstance(original, FactsRequest) or not original.extension:
            return original
        exact = original
    image = ImageId(names.check_name(match["name"]))
    scale = _scale(match["density"])
    width, height = _box(match, scale)
    extension = match["extension"]
    params = parameters.read(query, rules) if exact is None else exact.parameters
    params = _scaled(params, scale) if match["density"] else params
    output, varies = _choose(extension.lower(), accept, params, rules, always=rules.webp_always)
    return RenditionRequest(
        image=image,
        rendition=rendition(width, height, output, params, rules),
        extension=extension,
        proxy=params.proxy,
        varies=varies,
        sent=params.sent,
        ignored=params.ignored,
        exact=exact,
        focused=is_focused(params),
        visual=visual(output, params, rules),
    )


def is_focused(params: Parameters) -> bool:
    """Whether the focus of the picture is its gravity."""
    return bool(params.values.get("gravity", AUTO) == AUTO)


def visual(output: Format | Negotiated, params: Parameters, rules: UrlRules) -> int:
    """Return the SSIM in thousandths that the quality depends on; 0 if it does not."""
    lossy = isinstance(output, Negotiated) or output.lossy
    return rules.visual if lossy and params.values.get("quality") == VISUAL else 0


def _box(match: re.Match[str], scale: Scale) -> tuple[int, int]:
    """Return the box of a rendition's path in pixels. Raises MalformedUrl."""
    sides = numbers.digits(match["width"]), numbers.digits(match["height"])
    if not any(sides):
        raise errors.MalformedUrl("One of width and height must be above 0.")
    return scale(sides[0]), scale(sides[1])


def _scale(density: str | None) -> Scale:
    """Return what multiplies pixels by a density; half pixels are rounded up, as in sizes.

    Raises MalformedUrl.
    """
    whole, _, fraction = (density or "1").partition(".")
    fraction = fraction[:_MOST_DECIMALS]
    one = 10 ** len(fraction)
    factor = numbers.digits(whole + fraction)
    least = 1 if fraction else one
    if not least <= factor <= MAX_DENSITY * one:
        raise errors.MalformedUrl(f"The density must be from 1x to {MAX_DENSITY}x.")
    return lambda side: (2 * side * factor + one) // (2 * one) or min(side, 1)


def _scaled(params: Parameters, scale: Scale) -> Parameters:
    """Return parameters whose values in pixels are multiplied by the density.

    A redirect has no density, so it repeats the products; those of a preset stay as they are.
    """
    values = {name: OPERATIONS[name].scaled(value, scale) for name, value in params.values.items()}
    changed = {
        name: OPERATIONS[name].text(value)
        for name, value in values.items()
        if value != params.values[name]
    }
    sent = tuple((name, changed.get(name, text)) for name, text in params.sent)
    return replace(params, values=values, sent=sent)


def _parse_original(
    segment: str, query: str, accept: str, rules: UrlRules
) -> OriginalRequest | FactsRequest:
    name, suffix = names.split_suffix(segment, jxl=rules.jxl)
    image = ImageId(names.check_name(name))
    params = parameters.read(query, rules)
    if suffix == "json":
        return FactsRequest(image)
    output: Format | Negotiated | None = None
    webp = False
    varies = params.allow_webp and rules.webp_opt_in
    if suffix:
        output, varies = _choose(suffix, accept, params, rules, always=False)
    elif varies:
        webp = accept_header.offers(accept, "image/webp")
    return OriginalRequest(
        image=image,
        format=output,
        extension=segment[len(name) + 1 :],
        parameters=params,
        rules=rules,
        webp=webp,
        varies=varies,
    )


def _choose(
    extension: str, accept: str, params: Parameters, rules: UrlRules, *, always: bool
) -> tuple[Format | Negotiated, bool]:
    """Return the requested format, and whether it depends on `Accept`."""
    if extension == "auto":
        return accept_header.negotiate(accept, jxl=rules.jxl_in_auto), True
    known = formats.extensions(jxl=rules.jxl)
    if extension not in known:
        raise errors.MalformedUrl(
            f"The extension `.{extension[:20]}` is none of "
            + ", ".join(f"`.{each}`" for each in (*known, "auto"))
            + "."
        )
    output = EXTENSIONS[extension]
    if output in _SWITCHABLE and (always or (params.allow_webp and rules.webp_opt_in)):
        return (Format.WEBP if accept_header.offers(accept, "image/webp") else output), True
    return output, False


def rendition(
    width: int, height: int, output: Format | Negotiated, params: Parameters, rules: UrlRules
) -> Rendition:
    """Return the canonical rendition of a query in a box and a format."""
    return _from_values(width, height, output, params.values, rules)


def _from_values(
    width: int,
    height: int,
    output: Format | Negotiated,
    values: Mapping[str, Any],
    rules: UrlRules,
) -> Rendition:
    fields = {row.attribute: row.resolve(values.get(row.name, row.plain), rules) for row in ROWS}
    return Rendition(format=output, width=width, height=height, **fields).canonical()


_DECISIVE = ("fit", "pad")
"""Operations that decide whether others have an effect."""


def resized(request: RenditionRequest, width: int, height: int) -> str:
    """Return the URL of the same request in another box, with the same parameters."""
    return _join(request.image, width, height, request.extension, request.sent)


def build(image: ImageId, rendition: Rendition, rules: UrlRules, *, proxy: bool = False) -> str:
    """Return the URL of a canonical rendition, without parameters that have the default value.

    The URL of an `auto` rendition only has `auto`; its formats depend on `Accept`.
    """
    width, height, output = rendition.width, rendition.height, rendition.format
    plain = _from_values(width, height, output, {}, rules)
    decisive = {name: getattr(rendition, name) for name in _DECISIVE}
    fitted = _from_values(width, height, output, decisive, rules)
    pairs: list[tuple[str, str]] = []
    for name, operation in OPERATIONS.items():
        value = getattr(rendition, operation.attribute)
        default = plain if name in _DECISIVE else fitted
        if value not in (None, getattr(default, operation.attribute)):
            pairs.append((name, operation.text(value)))
    if proxy:
        pairs.append(("proxy", "true"))
    extension = output.extension if isinstance(output, Format) else "auto"
    return _join(image, width, height, extension, tuple(pairs))


def _join(
    image: ImageId, width: int, height: int, extension: str, pairs: tuple[tuple[str, str], ...]
) -> str:
    size = f"_{width}_{height}" if width or height else ""
    path = f"/{quote(image.name, safe='')}{size}.{extension}"
    query = "&".join(f"{name}={quote(value, safe=',:')}" for name, value in pairs)
    return f"{path}?{query}" if query else path
