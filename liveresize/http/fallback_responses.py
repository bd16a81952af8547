"""Responses that show another picture instead of a missing one."""

from dataclasses import replace

from liveresize.delivery.outcomes import Bytes, HeadInfo, OriginalFile, Streamed
from liveresize.http import responses
from liveresize.http.conditions import Conditionals
from liveresize.http.responses import Response, ResponseOptions

_LIFE = 60
"""Seconds for which one may be kept: then the picture may be there."""

LEFT_OUT = frozenset({"ETag", "Last-Modified", "Accept-Ranges"})
"""Headers with which a client would ask again for a part of the picture, or for a newer one."""

_LEFT_OUT = LEFT_OUT | {"Etag"}  # as Tornado spells it

_WHOLE = Conditionals()


def response(
    outcome: Bytes | Streamed | OriginalFile | HeadInfo,
    options: ResponseOptions,
    *,
    varies: bool,
) -> Response:
    """Return the 404 with the bytes of the other picture, or with what is known of them.

    It is always whole, whatever part or version the client asks for. It has the tags of the picture
    that it shows.
    """
    options = replace(options, immutable=False, dated=False, render_max_age=_LIFE)
    if isinstance(outcome, Bytes | Streamed):
        options = replace(options, pending=outcome.pending)
    if isinstance(outcome, Bytes):
        found = responses.rendered(outcome, _WHOLE, options, varies=varies)
    elif isinstance(outcome, Streamed):
        found = responses.streamed(outcome, _WHOLE, options, varies=varies)
    elif isinstance(outcome, OriginalFile):
        found = responses.stored(outcome, _WHOLE, options)
    else:
        found = responses.known(outcome, _WHOLE, options, varies=varies)
    headers = [header for header in found.headers if header[0] not in _LEFT_OUT]
    return replace(
        found,
        status=404,
        headers=[*headers, ("X-Fallback", "1")],
        about=replace(found.about, fallback=True),
    )
