"""URLs of pictures, and the sizes of the results; see the package."""

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any, Unpack
from urllib.parse import quote

from liveresize import errors
from liveresize.core import geometry, names, parameters, signing
from liveresize.core import urls as domain_urls
from liveresize.core.formats import EXTENSIONS, Format
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.operations import Spelled
from liveresize.core.part_rows import rect_text

_BASE = re.compile(r"""(?:(?:https?:)?//[^\s/?#,"'<>\\]+)?(?:/[^\s?#,"'<>\\]*)?""")

_LARGEST = 999_999_999
"""The largest side in a URL: nine digits."""

_WRITTEN = tuple(name for name in parameters.KNOWN if name not in ("sig", "exp"))
"""Parameters in the order of a URL. `preset` is last, so that the others override it."""


class Options(Spelled, total=False):
    """The keyword arguments of every function here.

    `base` is the part before the path, such as `https://images.example.com`; if it is empty,
    URLs begin with `/`. `key` is one of `signing.keys`, for the signature, and `exp` (Unix
    seconds) its expiry. `held` opens a held picture, if there is a `key`. The others are the
    parameters of a URL, with the same values; a focal point may be a pair, and `rect` four numbers,
    of which floats are fractions and others pixels. None means that the parameter is not set.
    """

    base: str
    key: str
    exp: int | None
    held: bool | None
    allow_webp: bool | None
    proxy: bool | None
    version: str | None
    preset: str | None


def url(
    name: str,
    width: int = 0,
    height: int = 0,
    *,
    density: int = 1,
    format: str = "auto",  # noqa: A002 (an address has no other word for it)
    **options: Unpack[Options],
) -> str:
    """Return the URL of the picture `name` in a box of `width` × `height` pixels.

    A side of 0 is calculated, and both 0 is the picture's own size. `density` multiplies the
    box. `format` is an extension; `auto` is the best one that the browser supports, `json` the
    properties, empty the original. Raises MalformedUrl and BadParameter.
    """
    target = _target(name, width, height, density, format, options)
    key, exp = options.get("key") or "", options.get("exp")
    if key:
        target = signing.sign(target, signing.check_key(key), exp)
    elif exp is not None:
        raise errors.BadParameter("`exp` needs a `key` that signs it.")
    return _base(options.get("base") or "") + target


def srcset(
    name: str,
    width: int = 0,
    height: int = 0,
    *,
    widths: Iterable[int] = (),
    densities: Iterable[int] = (1, 2, 3),
    format: str = "auto",  # noqa: A002 (as in `url`)
    **options: Unpack[Options],
) -> str:
    """Return the value of a `srcset`: one box in several densities, or a picture in several widths.

    With `widths`, in pixels, `width` and `height` are the ratio of the boxes; without a
    height it is calculated. A `pad` is not part of the boxes, but of the widths that are said.
    Raises MalformedUrl and BadParameter.
    """
    widths = tuple(widths)
    shown: Options = {**options, "rect": None, "trim": None}
    around = size((1, 1), 1, 1, **shown)[0] - 1 if widths and "pad" in options else 0
    candidates = _candidates(width, height, widths, tuple(densities), around)
    return ", ".join(
        f"{url(name, *box, density=density, format=format, **options)} {descriptor}"
        for box, density, descriptor in candidates
    )


def size(
    original: tuple[int, int], width: int = 0, height: int = 0, **options: Unpack[Options]
) -> tuple[int, int]:
    """Return the (width, height) in pixels of the result of `url` with the same arguments.

    `original` is the size of the upright picture, as in the response to its upload and in its
    `.json`. Presets and the bounds of the server are ignored. Raises MalformedUrl, and
    BadParameter, also for a `trim` whose result can have several sizes.
    """
    target = _target("_", width, height, 1, "jpg", options)
    request = domain_urls.parse(target, "", _rules(options))
    assert not isinstance(request, domain_urls.FactsRequest)
    if isinstance(request, domain_urls.OriginalRequest):
        request = request.rendition_as(Format.JPEG)
    if not geometry.is_known(request.rendition):
        raise errors.BadParameter("The size of a trimmed picture is known only after it is made.")
    return geometry.output_size(original, request.rendition)


