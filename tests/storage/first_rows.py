"""What a database of the first release holds: every table, as that release wrote it.

Written out as raw SQL on purpose: today's schema and today's code must not have a say in
what was stored then.
"""

import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from liveresize.core import tokens
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original

NOW = time.time()

TOKEN, SPENT = tokens.new_token(), tokens.new_token()
RECEIPT = '{"status": "OK", "id": "cät"}'

_PLAIN_TOKEN: dict[str, Any] = {
    "bucket": "",
    "state": "issued",
    "issued_at": NOW - 10.0,
    "expires_at": NOW + 86_400.0,
    "lease_until": None,
    "nonce": None,
    "max_bytes": 0,
    "formats": "",
    "overwrite": False,
    "received_sha256": None,
    "receipt": None,
}

_SPENT: dict[str, Any] = {
    "state": "done",
    "nonce": "6" * 32,
    "lease_until": NOW - 5.0,
    "received_sha256": "7" * 64,
    "receipt": RECEIPT,
    "overwrite": True,
}

TOKENS: list[dict[str, Any]] = [
    {**_PLAIN_TOKEN, "name": "dog", "digest": tokens.digest(TOKEN), "formats": "jpeg,png"},
    {**_PLAIN_TOKEN, **_SPENT, "name": "cät", "digest": tokens.digest(SPENT)},
    {**_PLAIN_TOKEN, "name": "cow", "digest": "1" * 64, "state": "uploading", "nonce": "2" * 32,
     "lease_until": NOW + 86_400.0, "max_bytes": 1 << 40},
    {**_PLAIN_TOKEN, "name": "hen", "digest": "3" * 64, "state": "failed", "nonce": "4" * 32,
     "lease_until": NOW - 60.0},
]  # fmt: skip

_PLAIN_ORIGINAL: dict[str, Any] = {
    "bucket": "",
    "format": "jpeg",
    "width": 4000,
    "height": 3000,
    "bytes": 1 << 33,
    "sha256": "a" * 64,
    "frames": 1,
    "has_alpha": False,
    "clean": True,
    "dominant_color": "#aabbcc",
    "thumbhash": "3OcRJYB4d3h/iIeHeEh3eIhw+j3A",
    "uploaded_at": 1_600_000_000.125,
    "mirrored_at": None,
}

ORIGINALS: list[dict[str, Any]] = [
    {**_PLAIN_ORIGINAL, "name": "cät", "generation": "0" * 28},
    {**_PLAIN_ORIGINAL, "name": "Cät", "generation": "0" * 27 + "1", "format": "gif", "frames": 12,
     "has_alpha": True, "clean": False, "bytes": 0, "dominant_color": "", "thumbhash": ""},
    {**_PLAIN_ORIGINAL, "name": "é" * 127, "generation": "9" * 28, "mirrored_at": 1_600_000_001.5},
    {**_PLAIN_ORIGINAL, "name": "cät", "bucket": "pets", "generation": "f" * 28},
]  # fmt: skip

_PLAIN_RENDITION: dict[str, Any] = {
    "generation": "0" * 28,
    "mime": "image/jpeg",
    "etag": "e" * 64,
    "size": 40_000,
    "engine": "1.2",
    "rendered_at": 1_600_000_100.25,
    "used_at": 1_600_000_200.0,
    "purged_at": None,
}

RENDITIONS: list[dict[str, Any]] = [
    {**_PLAIN_RENDITION, "variant": "100x0-jpeg-q82", "key": "cät/0/100x0-jpeg-q82.jpg"},
    {**_PLAIN_RENDITION, "variant": "0x90-webp", "key": "cät/0/0x90-webp.webp",
     "mime": "image/webp", "size": 1 << 34},
    {**_PLAIN_RENDITION, "variant": "5x5-png", "key": "cät/0/5x5-png.png", "mime": "image/png",
     "purged_at": 1_600_000_300.0},
    {**_PLAIN_RENDITION, "generation": "f" * 28, "variant": "1x1-jpeg", "key": "pets/cät/f/1.jpg"},
]  # fmt: skip

PURGES: list[dict[str, Any]] = [
    {"bucket": "", "name": "cow", "generation": "c" * 28, "variant": "", "at": NOW - 100.0},
    {"bucket": "pets", "name": "cät", "generation": "f" * 28, "variant": "2x2-png", "at": NOW},
]

TABLES: Mapping[str, list[dict[str, Any]]] = {
    "upload_tokens": TOKENS,
    "originals": ORIGINALS,
    "renditions": RENDITIONS,
    "purges": PURGES,
}
"""In an order in which they can be filled."""


def fill(connection: sa.Connection) -> None:
    """Store all of it in the tables of revision 0001; purges get their serials there."""
    for table, rows in TABLES.items():
        for row in rows:
            names, values = ", ".join(row), ", ".join(f":{column}" for column in row)
            connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)


def original(row: Mapping[str, Any]) -> Original:
    """What the index is to say of that row."""
    facts = {name: row[name] for name in row if name not in ("bucket", "name", "mirrored_at")}
    return Original(image=ImageId(row["name"], row["bucket"]), **facts)


def link(row: Mapping[str, Any]) -> Link:
    """What the index is to say of that row."""
    of = next(one for one in ORIGINALS if one["generation"] == row["generation"])
    facts = {name: row[name] for name in row if name not in ("used_at", "purged_at")}
    return Link(image=ImageId(of["name"], of["bucket"]), **facts)
