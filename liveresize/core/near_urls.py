"""What the URL of a picture may have meant: sizes and extensions as other services write them."""

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from liveresize import errors
from liveresize.core import formats, names, numbers, parameters
from liveresize.core.names import ImageId
from liveresize.core.urls import MAX_DENSITY

MOST = 2
"""Candidates for one URL: each is a question to the index."""

LONGEST = 200
"""Characters of the longest path that is suggested."""

_LONGEST_READ = 1000
"""Characters of the longest path that is looked into."""

_SIDE = r"-?[0-9]{1,9}"
_FACTOR = r"[0-9]{1,2}(?:\.[0-9]{1,3})?"
_DENSITY = rf"(?:[_@-](?P<density>{_FACTOR})x|@(?P<at>{_FACTOR}))?"

_BOX = re.compile(
    rf"w?(?P<width>{_SIDE}|auto)?(?:px|w)?[_x×*,-]h?(?P<height>{_SIDE}|auto)?(?:px|h)?"
    rf"(?:[_@-](?P<density>{_FACTOR})x?)?",
    re.IGNORECASE,
)
_WIDTH = re.compile(rf"w?(?P<width>{_SIDE})(?:px|w)?{_DENSITY}", re.IGNORECASE)
_HEIGHT = re.compile(rf"(?:h(?P<h>{_SIDE})(?:px)?|(?P<height>{_SIDE})h){_DENSITY}", re.IGNORECASE)

_LEAST = 16
"""Pixels of a number that is a width by itself: `cat-3` is a name."""

_SEPARATOR = re.compile("[_.-]")
_SEPARATORS = 4
"""Separators that may begin a size, counted from the end."""

_SCALE = re.compile(r"(?P<name>.+)[@_-][0-9]{1,2}(?:\.[0-9]{1,3})?x", re.IGNORECASE | re.DOTALL)
"""A name with a density and no size: `cat@2x`."""

_QUERY = re.compile(r"\?|[&;](?=[A-Za-z_]+=)")
"""What was meant to begin the query, or is between parameters there."""

_EXTENSION = re.compile(r"[A-Za-z][A-Za-z0-9]{1,4}")
"""What looks like an extension, even if it is none that we know."""

_OFFERED = ("jpg", "jpeg", "png", "webp", "avif", "gif")


@dataclass(frozen=True, slots=True)
class NearUrl:
    """The URL of a picture, if there is one called `image`.

    `wrong_extension` is the only mistake, if it is one.
    """

    image: ImageId
    path: str
    wrong_extension: str = ""


def candidates(path: str, asked: Collection[str] = (), *, jxl: bool = False) -> tuple[NearUrl, ...]:
    """Return what a raw path may have meant, likeliest first, at most `MOST`.

    Names in `asked` are left out: the index has no picture of that name. `jxl` says whether URLs
    can end in `.jxl`.
    """
    if len(path) > _LONGEST_READ:
        return ()
    try:
        raw, moved = _segment(path[1:])
        segment = parameters.percent_decode(raw)
    except errors.MalformedUrl:
        return ()
    found: dict[str, NearUrl] = {}
    for near in _readings(segment, moved=moved, jxl=jxl):
        name = near.image.name
        if name not in found and name not in asked and _is_name(name) and len(near.path) <= LONGEST:
            found[name] = near
        if len(found) == MOST:
            break
    return tuple(found.values())


def _segment(path: str) -> tuple[str, bool]:
    """Return the segment that a raw path may stand for, and whether a folder was in front of it.

    `cat/400x300.jpg` and `400x300/cat.jpg` have a size there, `photos/cat.jpg` has a folder.
    """
    first, slash, last = path.partition("/")
    stem, dot, extension = last.rpartition(".")
    if slash and _size(stem or last) is not None:
        return f"{first}_{last}", False
    if slash and _size(first) is not None:
        return f"{stem or last}_{first}{dot}{extension if stem else ''}", False
    return (last, True) if slash else (path, False)


def _readings(segment: str, *, moved: bool, jxl: bool) -> Iterator[NearUrl]:
    """Yield the ways to read a segment: as an original, then with less and less of it as size.

    `moved`: there was a folder in front of it, which is a mistake by itself.
    """
    segment, *query = _QUERY.split(segment, maxsplit=1)
    stem, dot, extension = segment.rpartition(".")
    if not (dot and stem and _EXTENSION.fullmatch(extension)):
        stem, extension = segment, ""
    output = _output(extension, jxl=jxl)
    inner, suffix = names.split_suffix(stem)
    wrong = extension if extension and output != extension.lower() else ""
    if wrong or suffix or query or moved:
        yield _near(inner, "", output, "" if suffix else wrong)
    output = "jpg" if output == "json" else output
    places = [match.start() for match in _SEPARATOR.finditer(inner)][-_SEPARATORS:]
    for place in places:
        size = _size(inner[place + 1 :])
        if size is not None:
            yield _near(names.split_suffix(inner[:place])[0], size, output)
    if scale := _SCALE.fullmatch(inner):
        yield _near(scale["name"], "", output)


def _near(name: str, size: str, output: str, wrong: str = "") -> NearUrl:
    return NearUrl(ImageId(name), f"/{quote(name, safe='')}{size}.{output}", wrong)


def _output(extension: str, *, jxl: bool) -> str:
    """Return the extension that may have been meant; JPEG if none is near."""
    lower = extension.lower()
    if lower in formats.extensions(jxl=jxl) or lower in ("auto", "json"):
        return lower
    return next(iter(difflib.get_close_matches(lower, _OFFERED, 1, 0.7)), "jpg")


def _size(text: str) -> str | None:
    """Return a size as URLs have it, `_400_300_2x`; empty for the picture's own, None if it is
    none."""
    match = _WIDTH.fullmatch(text) or _HEIGHT.fullmatch(text) or _BOX.fullmatch(text)
    if match is None:
        return None
    groups = match.groupdict()
    sides = groups.get("width"), groups.get("height") or groups.get("h")
    if not any(sides):
        return None
    width, height = (_pixels(side) for side in sides)
    if not all(sides) and 0 < max(width, height) < _LEAST:
        return None
    if not (width or height):
        return ""
    density = groups["density"] or groups.get("at") or ""
    if (numbers.decimal(density) or 0) > MAX_DENSITY:
        density = str(MAX_DENSITY)
    return f"_{width}_{height}" + (f"_{density}x" if density else "")


def _pixels(side: str | None) -> int:
    """Return a side in pixels; 0, which is calculated, for none, `auto` and what is below 0."""
    return numbers.digits(side) if side and side.isdecimal() else 0


def _is_name(name: str) -> bool:
    """Whether a picture can have that name, and is not sooner a size of another."""
    try:
        names.check_name(name)
    except errors.MalformedUrl:
        return False
    if name[0] == "_" or name[-1] in "_.-":
        return False
    return not names.RENDITION.fullmatch(f"{name}.jpg")
