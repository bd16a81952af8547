"""The files of the studio, read once: plain, compressed, and with their ETags."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

INDEX = "index.html"

_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
"""Media types by file extension; other files in the folder are not served."""

_COMMENT = re.compile(rb"^[ \t]*(?:/\*.*?\*/|//[^\n]*)", re.MULTILINE | re.DOTALL)
"""A comment that begins a line of a script or a style."""

_LOCK = b'data-lock=""'
_LOCKED = b'data-lock="secret"'
"""The attribute that makes the page ask for a secret before its first request."""


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes, and their SHA-256 in hex."""

    data: bytes
    etag: str

    @classmethod
    def of(cls, data: bytes) -> "Body":
        """Return the bytes with their hash."""
        return cls(data, hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its media type, its bytes, and the bytes compressed with gzip."""

    kind: str
    plain: Body
    packed: Body

    @classmethod
    def of(cls, kind: str, data: bytes) -> "Asset":
        """Return a file with its compressed bytes, which are the same each time."""
        return cls(kind, Body.of(data), Body.of(gzip.compress(data, 9, mtime=0)))


Assets = Mapping[str, Asset]
"""Name → file; no other file is served."""


def load(*, locked: bool) -> Assets:
    """Load every file of the page; with `locked` the page asks for a secret.

    Scripts and styles are served without the comments between their lines, whose numbers stay.

    Reads and compresses some hundred kilobytes: for the start, not for the event loop.
    """
    assets: dict[str, Asset] = {}
    for file in resources.files(__package__).iterdir():
        kind = _KINDS.get(file.name.rpartition(".")[2])
        if kind is None:
            continue
        data = file.read_bytes()
        if file.name == INDEX and locked:
            data = data.replace(_LOCK, _LOCKED)
        if file.name.endswith((".js", ".css")):
            data = _COMMENT.sub(lambda found: b"\n" * found[0].count(b"\n"), data)
        assets[file.name] = Asset.of(kind, data)
    return assets
