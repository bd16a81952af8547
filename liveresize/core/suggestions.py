"""What a client may have meant: usual names elsewhere for the parameters and values of here."""

import difflib
import re
from collections.abc import Iterable, Mapping

PARAMETERS: Mapping[str, str] = {
    "angle": "rotate",
    "area": "rect",
    "autocrop": "trim",
    "background": "bg",
    "background-color": "bg",
    "background_color": "bg",
    "bg-color": "bg",
    "bg_color": "bg",
    "bgcolor": "bg",
    "border-radius": "radius",
    "border_radius": "radius",
    "bri": "brightness",
    "ch": "rect",
    "color": "colour",
    "colorspace": "colour",
    "con": "contrast",
    "corner-radius": "radius",
    "corner_radius": "radius",
    "corners": "radius",
    "crop": "fit",
    "cw": "rect",
    "cx": "rect",
    "cy": "rect",
    "duotone": "tint",
    "expires": "exp",
    "extract": "rect",
    "focus": "gravity",
    "g": "gravity",
    "filesize": "max_bytes",
    "gray": "grey",
    "grayscale": "grey",
    "greyscale": "grey",
    "max-bytes": "max_bytes",
    "max_size": "max_bytes",
    "maxbytes": "max_bytes",
    "mb": "max_bytes",
    "mode": "fit",
    "or": "rotate",
    "orient": "rotate",
    "padding": "pad",
    "pd": "pad",
    "pixel": "pixelate",
    "position": "gravity",
    "q": "quality",
    "rectangle": "rect",
    "region": "rect",
    "resize": "fit",
    "rot": "rotate",
    "round": "radius",
    "round_corner": "radius",
    "round_corners": "radius",
    "rounded": "radius",
    "sat": "saturation",
    "sharp": "sharpen",
    "signature": "sig",
    "smart": "gravity",
    "threshold": "trim",
    "trim-tol": "trim",
    "upscale": "enlarge",
    "watermark": "overlay",
    "wm": "overlay",
}
"""Names of other services, and ours."""

IN_PATH = frozenset(
    {"auto", "dpr", "ext", "fm", "format", "h", "height", "output", "size", "type", "w", "width"}
)
"""Parameters of other services that are part of the path here."""

_PATH = "in the path: name_W_H.ext"

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

RECORD_FIELDS: Mapping[str, str] = {
    "claim": "claimed",
    "expires": "keep_until",
    "expires_at": "keep_until",
    "focal_point": "focus",
    "focus_point": "focus",
    "gravity": "focus",
    "hidden": "held",
    "hold": "held",
    "metadata": "meta",
    "public": "held",
    "quarantined": "held",
    "tags": "meta",
}
"""Usual names for the fields of `PATCH /{name}`, and ours."""

_FLAGS = {
    **dict.fromkeys(("1", "yes", "on", "true", "y"), "true"),
    **dict.fromkeys(("0", "no", "off", "false", "n"), "false"),
}

_COMPASS = {
    "c": "center",
    "ce": "center",
    "centre": "center",
    "e": "east",
    "ea": "east",
    "middle": "center",
    "n": "north",
    "ne": "northeast",
    "no": "north",
    "nw": "northwest",
    "s": "south",
    "se": "southeast",
    "so": "south",
    "sw": "southwest",
    "w": "west",
    "we": "west",
}
_SIDES = {"top": "north", "bottom": "south", "left": "west", "right": "east"}
_CORNERS = {
    frozenset(pair): _SIDES[pair[0]] + _SIDES[pair[1]]
    for pair in (("top", "left"), ("top", "right"), ("bottom", "left"), ("bottom", "right"))
}
"""Directions of other services and of CSS, and ours."""

