"""The query of a picture's URL: from text to values, each checked once, here."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from liveresize import errors
from liveresize.domain import numbers
from liveresize.domain.rendition import (
    BLUR,
    COMPASS,
    FAR_EDGE,
    MAX_QUALITY,
    MAX_SHARPEN,
    TRANSPARENT,
    Colour,
    Fit,
    Gravity,
    Quality,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlRules:
    """What configuration says about URLs.

    `quality` are the levels that `auto` stands for, `blur` ten times the sigma that
    `blur=true` stands for. `presets` maps a name to its parameters, in order.
    `webp_opt_in` lets `allow_webp=true` change a format, `webp_always` changes it
    without being asked.
    """

    quality: Quality = field(default_factory=lambda: Quality(82, 80, 60, match=True))
    blur: int = 70
    enlarge: bool = True
    presets: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    webp_opt_in: bool = True
    webp_always: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The values of one query. None is `auto` for `quality`, "as configured" elsewhere.

    `given` holds the known parameters as they were sent (decoded, first of each), so
    that a redirect can repeat them.
    """

    fit: Fit = Fit.CLIP
    gravity: Gravity = COMPASS["center"]
    quality: int | None = None
    blur: int = 0
    sharpen: int = 0
    rotate: int = 0
    flip: str = ""
    bg: Colour | None = None
    enlarge: bool | None = None
    animate: bool = True
    allow_webp: bool = False
    proxy: bool = False
    given: tuple[tuple[str, str], ...] = ()


_HEX = re.compile(r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def percent_decode(raw: str) -> str:
    """Decode once, as strict UTF-8; `+` stays a plus. Raises MalformedUrl.

    `raw` is text as the HTTP layer hands it over: one character a byte.
    """
    if "%" not in raw and raw.isascii():
        return raw
    if _BAD_ESCAPE.search(raw):
        raise errors.MalformedUrl("A percent sign in the URL is not followed by two hex digits.")
    try:
        return unquote_to_bytes(raw.encode("latin-1")).decode("utf-8")
    except UnicodeError:
        raise errors.MalformedUrl("The URL is not valid UTF-8 once decoded.") from None


def _bad(name: str, allowed: str) -> errors.BadParameter:
    return errors.BadParameter(f"The parameter `{name}` must be {allowed}.")


def _choice(name: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise _bad(name, "one of " + ", ".join(f"`{choice}`" for choice in allowed))
    return text


def _flag(name: str, text: str, rules: UrlRules) -> bool:
    return _choice(name, text, ("true", "false")) == "true"


def _tenths(text: str, low: int, high: int) -> int | None:
    """Ten times the decimal number in `text`, rounded; None when it is out of range.

    `low` and `high` are in tenths, too.
    """
    number = numbers.decimal(text)
    if number is None or not low / 10 <= number <= high / 10:
        return None
    return round(number * 10)


def _fit(name: str, text: str, rules: UrlRules) -> Fit:
    return Fit(_choice(name, text, tuple(Fit)))


def _gravity(name: str, text: str, rules: UrlRules) -> Gravity:
    if text in COMPASS:
        return COMPASS[text]
    x, y = (numbers.decimal(part) for part in text.partition(",")[::2])
    if x is not None and y is not None and x <= 1 and y <= 1:
        return Gravity(round(x * FAR_EDGE), round(y * FAR_EDGE))
    raise _bad(name, "a point of the compass, `center`, `smart`, or `x,y` with each from 0 to 1")


def _quality(name: str, text: str, rules: UrlRules) -> int | None:
    if text == "auto":
        return None
    level = numbers.at_most(text.removeprefix("-"), MAX_QUALITY)
    if level is None or (text.startswith("-") and level > 1):
        raise _bad(name, "`auto` or a whole number from 0 to 100")
    return None if text.startswith("-") and level == 1 else level


def _blur(name: str, text: str, rules: UrlRules) -> int:
    if text in ("true", "false"):
        return rules.blur if text == "true" else 0
    tenths = _tenths(text, *BLUR)
    if tenths is None:
        raise _bad(name, "`true`, `false` or a sigma from 0.3 to 100")
    return tenths


def _sharpen(name: str, text: str, rules: UrlRules) -> int:
    tenths = _tenths(text, 0, MAX_SHARPEN)
    if tenths is None:
        raise _bad(name, "a number from 0 to 10")
    return tenths


def _rotate(name: str, text: str, rules: UrlRules) -> int:
    return numbers.digits(_choice(name, text, ("0", "90", "180", "270")))


def _flip(name: str, text: str, rules: UrlRules) -> str:
    return _choice(name, text, ("h", "v", "hv"))


def _bg(name: str, text: str, rules: UrlRules) -> Colour:
    if text == "transparent":
        return TRANSPARENT
    if not _HEX.fullmatch(text):
        raise _bad(name, "`transparent` or a colour of 3, 6 or 8 hex digits")
    digits = "".join(c * 2 for c in text) if len(text) == 3 else text
    red, green, blue, alpha = bytes.fromhex(digits if len(digits) == 8 else digits + "ff")
    return red, green, blue, alpha


def _opaque(name: str, text: str, rules: UrlRules) -> None:
    """`sig` and `exp` belong to signing; here they are only repeated."""


_READERS: Mapping[str, Callable[[str, str, UrlRules], Any]] = {
    "fit": _fit,
    "gravity": _gravity,
    "quality": _quality,
    "blur": _blur,
    "sharpen": _sharpen,
    "rotate": _rotate,
    "flip": _flip,
    "bg": _bg,
    "enlarge": _flag,
    "animate": _flag,
    "allow_webp": _flag,
    "proxy": _flag,
    "sig": _opaque,
    "exp": _opaque,
}

KNOWN = (*_READERS, "preset")
"""Every parameter that a picture's URL may carry; all others are ignored."""


def read(query: str, rules: UrlRules) -> Parameters:
    """Read a raw query string.

    Unknown parameters are ignored, of a repeated one the first counts, and `preset`
    stands for its parameters at its place. Raises BadParameter naming the first that
    has a bad value, MalformedUrl for a bad escape in a known one.
    """
    if not query:
        return _NOTHING
    values: dict[str, Any] = {}
    given: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, raw = pair.partition("=")
        if name not in KNOWN or name in given:
            continue
        text = given[name] = percent_decode(raw)
        if name == "preset":
            if text not in rules.presets:
                raise _bad(name, "the name of a configured preset")
            for inner, value in rules.presets[text]:
                values.setdefault(inner, _READERS[inner](inner, value, rules))
        else:
            value = _READERS[name](name, text, rules)
            values.setdefault(name, value)
    values.pop("sig", None)
    values.pop("exp", None)
    return Parameters(**values, given=tuple(given.items()))


def check_presets(presets: Mapping[str, Mapping[str, str]], rules: UrlRules) -> None:
    """Raise BadParameter, naming the preset, for one that could never be used."""
    for preset, parameters in presets.items():
        for name, value in parameters.items():
            if name not in _READERS or name in ("sig", "exp"):
                raise errors.BadParameter(f"The preset `{preset}` has no parameter `{name}`.")
            try:
                _READERS[name](name, value, rules)
            except errors.BadParameter as error:
                raise errors.BadParameter(f"In preset `{preset}`: {error.public}") from None


_NOTHING = Parameters()
