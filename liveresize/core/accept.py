"""Content negotiation: the formats that a client prefers, from its `Accept` header
(RFC 9110 §12.5.1)."""

import re

from liveresize.core import numbers
from liveresize.core.formats import Negotiated

_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")

_PLAIN = ("image/jpeg", "image/png", "image/*", "*/*")
"""Media ranges that include JPEG and PNG."""


def weights(accept: str) -> dict[str, float]:
    """Map each media range to its q, 0–1.

    A malformed weight counts as 1; of a repeated range the first one counts.
    """
    ranges: dict[str, float] = {}
    for part in accept.split(","):
        media, *parameters = part.split(";")
        q = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "q" and _QUALITY.fullmatch(value.strip()):
                q = numbers.decimal(value.strip().rstrip(".")) or 0.0
        media = media.strip().lower()
        if media:
            ranges.setdefault(media, q)
    return ranges


def offers(accept: str, media: str) -> bool:
    """Whether the client names `media` itself, with a weight above 0.

    A wildcard does not count: browsers that cannot show AVIF or WebP send `*/*` too.
    """
    return weights(accept).get(media, 0.0) > 0.0


def prefers_html(accept: str) -> bool:
    """Whether the client names HTML itself and accepts nothing at a higher weight, JSON not even at
    the same one.

    Browsers do so for pages, and not for images, styles and requests of scripts.
    """
    q = weights(accept)
    html = q.get("text/html", 0.0)
    return html > q.get("application/json", 0.0) and html >= max(q.values())


def negotiate(accept: str, *, jxl: bool = False) -> Negotiated:
    """Return which of AVIF and WebP the client accepts with at least the weight of JPEG and PNG,
    and with `jxl` whether JPEG XL as well.

    AVIF is left out if WebP has a higher weight, and JPEG XL if one of them has.
    """
    q = weights(accept)
    plain = next((q[media] for media in _PLAIN if media in q), 0.0)
    avif, webp = q.get("image/avif", 0.0), q.get("image/webp", 0.0)
    wants_webp = webp > 0.0 and webp >= plain
    wants_avif = avif > 0.0 and avif >= plain and not (wants_webp and webp > avif)
    jxl_weight, best = q.get("image/jxl", 0.0), max(plain, avif * wants_avif, webp * wants_webp)
    wants_jxl = jxl and jxl_weight > 0.0 and jxl_weight >= best
    return Negotiated(avif=wants_avif, webp=wants_webp, jxl=wants_jxl)
