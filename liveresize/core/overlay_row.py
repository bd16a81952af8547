"""The row of `overlay` in the table of operations."""

import re

from liveresize.core.operation import Effect, Operation, UrlRules
from liveresize.core.overlay import NAME, NAME_LENGTH, TOKEN, OverlayMark

_NAME = re.compile(f"(?=.{{1,{NAME_LENGTH}}}$){NAME}")


def _read(text: str, rules: UrlRules) -> OverlayMark:
    # Helpers that write URLs do not know the settings: there every name is configured.
    if text not in rules.overlays or not _NAME.fullmatch(text):
        raise ValueError(text)
    return OverlayMark(text)


OVERLAY = Operation(
    name="overlay",
    about="The picture of that name in `overlays` of the settings, such as a watermark, drawn over "
    "the result.",
    allowed="the name of a configured overlay",
    configured=lambda rules: rules.overlays,
    schema={"type": "string", "pattern": f"^{NAME}$", "maxLength": NAME_LENGTH},
    example="logo",
    effect=Effect.OVERLAY,
    plain=None,
    read=_read,
    text=lambda mark: mark.name,
    token=lambda mark: mark.token if mark else "",
    pattern=TOKEN,
    parse=OverlayMark.parse,
)
"""A variant names any overlay, also one that is configured no more or was configured otherwise."""
