"""The files of the studio, read once, each ready to be sent: plain, packed, with its ETags."""

import gzip
import hashlib
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
"""What is served, by the end of its name; all else in the folder is nobody's business."""

_LOCK = b'data-lock=""'
_LOCKED = b'data-lock="secret"'
"""How the page knows that it must ask for a secret: else it would have to be refused first."""


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes, and the SHA-256 of them in hex."""

    data: bytes
    etag: str

    @classmethod
    def of(cls, data: bytes) -> "Body":
        """Bytes with their hash."""
        return cls(data, hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its media type, its bytes as they are, and packed with gzip."""

    kind: str
    plain: Body
    packed: Body

    @classmethod
    def of(cls, kind: str, data: bytes) -> "Asset":
        """A file with what is sent of it; the same bytes are packed the same each time."""
        return cls(kind, Body.of(data), Body.of(gzip.compress(data, 9, mtime=0)))


Assets = Mapping[str, Asset]
"""Name → file; nothing that is not in here is ever read."""


def load(*, locked: bool) -> Assets:
    """Every file of the page; `locked` tells it to ask for a secret.

    Reads and packs some fifty kilobytes, which is for the start and not for the loop.
    """
    assets: dict[str, Asset] = {}
    for file in resources.files(__package__).iterdir():
        kind = _KINDS.get(file.name.rpartition(".")[2])
        if kind is None:
            continue
        data = file.read_bytes()
        if file.name == INDEX and locked:
            data = data.replace(_LOCK, _LOCKED)
        assets[file.name] = Asset.of(kind, data)
    return assets