VALUES: Mapping[str, Mapping[str, str]] = {
    "fit": {
        "bounds": "clip",
        "contain": "clip",
        "fillmax": "canvas",
        "fit": "clip",
        "force": "fill",
        "inside": "clip",
        "lfill": "crop",
        "limit": "clip",
        "lpad": "canvas",
        "max": "clip",
        "min": "cover",
        "outside": "cover",
        "pad": "canvas",
        "scale-down": "clip",
        "stretch": "fill",
        "thumb": "crop",
    },
    "gravity": {
        **dict.fromkeys(("attention", "entropy", "face", "faces", "sm"), "smart"),
        "focus": "auto",
        **_COMPASS,
        **_SIDES,
    },
    "bg": {
        "black": "000000",
        "blue": "0000ff",
        "blurred": "blur",
        "brown": "a52a2a",
        "gray": "808080",
        "green": "008000",
        "grey": "808080",
        "navy": "000080",
        "none": "transparent",
        "orange": "ffa500",
        "pink": "ffc0cb",
        "purple": "800080",
        "red": "ff0000",
        "silver": "c0c0c0",
        "white": "ffffff",
        "yellow": "ffff00",
    },
    "flip": {
        "both": "hv",
        "horizontal": "h",
        "true": "h",
        "vertical": "v",
        "vh": "hv",
        "x": "h",
        "xy": "hv",
        "y": "v",
    },
    "radius": {"50%": "max", "circle": "max", "full": "max", "none": "0"},
    "pad": {"none": "0"},
    "hdr": {**dict.fromkeys(("1", "true", "yes", "on"), "keep"), "false": "none", "off": "none"},
    "colour": dict.fromkeys(("display-p3", "displayp3", "dci-p3", "wide"), "p3") | {"rgb": "srgb"},
    "quality": {"best": "100", "default": "auto", "lossless": "100", "max": "100"},
    "sharpen": dict.fromkeys(("true", "yes", "on"), "1"),
    "rotate": {"-180": "180", "-270": "90", "-90": "270", "360": "0", "left": "270", "right": "90"},
    "trim": {
        **dict.fromkeys(("alpha", "auto", "border", "color", "colour", "top-left"), "true"),
        **dict.fromkeys(("yes", "on", "y"), "true"),
        **dict.fromkeys(("no", "off", "none", "n"), "false"),
    },
    **dict.fromkeys(("allow_webp", "animate", "blur", "enlarge", "grey", "proxy"), _FLAGS),
}
"""Values of other services and of CSS by our parameters, and ours. `cover` of CSS is `crop` here,
and a value of its own."""

_COLOUR = re.compile(r"(?:#|0x|rgb:)?([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_PIXELS = {
    "radius": re.compile(r"[0-9]{1,4}px"),
    "pad": re.compile(r"[0-9]{1,4}(?:px)?(?:[ ,]+[0-9]{1,4}(?:px)?){0,3}"),
}
_PERCENT = re.compile(r"[0-9]{1,3}%")
_LENGTH = r"((?:[0-9]{1,9}|[0-9]?\.[0-9]{1,9})%?)(?:px)?"
_LENGTHS = re.compile(rf"\(?{r'[,:;x| ]+'.join([_LENGTH] * 4)}\)?")
_CORNER = re.compile(r"(top|bottom|left|right)[-_, ]?(top|bottom|left|right)")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")

MOST = 5
"""Unknown parameters or fields that a response names."""


def value(name: str, text: str, allowed: Iterable[object] = ()) -> str:
    """Return the value of the parameter `name` that `text` may stand for; empty if none is near.

    `allowed` are the words that the parameter takes.
    """
    word = text.strip().lower()
    usual = VALUES.get(name, {}).get(word) or _respelled(name, word)
    if usual is not None:
        return usual
    return _nearest(word[:32], [str(each) for each in allowed], 0.6)


def _respelled(name: str, word: str) -> str | None:
    """Return a value that is right but for its spelling: `#fff`, `80%`, `top-left`, `1 2 3 4`."""
    if name == "bg" and (colour := _COLOUR.fullmatch(word)):
        digits = colour[1]
        return "".join(2 * digit for digit in digits) if len(digits) == 4 else digits
    if name in _PIXELS and _PIXELS[name].fullmatch(word):
        return ",".join(re.findall("[0-9]+", word))
    if name == "quality" and _PERCENT.fullmatch(word):
        return word[:-1]
    if name == "rect" and (lengths := _LENGTHS.fullmatch(word)):
        return ",".join(f"0{each}" if each.startswith(".") else each for each in lengths.groups())
    if name == "gravity" and (corner := _CORNER.fullmatch(word)):
        return _CORNERS.get(frozenset(corner.groups()))
    return None


def ignored(
    names: Iterable[str], known: Iterable[str], usual: Mapping[str, str] = PARAMETERS
) -> list[str]:
    """Describe unknown parameters or fields: `fti (did you mean fit?)`, at most five.

    Names of other characters than letters, digits, `_` and `-` are left out.
    """
    safe = [name for name in dict.fromkeys(names) if _NAME.fullmatch(name)]
    return [_described(name, known, usual) for name in safe[:MOST]]


def _described(name: str, known: Iterable[str], usual: Mapping[str, str]) -> str:
    lower = name.lower()
    elsewhere = IN_PATH if usual is PARAMETERS else ()
    if lower in elsewhere:
        return f"{name} ({_PATH})"
    near = usual.get(lower) or _nearest(lower, known, 0.6)
    if not near:
        mistyped = _nearest(lower, (*usual, *elsewhere), 0.8)
        if mistyped in elsewhere:
            return f"{name} ({_PATH})"
        near = usual.get(mistyped, "")
    return f"{name} (did you mean {near}?)" if near else name


def _nearest(word: str, words: Iterable[str], likeness: float) -> str:
    """Return the word most like another, if it is at least so much like it; otherwise empty."""
    return next(iter(difflib.get_close_matches(word, list(words), 1, likeness)), "")
