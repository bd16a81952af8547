"""The entries of `overlays`, and `constraints.overlay_above`."""

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

NAME = re.compile("(?=.{1,32}$)[a-z0-9]+(?:-[a-z0-9]+)*")
"""What the name of an overlay looks like; `core.overlay` has the same."""

GRAVITIES = (
    *("center", "north", "south", "east", "west"),
    *("northeast", "northwest", "southeast", "southwest"),
)

WIDEST = 65_535
"""The largest `width` of `overlay_above`, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One of `overlays`. `scale` and `margin` are fractions of the width of the result."""

    picture: str
    gravity: str = "southeast"
    scale: float = 0.25
    opacity: float = 1.0
    margin: float = 0.02
    tile: bool = False


def _between(least: float, most: float) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and least <= value <= most
    )


_CHECKS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "picture": (
        "the id of an image of this server",
        lambda value: isinstance(value, str) and 0 < len(value.encode()) <= 200,
    ),
    "gravity": ("one of " + ", ".join(GRAVITIES), lambda value: value in GRAVITIES),
    "scale": ("a fraction of the width, from 0.01 to 1", _between(0.01, 1)),
    "opacity": ("a number from 0.01 to 1", _between(0.01, 1)),
    "margin": ("a fraction of the width, from 0 to 0.5", _between(0, 0.5)),
    "tile": ("true or false", lambda value: isinstance(value, bool)),
}
"""The fields of an entry: what each must be, and the check."""


def entries(overlays: Mapping[str, Mapping[str, object]]) -> dict[str, Entry]:
    """Return all overlays. Raises ValueError, which says what is wrong with one of them."""
    return {name: _entry(name, given) for name, given in overlays.items()}


def _entry(name: str, given: Mapping[str, object]) -> Entry:
    if not NAME.fullmatch(name):
        raise ValueError(
            f"`{name[:40]}` is no name of an overlay: use a-z, 0-9 and `-` between them, at most "
            "32 characters"
        )
    known = [each.name for each in fields(Entry)]
    for field in given:
        if field not in known:
            raise ValueError(f"`{name}` has `{field}`, which is not known{_near(field, known)}")
    if "picture" not in given:
        raise ValueError(f"`{name}` has no `picture`, which is {_CHECKS['picture'][0]}")
    for field, value in given.items():
        allowed, check = _CHECKS[field]
        if not check(value):
            near = _near(value, GRAVITIES) if field == "gravity" else ""
            raise ValueError(f"`{field}` of `{name}` must be {allowed}{near}")
    return Entry(**given)  # type: ignore[arg-type]


def above(given: Mapping[str, object] | None, names: Mapping[str, object]) -> tuple[int, str]:
    """Return width and name of `overlay_above`, (0, "") for none; `names` are those of overlays.

    Raises ValueError, which says what is wrong with it.
    """
    if given is None:
        return 0, ""
    for field in given:
        if field not in ("width", "overlay"):
            near = _near(field, ["width", "overlay"])
            raise ValueError(f"it has `{field}`, which is not known{near}")
    width, name = given.get("width"), given.get("overlay")
    if not isinstance(width, int) or isinstance(width, bool) or not 1 <= width <= WIDEST:
        raise ValueError(f"`width` must be a whole number from 1 to {WIDEST}")
    if not isinstance(name, str) or name not in names:
        raise ValueError(f"`overlay` must be a name of `overlays`{_near(name, list(names))}")
    return width, name


def _near(word: object, words: list[str] | tuple[str, ...]) -> str:
    near = difflib.get_close_matches(str(word)[:40].lower(), words, 1, 0.6)
    return f" (did you mean `{near[0]}`?)" if near else ""
