"""What a client would rather be sent, read from its `Accept` header (RFC 9110 §12.5.1)."""

import re

from liveresize.core import numbers
from liveresize.core.formats import Negotiated

_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")

_PLAIN = ("image/jpeg", "image/png", "image/*", "*/*")
"""What a client that can show JPEG and PNG says, one way or another."""


def weights(accept: str) -> dict[str, float]:
    """Media range → q, 0–1; a malformed weight counts as 1, a repeated range as its first."""
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


def negotiate(accept: str) -> Negotiated:
    """Which of AVIF and WebP the client likes at least as well as JPEG and PNG.

    WebP above AVIF leaves AVIF out: where both would do, the first choice is final.
    """
    q = weights(accept)
    plain = next((q[media] for media in _PLAIN if media in q), 0.0)
    avif, webp = q.get("image/avif", 0.0), q.get("image/webp", 0.0)
    wants_webp = webp > 0.0 and webp >= plain
    wants_avif = avif > 0.0 and avif >= plain and not (wants_webp and webp > avif)
    return Negotiated(avif=wants_avif, webp=wants_webp)
