"""The variants of the renditions of Live Image Resize."""

import functools
from dataclasses import dataclass, replace
from urllib.parse import quote

from liveresize import errors
from liveresize.compat.iaas.source import Shape
from liveresize.core import urls
from liveresize.core.formats import Format
from liveresize.core.operation import UrlRules
from liveresize.core.urls import RenditionRequest

_KINDS = 100_000
"""The size of the cache of shapes: more than clients request."""

_LEGAL = "%!#$&'()*+,/:;=?@[]~"
"""Characters that are not escaped in a URL, besides letters, digits and `-._`."""


@dataclass(frozen=True, slots=True)
class Named:
    """A rendition: its variant and its media type."""

    variant: str
    mime: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A rendition without a URL here, and the reason."""

    reason: str


class Variants:
    """Finds the variant of a row's rendition, by its URL.

    Clients request the same few sizes of many pictures, so the results are cached.
    """

    def __init__(self, rules: UrlRules) -> None:
        self._rules = replace(rules, lenient=False)  # a value that is invalid here meant something
        self.of = functools.lru_cache(_KINDS)(self._of)

    def _of(self, shape: Shape) -> Named | Unknown:
        """Return the variant of a rendition of that shape, for any picture."""
        try:
            request = urls.parse(_target(shape), "", self._rules)
        except errors.RequestError as error:
            return Unknown(error.public)
        if not isinstance(request, RenditionRequest) or not isinstance(
            request.rendition.format, Format
        ):
            return Unknown("No URL asks for such a size.")
        return Named(request.rendition.variant, request.rendition.format.mime)


def _target(shape: Shape) -> str:
    """Return the URL for a shape: x and y are already multiplied by the density.

    A quality of -1 means that of the original; columns that older releases lack have their
    defaults.
    """
    kind = str(shape.file_type).removeprefix("image/")
    query = f"fit={quote(str(shape.fit or 'clip'))}"
    if shape.blur and shape.blur not in ("f", "false", "0"):
        query += "&blur=true"
    if shape.quality is not None:
        query += f"&quality={quote(str(shape.quality))}"
    return f"/a_{shape.x}_{shape.y}.{quote(kind, safe='')}?{query}"


def address(url: object) -> str | None:
    """Return the URL of a rendition, escaped for a header; None if it is not absolute.

    The service wrote names into URLs without escaping. Invalid characters are escaped, as browsers
    do; all others stay, so that the target is the same.
    """
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return None
    return quote(url, safe=_LEGAL)
