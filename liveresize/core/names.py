"""Names of pictures: valid names in URLs, and valid ids of uploads."""

import re
import unicodedata
from dataclasses import dataclass, field

from liveresize import errors

MAX_BYTES = 255
"""A name is one path component on disk; file systems allow no more bytes."""

RESERVED = frozenset(
    {
        "token",
        "purge",
        "ping",
        "upload",
        "robots",
        "robots.txt",
        "favicon",
        "favicon.ico",
        "openapi",
    }
)

SUFFIXES = frozenset({"jpg", "jpeg", "jfif", "jpe", "png", "webp", "avif", "gif", "json", "auto"})
"""Suffixes with a meaning in URLs; no id may end with one of them."""

RENDITION = re.compile(
    r"(?P<name>.+)_(?P<width>[0-9]{1,9})_(?P<height>[0-9]{1,9})"
    r"(?:_(?P<density>[0-9]{1,3}(?:\.[0-9]{1,99})?)(?P<x>[xX]))?\.(?P<extension>[A-Za-z0-9]+)",
    re.DOTALL,
)
"""A single path segment is a rendition if all of it matches (name greedy)."""

FORBIDDEN = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]")
"""A character that no name has."""


@dataclass(frozen=True, slots=True)
class ImageId:
    """The identity of a picture: a name, and for vip a bucket (`""` is the main namespace)."""

    name: str
    bucket: str = ""
    key: str = field(init=False, compare=False, repr=False)
    """`bucket/name`, or the name alone in the main namespace; unique for each picture."""

    def __post_init__(self) -> None:
        key = f"{self.bucket}/{self.name}" if self.bucket else self.name
        object.__setattr__(self, "key", key)


def check_name(name: str) -> str:
    """Return `name` if it is a valid name of a picture. Raises MalformedUrl if it is not."""
    if name in ("", ".", ".."):
        raise errors.MalformedUrl("The name of the picture is empty or a dot.")
    if FORBIDDEN.search(name):
        raise errors.MalformedUrl(
            "The name of the picture holds a slash, a backslash or a control character."
        )
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise errors.MalformedUrl("The name of the picture is not valid UTF-8.") from None
    if size > MAX_BYTES:
        raise errors.MalformedUrl(f"The name of the picture is longer than {MAX_BYTES} bytes.")
    return name


def check_id(value: object) -> str:
    """Return `value` if a token may be issued for it as an id; a whole number as decimal text.

    Raises InvalidId if it is not a valid name, is not NFC, is reserved, or has another meaning
    in a URL (a rendition, an extension, a leading `_`).
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise errors.InvalidId(
            "The field `id` must be a string that is not empty, or a whole number."
        )
    try:
        check_name(value)
    except errors.MalformedUrl as error:
        raise errors.InvalidId(error.public) from None
    if not unicodedata.is_normalized("NFC", value):
        raise errors.InvalidId("The id must be in Unicode normalisation form NFC.")
    if value.startswith("_"):
        raise errors.InvalidId("An id must not start with an underscore.")
    if value.lower() in RESERVED:
        raise errors.InvalidId(f"The id `{value.lower()}` is reserved.")
    _, dot, suffix = value.rpartition(".")
    if dot and suffix.lower() in SUFFIXES:
        raise errors.InvalidId(f"An id must not end in `.{suffix.lower()}`.")
    if RENDITION.fullmatch(value) or RENDITION.fullmatch(f"{value}.jpg"):
        raise errors.InvalidId("The id would be read as the size of a rendition.")
    return value


_LONGEST_SUGGESTION = 60
"""Characters of a suggested id; each has at most four bytes, and a name has 255."""

_LAST_SUFFIX = re.compile(rf"\.({'|'.join(sorted(SUFFIXES))})$", re.IGNORECASE)


def suggested_id(file_name: str) -> str:
    """Return an id for the file of that name: its stem, as far as an id may have it.

    What is neither a letter, a digit, a dot, a hyphen nor an underscore becomes a hyphen. The
    studio suggests the same ids.
    """
    stem = re.sub(r"\.[^.]+$", "", unicodedata.normalize("NFC", file_name))
    name = re.sub(r"[^\w.-]+", "-", stem)
    name = re.sub(r"^[-_.]+|[-.]+$", "", name)[:_LONGEST_SUGGESTION]
    while _LAST_SUFFIX.search(name):
        name = _LAST_SUFFIX.sub(r"-\1", name)
    if RENDITION.fullmatch(f"{name}.jpg"):
        name = re.sub(r"_(?=[0-9_xX.]+$)", "-", name)
    return f"picture-{name or '1'}" if not name or name.lower() in RESERVED else name


def id_of_file(file_name: str) -> str:
    """Return the stem of a file name if it is a valid id, otherwise `suggested_id`."""
    stem = file_name.rpartition(".")[0] or file_name
    try:
        return check_id(stem)
    except errors.InvalidId:
        return suggested_id(file_name)


LATER = "jxl"
"""A suffix with a meaning where the settings say so. Ids may end with it."""


def split_suffix(segment: str, *, jxl: bool = False) -> tuple[str, str]:
    """Split off a known suffix: `cat.jpg` → `("cat", "jpg")`, otherwise `(segment, "")`.

    With `jxl`, that is one, too. The suffix is returned in lower case.
    """
    stem, dot, suffix = segment.rpartition(".")
    if dot and stem and (suffix.lower() in SUFFIXES or (jxl and suffix.lower() == LATER)):
        return stem, suffix.lower()
    return segment, ""


def printable(name: str) -> str:
    """Return the name in printable characters: file names may hold any bytes and line breaks."""
    plain = name.encode("utf-8", "backslashreplace").decode()
    return plain if plain.isprintable() else ascii(plain)