def expiry(seconds: int, *, step: int = 3600, now: float | None = None) -> int:
    """Return an `exp` at least `seconds` from now, rounded up to a multiple of `step`.

    All pages within one `step` have the same URLs, so that browsers and caches can keep them.
    `now` is Unix seconds, by default the current time.
    """
    end = int(time.time() if now is None else now) + seconds
    return -(-end // step) * step


def in_ratio(each: int, width: int, height: int) -> int:
    """Return the height of a box of width `each` in the ratio of `width` and `height`, or 0.

    Raises MalformedUrl if there is a height without a width.
    """
    if not height:
        return 0
    if not width:
        raise errors.MalformedUrl("With widths, a height needs the width that it belongs to.")
    return geometry.half_up(each * height, width)


def _target(
    name: str, width: int, height: int, density: int, extension: str, options: Options
) -> str:
    """Return path and query without a signature. Raises MalformedUrl and BadParameter."""
    sides = (width, height)
    if not all(isinstance(side, int) and 0 <= side <= _LARGEST for side in sides):
        raise errors.MalformedUrl(f"Width and height are whole numbers from 0 to {_LARGEST}.")
    names.check_name(name)
    known_format = EXTENSIONS.get(extension.lower())
    suffix = known_format.extension if known_format else extension.lower()
    boxed = bool(width or height)
    path = f"/{quote(name, safe='')}"
    if boxed:
        path += f"_{width}_{height}" + (f"_{density}x" if density != 1 else "")
    elif density != 1:
        raise errors.MalformedUrl("A density multiplies width and height: give one of them.")
    path += f".{suffix}" if suffix else ""
    query = "&".join(f"{each}={quote(text, safe='')}" for each, text in _parameters(options))
    target = f"{path}?{query}" if query else path
    read = domain_urls.parse(target, "", _rules(options, jxl=known_format is Format.JXL))
    if read.image != ImageId(name) or isinstance(read, domain_urls.RenditionRequest) != boxed:
        raise errors.MalformedUrl(f"The address {path} would be read as another picture's.")
    return target


def _parameters(options: Options) -> Iterator[tuple[str, str]]:
    """Yield the parameters of a URL in their order, as text. Raises BadParameter."""
    values: dict[str, Any] = {**options}
    unknown = values.keys() - Options.__annotations__.keys()
    if unknown:
        raise errors.BadParameter(f"There is no parameter `{min(unknown)}`.")
    for name in _WRITTEN:
        if values.get(name) is not None:
            text = (rect_text if name == "rect" else _text)(values[name])
            if not text:
                raise errors.BadParameter(f"The parameter `{name}` must not be empty.")
            yield name, text


def _text(value: object) -> str:
    """Format a value for a URL; numbers are rounded to three decimals."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{round(value, 3):g}"
        case tuple():
            return ",".join(map(_text, value))
        case _:
            return str(value)


def _rules(options: Options, *, jxl: bool = False) -> UrlRules:
    """Return rules in which the named preset and overlay exist; the server's settings are unknown
    here."""
    overlay = options.get("overlay")
    return UrlRules(
        presets={options.get("preset") or "": ()},
        overlays=(overlay,) if overlay else (),
        jxl=jxl,
    )


def _base(base: str) -> str:
    """Return `base` without a slash at its end. Raises MalformedUrl."""
    if not _BASE.fullmatch(base):
        raise errors.MalformedUrl("A base is an address such as https://images.example.com.")
    return base.rstrip("/")


def _candidates(
    width: int, height: int, widths: tuple[int, ...], densities: tuple[int, ...], around: int
) -> list[tuple[tuple[int, int], int, str]]:
    """Return (box, density, descriptor) of each candidate of a `srcset`; results are `around`
    pixels wider than their boxes. Raises MalformedUrl."""
    if widths:
        if min(widths) < 1:
            raise errors.MalformedUrl("The widths of a srcset are at least 1.")
        boxes = {each: (each, in_ratio(each, width, height)) for each in widths}
        return [(box, 1, f"{each + around}w") for each, box in boxes.items()]
    if not densities:
        raise errors.MalformedUrl("A srcset takes widths, or densities.")
    return [((width, height), each, f"{each}x") for each in dict.fromkeys(densities)]
