"""HTML tags for a page; see the package."""

import html
from collections.abc import Iterable, Mapping
from typing import Self, Unpack

from liveresize.core.values import Fit
from liveresize.urls.address import Options, in_ratio, size, srcset, url

_MEDIA = {"jxl": "image/jxl", "avif": "image/avif", "webp": "image/webp"}
"""Media types that a `<source>` needs; every browser supports the others."""


class Html(str):
    """Markup that Jinja2 and Django do not escape."""

    __slots__ = ()

    def __html__(self) -> Self:
        """Return the markup; Jinja2 and Django call this."""
        return self


def picture(
    name: str,
    width: int = 0,
    height: int = 0,
    *,
    alt: str,
    widths: Iterable[int] = (),
    densities: Iterable[int] = (1, 2),
    sizes: str = "",
    formats: Iterable[str] = ("avif", "webp", "jpg"),
    original: tuple[int, int] | None = None,
    attributes: Mapping[str, str] | None = None,
    **options: Unpack[Options],
) -> Html:
    """Return a `<picture>` with one source for each format; the last one is that of its `<img>`.

    `alt` is the text alternative. `widths` are as in `srcset` and need `sizes`, as in HTML; the
    first is that of the `<img>`. `original` (width, height) gives the `<img>` its size, to avoid
    layout shifts; without it, and with `trim`, only `crop`, `canvas` and `fill` have one.
    `attributes` are further ones of the `<img>`, and override `loading="lazy"` and
    `decoding="async"`. Raises MalformedUrl and BadParameter.
    """
    widths, densities = tuple(widths), tuple(densities)
    *sources, last = tuple(formats) or ("auto",)
    box = (widths[0], in_ratio(widths[0], width, height)) if widths else (width, height)
    shared = {"sizes": sizes} if sizes else {}

    def offered(each: str) -> dict[str, str]:
        value = srcset(
            name, width, height, widths=widths, densities=densities, format=each, **options
        )
        return {"srcset": value, **shared}

    tags = [_tag("source", {"type": _MEDIA.get(each, ""), **offered(each)}) for each in sources]
    image = {
        "src": url(name, *box, format=last, **options),
        **offered(last),
        **_measures(original, box, options),
        "loading": "lazy",
        "decoding": "async",
        **(attributes or {}),
        "alt": alt,
    }
    return Html(f"<picture>{''.join(tags)}{_tag('img', image)}</picture>")


def _measures(
    original: tuple[int, int] | None, box: tuple[int, int], options: Options
) -> dict[str, str]:
    """Return the attributes `width` and `height`, if they are known."""
    measures = (0, 0)
    trims = options.get("trim") is not None and options.get("trim") is not False
    fixed = all(box) and options.get("fit") in (Fit.CROP, Fit.CANVAS, Fit.FILL)
    if fixed and (trims or original is None):
        original, options = box, {**options, "rect": None, "trim": None}  # any would do
    elif trims:
        original = None
    if original is not None:
        measures = size(original, *box, **options)
    return {"width": str(measures[0]), "height": str(measures[1])} if all(measures) else {}


def _tag(name: str, attributes: Mapping[str, str]) -> str:
    """Return a start tag; attributes without a value are left out, except `alt`."""
    written = "".join(
        f' {each}="{html.escape(value)}"'
        for each, value in attributes.items()
        if value or each == "alt"
    )
    return f"<{name}{written}>"
