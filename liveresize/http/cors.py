"""What pages of other origins may send and read; no request here takes cookies."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from tornado import httputil

ANY_ORIGIN = ("Access-Control-Allow-Origin", "*")

_EXPOSED = (
    "X-Request-Id",
    "X-Cache",
    "Server-Timing",
    "ETag",
    "Retry-After",
    "X-Redirect-Info",
    "X-Ignored-Parameters",
)

EXPOSED = ("Access-Control-Expose-Headers", ", ".join(_EXPOSED))
"""Headers of responses that a script may read, besides those that it always may."""

EXPOSED_BY_TUS = (
    EXPOSED[0],
    ", ".join(
        (
            *_EXPOSED,
            "Location",
            "Upload-Offset",
            "Upload-Length",
            "Upload-Metadata",
            "Upload-Expires",
            "Tus-Resumable",
            "Tus-Version",
            "Tus-Extension",
            "Tus-Max-Size",
            "Tus-Checksum-Algorithm",
        )
    ),
)
"""The same of responses to uploads that can be resumed."""

ANY_PAGE = ("Cross-Origin-Resource-Policy", "cross-origin")
"""Pages that isolate themselves (`Cross-Origin-Embedder-Policy`) may show the picture."""

READABLE = (ANY_ORIGIN, EXPOSED)
"""Headers of a response that scripts of any page may read."""

_LIFE = ("Access-Control-Max-Age", "86400")

_MOST_NAMES, _MOST_BYTES = 20, 1024
_NAMES = re.compile(r"[A-Za-z0-9-]+(?:[ \t]*,[ \t]*[A-Za-z0-9-]+)*")

_HERE, _ELSEWHERE = ("same-origin", "none"), ("cross-site", "same-site")
"""Values of `Sec-Fetch-Site`, which no page can set: the browser knows best where it is."""


def preflight(
    request: httputil.HTTPHeaders, methods: Sequence[str], usual: str
) -> list[tuple[str, str]]:
    """Return the headers that answer a preflight for `methods`; it varies by
    `Access-Control-Request-Headers`.

    The headers that the page wants to send are allowed: libraries add some of their own, and
    none of them has a meaning here that could hurt. If there are none, or too many, or if one is
    no name, the `usual` ones are.
    """
    return [
        ANY_ORIGIN,
        ("Access-Control-Allow-Methods", ", ".join(methods)),
        ("Access-Control-Allow-Headers", _wanted(request) or usual),
        _LIFE,
    ]


def _wanted(request: httputil.HTTPHeaders) -> str:
    text = request.get("Access-Control-Request-Headers", "").strip(" \t")
    few = len(text) <= _MOST_BYTES and text.count(",") < _MOST_NAMES
    return text if few and _NAMES.fullmatch(text) else ""


def from_another_site(request: httputil.HTTPHeaders, host: str) -> bool:
    """Whether a browser sends the request for a page of another origin than `host`."""
    site, origin = request.get("Sec-Fetch-Site", "").strip().lower(), request.get("Origin")
    if site in _HERE or (origin is None and not site):
        return False
    return site in _ELSEWHERE or origin is None or _host(origin) != host.lower()


def from_a_browser(request: httputil.HTTPHeaders) -> bool:
    """Whether the request has a header that only browsers send."""
    return "Origin" in request or "Sec-Fetch-Site" in request


def _host(origin: str) -> str:
    """Return host and port of an origin; empty for `null` and what is none."""
    try:
        return urlsplit(origin.strip()).netloc.lower()
    except ValueError:
        return ""
