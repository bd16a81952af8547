"""Names of pictures: what may stand in a URL, and what may be taken as an id."""

import re
import unicodedata
from dataclasses import dataclass, field

from liveresize import errors

MAX_BYTES = 255
"""A name is one path component on disk, and file systems end there."""

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
"""What the end of a URL means something by, so that no id may end in it."""

RENDITION = re.compile(
    r"(?P<name>.+)_(?P<width>[0-9]{1,9})_(?P<height>[0-9]{1,9})"
    r"(?:_(?P<density>[0-9]{1,3})x)?\.(?P<extension>[A-Za-z0-9]+)",
    re.DOTALL,
)
"""A single path segment is a rendition if all of it matches (name greedy)."""

FORBIDDEN = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]")
"""A character that no name has."""


@dataclass(frozen=True, slots=True)
class ImageId:
    """Which picture: a name, in a bucket for vip (`""` is the main namespace)."""

    name: str
    bucket: str = ""
    key: str = field(init=False, compare=False, repr=False)
    """`bucket/name`, or the bare name in the main namespace; one key, one picture."""

    def __post_init__(self) -> None:
        key = f"{self.bucket}/{self.name}" if self.bucket else self.name
        object.__setattr__(self, "key", key)


def check_name(name: str) -> str:
    """Return `name` if it can name a picture; raise MalformedUrl where it cannot."""
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
    """Return `value` if a token may be issued for it as an id.

    Raises InvalidId for what is no name, what is not NFC, what a URL would read as
    something else (a rendition, an extension, a leading `_`) and what is reserved.
    """
    if not isinstance(value, str) or not value:
        raise errors.InvalidId("The field `id` must be a string that is not empty.")
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


def split_suffix(segment: str) -> tuple[str, str]:
    """`cat.jpg` → `("cat", "jpg")` where the suffix is one we know, else `(segment, "")`.

    The suffix comes back in lower case.
    """
    stem, dot, suffix = segment.rpartition(".")
    if dot and stem and suffix.lower() in SUFFIXES:
        return stem, suffix.lower()
    return segment, ""


def printable(name: str) -> str:
    """A name that any terminal takes: a file name need not be text, nor be of one line."""
    plain = name.encode("utf-8", "backslashreplace").decode()
    return plain if plain.isprintable() else ascii(plain)
