"""Addresses of pictures, and what they lead to; see the package."""

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

_BASE = re.compile(r"""(?:(?:https?:)?//[^\s/?#,"'<>\\]+)?(?:/[^\s?#,"'<>\\]*)?""")

_LARGEST = 999_999_999
"""A side that an address can spell: nine digits."""

_WRITTEN = tuple(name for name in parameters.KNOWN if name not in ("sig", "exp"))
"""In this order they stand in an address. `preset` is last: what is said beside it counts."""


class Options(Spelled, total=False):
    """What every function here takes by name, beside what it says itself.

    `base` is what stands before the path, such as `https://images.example.com`; empty makes
    addresses that begin with `/`. `key` is one of `signing.keys` and signs, `exp` (Unix
    seconds) is when that ends. The others are the parameters of an address, with its values;
    a focal point may be a pair. None is as if it were not there.
    """

    base: str
    key: str
    exp: int | None
    allow_webp: bool | None
    proxy: bool | None
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
    """The address of the picture `name` in a box of `width` × `height` pixels.

    0 leaves that side free, and both 0 is the picture's own size. `density` multiplies the
    box. `format` is an extension (`auto` is the best that the browser shows), `json` the
    facts, empty the original. Raises MalformedUrl and BadParameter.
    """
    target = _target(name, width, height, density, format, options)
    key, exp = options.get("key") or "", options.get("exp")
    if key:
        target = signing.sign(target, key, exp)
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
    """The value of a `srcset`: one box at several densities, or a picture in several widths.

    With `widths`, in pixels, `width` and `height` are the ratio of the boxes; without a
    height that side is free. Raises as `url` does.
    """
    candidates = _candidates(width, height, tuple(widths), tuple(densities))
    return ", ".join(
        f"{url(name, *box, density=density, format=format, **options)} {descriptor}"
        for box, density, descriptor in candidates
    )


def size(
    original: tuple[int, int], width: int = 0, height: int = 0, **options: Unpack[Options]
) -> tuple[int, int]:
    """The (width, height) in pixels of what `url` with the same arguments leads to.

    `original` is that of the upright picture, as the answer to its upload and its `.json`
    tell. Presets, and the bounds of the server, are not known here. Raises as `url` does.
    """
    target = _target("_", width, height, 1, "jpg", options)
    request = domain_urls.parse(target, "", _rules(options))
    assert not isinstance(request, domain_urls.FactsRequest)
    if isinstance(request, domain_urls.OriginalRequest):
        request = request.rendition_as(Format.JPEG)
    return geometry.output_size(original, request.rendition)


def expiry(seconds: int, *, step: int = 3600, now: float | None = None) -> int:
    """An `exp` at least `seconds` from now, rounded up to a multiple of `step`.

    All pages of one `step` then have the same addresses, which browsers and caches keep.
    `now` is Unix seconds, and the clock's where it is None.
    """
    end = int(time.time() if now is None else now) + seconds
    return -(-end // step) * step


def in_ratio(each: int, width: int, height: int) -> int:
    """The height of a box `each` wide in the ratio of `width` and `height`; 0 without one."""
    if not height:
        return 0
    if not width:
        raise errors.MalformedUrl("With widths, a height needs the width that it belongs to.")
    return geometry.half_up(each * height, width)


def _target(
    name: str, width: int, height: int, density: int, extension: str, options: Options
) -> str:
    """Path and query, not yet signed, that the parser reads as what is asked for here."""
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
    read = domain_urls.parse(target, "", _rules(options))
    if read.image != ImageId(name) or isinstance(read, domain_urls.RenditionRequest) != boxed:
        raise errors.MalformedUrl(f"The address {path} would be read as another picture's.")
    return target


def _parameters(options: Options) -> Iterator[tuple[str, str]]:
    """The parameters of an address in their order, as text. Raises BadParameter."""
    values: dict[str, Any] = {**options}
    unknown = values.keys() - Options.__annotations__.keys()
    if unknown:
        raise errors.BadParameter(f"There is no parameter `{min(unknown)}`.")
    for name in _WRITTEN:
        if values.get(name) is not None:
            yield name, _text(values[name])


def _text(value: object) -> str:
    """A value as an address spells it; what is finer than that is rounded."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{round(value, 3):g}"
        case tuple():
            return ",".join(map(_text, value))
        case _:
            return str(value)


def _rules(options: Options) -> UrlRules:
    """What is known here of the server's rules: that it has the preset that is named."""
    return UrlRules(presets={options.get("preset") or "": ()})


def _base(base: str) -> str:
    """`base` without the slash at its end."""
    if not _BASE.fullmatch(base):
        raise errors.MalformedUrl("A base is an address such as https://images.example.com.")
    return base.rstrip("/")


def _candidates(
    width: int, height: int, widths: tuple[int, ...], densities: tuple[int, ...]
) -> list[tuple[tuple[int, int], int, str]]:
    """The (box, density, descriptor) of each candidate of a `srcset`."""
    if widths:
        if min(widths) < 1:
            raise errors.MalformedUrl("The widths of a srcset are at least 1.")
        boxes = {each: (each, in_ratio(each, width, height)) for each in widths}
        return [(box, 1, f"{each}w") for each, box in boxes.items()]
    if not densities:
        raise errors.MalformedUrl("A srcset takes widths, or densities.")
    return [((width, height), each, f"{each}x") for each in dict.fromkeys(densities)]
