"""Parse and format colours, and what else may be behind a picture, in URLs and variants."""

import re

from liveresize.core.operation import UrlRules
from liveresize.core.values import TRANSPARENT, WHITE, Backdrop, Background, Colour, Duotone


def read_background(text: str, rules: UrlRules) -> Background:
    """Parse a colour or `blur`. Raises ValueError."""
    return Backdrop.BLUR if text == Backdrop.BLUR else read_colour(text, rules)


def background_text(background: Background) -> str:
    """Format a background for a URL."""
    return str(background) if isinstance(background, Backdrop) else colour_text(background)


def background_token(background: Background | None) -> str:
    """Format a background for a variant; white has no token."""
    if isinstance(background, Backdrop):
        return f"bg{background}"
    return "" if background in (None, WHITE) else "bg" + bytes(background).hex()


def parse_background(token: str) -> Background:
    """Parse the token of a background."""
    text = token.removeprefix("bg")
    return Backdrop.BLUR if text == Backdrop.BLUR else from_hex(text)


def read_colour(text: str, rules: UrlRules) -> Colour:
    """Parse a colour of 3, 6 or 8 hex digits, or `transparent`. Raises ValueError."""
    if text == "transparent":
        return TRANSPARENT
    if not HEX.fullmatch(text):
        raise ValueError(text)
    digits = "".join(c * 2 for c in text) if len(text) == 3 else text
    return from_hex(digits if len(digits) == 8 else digits + "ff")


HEX = re.compile(r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}")


def from_hex(digits: str) -> Colour:
    """Return the colour of 8 hex digits. Raises ValueError."""
    red, green, blue, alpha = bytes.fromhex(digits)
    return red, green, blue, alpha


def colour_text(colour: Colour) -> str:
    """Format a colour for a URL."""
    if colour == TRANSPARENT:
        return "transparent"
    digits = bytes(colour).hex()
    return digits[:6] if colour[3] == 255 else digits


def read_duotone(text: str, rules: UrlRules) -> Duotone:
    """Parse two opaque colours. Raises ValueError."""
    if not TWO.fullmatch(text):
        raise ValueError(text)
    dark, light = (read_colour(each, rules) for each in text.split(","))
    return dark, light


_OPAQUE = "[0-9a-fA-F]{3}|[0-9a-fA-F]{6}"
TWO = re.compile(f"({_OPAQUE}),({_OPAQUE})")


def duotone_text(colours: Duotone, between: str = ",") -> str:
    """Format two colours, for a URL if they are separated by a comma."""
    return between.join(colour_text(each) for each in colours)
