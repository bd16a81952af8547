"""What the renditions of Live Image Resize are called here."""

import functools
from dataclasses import dataclass
from urllib.parse import quote

from liveresize import errors
from liveresize.compat.iaas.source import Shape
from liveresize.core import urls
from liveresize.core.formats import Format
from liveresize.core.operation import UrlRules
from liveresize.core.urls import RenditionRequest

_KINDS = 100_000
"""How many kinds of rendition are remembered: far more than clients ask for, and bounded."""

_LEGAL = "%!#$&'()*+,/:;=?@[]~"
"""What may stand in a URL as it is, letters, digits and `-._` aside."""


@dataclass(frozen=True, slots=True)
class Named:
    """A rendition: its variant and its media type."""

    variant: str
    mime: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A rendition that no URL of ours asks for, and why."""

    reason: str


class Variants:
    """Finds the name that a row's rendition has here, by the URL that asks for it.

    Clients ask for the same few sizes of many pictures, so each kind is worked out once.
    """

    def __init__(self, rules: UrlRules) -> None:
        self._rules = rules
        self.of = functools.lru_cache(_KINDS)(self._of)

    def _of(self, shape: Shape) -> Named | Unknown:
        """The name of a rendition of that shape, whatever picture it is of."""
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
    """The URL that asks for it: x and y have the density folded in, as it stored them.

    It wrote -1 for a quality that is up to the original; columns that older releases
    lack have their defaults.
    """
    kind = str(shape.file_type).removeprefix("image/")
    query = f"fit={quote(str(shape.fit or 'clip'))}"
    if shape.blur and shape.blur not in ("f", "false", "0"):
        query += "&blur=true"
    if shape.quality is not None:
        query += f"&quality={quote(str(shape.quality))}"
    return f"/a_{shape.x}_{shape.y}.{quote(kind, safe='')}?{query}"


def address(url: object) -> str | None:
    """The URL where a rendition is, fit for a header; None for what is no absolute one.

    It wrote names into URLs as they are. What no URL may hold is escaped, as browsers do
    by themselves; everything else stays, so that it leads where it did.
    """
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return None
    return quote(url, safe=_LEGAL)
