"""What a client may have meant: usual names elsewhere for the parameters and values of here."""

import difflib
import re
from collections.abc import Iterable, Mapping

PARAMETERS: Mapping[str, str] = {
    "angle": "rotate",
    "background": "bg",
    "bgcolor": "bg",
    "expires": "exp",
    "g": "gravity",
    "gray": "grey",
    "grayscale": "grey",
    "greyscale": "grey",
    "mode": "fit",
    "or": "rotate",
    "orient": "rotate",
    "position": "gravity",
    "q": "quality",
    "resize": "fit",
    "rot": "rotate",
    "sharp": "sharpen",
    "signature": "sig",
    "upscale": "enlarge",
}
"""Names of other services, and ours."""

TOKEN_FIELDS: Mapping[str, str] = {
    "expires": "expires_in",
    "expiry": "expires_in",
    "filename": "id",
    "force": "overwrite",
    "format": "formats",
    "key": "id",
    "lifetime": "expires_in",
    "max_age": "expires_in",
    "max_size": "max_bytes",
    "name": "id",
    "password": "secret",
    "replace": "overwrite",
    "size": "max_bytes",
    "ttl": "expires_in",
    "types": "formats",
    "upsert": "overwrite",
}
"""Usual names for the fields of `POST /token`, and ours."""

_FLAGS = {"1": "true", "yes": "true", "on": "true", "0": "false", "no": "false", "off": "false"}

VALUES: Mapping[str, Mapping[str, str]] = {
    "fit": {
        "bounds": "clip",
        "contain": "clip",
        "fill": "crop",
        "inside": "clip",
        "limit": "clip",
        "max": "clip",
        "min": "cover",
        "outside": "cover",
        "pad": "canvas",
        "scale-down": "clip",
        "thumb": "crop",
    },
    "gravity": {
        "attention": "smart",
        "focus": "auto",
        "bottom": "south",
        "centre": "center",
        "entropy": "smart",
        "face": "smart",
        "faces": "smart",
        "left": "west",
        "middle": "center",
        "right": "east",
        "top": "north",
    },
    "bg": {
        "black": "000000",
        "blue": "0000ff",
        "gray": "808080",
        "green": "008000",
        "grey": "808080",
        "none": "transparent",
        "red": "ff0000",
        "white": "ffffff",
        "yellow": "ffff00",
    },
    "flip": {"both": "hv", "horizontal": "h", "true": "h", "vertical": "v", "x": "h", "y": "v"},
    "rotate": {"-180": "180", "-270": "90", "-90": "270", "360": "0", "left": "270", "right": "90"},
    **dict.fromkeys(("allow_webp", "animate", "blur", "enlarge", "grey", "proxy"), _FLAGS),
}
"""Values of other services and of CSS by our parameters, and ours. `cover` of CSS is `crop` here,
and a value of its own."""

_HASH = re.compile(r"#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")

MOST = 5
"""Unknown parameters or fields that a response names."""


def value(name: str, text: str, allowed: Iterable[object] = ()) -> str:
    """Return the value of the parameter `name` that `text` may stand for; empty if none is near.

    `allowed` are the words that the parameter takes.
    """
    word = text.strip().lower()
    if name == "bg" and _HASH.fullmatch(word):
        return word[1:]
    usual = VALUES.get(name, {}).get(word)
    if usual is not None:
        return usual
    words = [str(each) for each in allowed]
    return next(iter(difflib.get_close_matches(word[:32], words, 1, 0.6)), "")


def ignored(
    names: Iterable[str], known: Iterable[str], usual: Mapping[str, str] = PARAMETERS
) -> list[str]:
    """Describe unknown parameters or fields: `fti (did you mean fit?)`, at most five.

    Names of other characters than letters, digits, `_` and `-` are left out.
    """
    safe = [name for name in dict.fromkeys(names) if _NAME.fullmatch(name)]
    return [_described(name, known, usual) for name in safe[:MOST]]


def _described(name: str, known: Iterable[str], usual: Mapping[str, str]) -> str:
    near = usual.get(name.lower()) or next(
        iter(difflib.get_close_matches(name.lower(), list(known), 1, 0.6)), ""
    )
    return f"{name} (did you mean {near}?)" if near else name
