"""A server that answers for buckets, and what the tests of vip's routes ask of it."""

import contextlib
import dataclasses
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from . import pictures, servers

TOKEN = "lalala token"
BUCKET = "pics"
ORIGIN = "https://app.example.test"
BEARER = {"Authorization": f"Bearer {servers.ADMIN}"}

OPEN: dict[str, object] = {
    "vip__buckets": [BUCKET, "other"],
    "vip__token": TOKEN,
    "vip__allowed_origins": ["localhost", "*.example.test"],
}
"""How most of these servers are set up."""


class Gallery(servers.Running):
    """A server in this process with the routes of vip."""

    def __init__(self, folder: Path, **keys: object) -> None:
        super().__init__(folder, **{**OPEN, **keys})

    def send(
        self, data: Any, bucket: str = BUCKET, token: str = TOKEN, **headers: str
    ) -> httpx.Response:
        """The answer to an upload; `_` in names of headers stands for `-`."""
        return send(self.client, data, bucket, token, **headers)

    def put(self, data: bytes, bucket: str = BUCKET, **headers: str) -> str:
        """Upload `data`; returns its address, `/bucket/id`."""
        return address(self.send(data, bucket, **headers))

    def get(self, target: str, **headers: str) -> httpx.Response:
        """The answer to a GET."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(target, headers=named)

    @contextlib.contextmanager
    def entered(self, **changes: Any) -> Iterator[None]:
        """Others may upload for a while; `changes` are keys of `vip`."""
        site = self.components.site
        with servers.replaced(site, "vip", dataclasses.replace(site.vip, **changes)):
            yield

    @property
    def stored(self) -> list[Path]:
        """Every original of every bucket on disk, and what uploads have left behind."""
        folder = self.data / "originals"
        return sorted(path for path in folder.rglob("*") if path.is_file())


def send(
    client: httpx.Client, data: Any, bucket: str = BUCKET, token: str = TOKEN, **headers: str
) -> httpx.Response:
    """The answer to an upload; an empty `token` is not sent."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        named["X-Vip-Token"] = token
    return client.post(f"/upload/{bucket}", content=data, headers=named)


def address(answer: httpx.Response) -> str:
    """The path of the picture that an upload has become."""
    assert answer.status_code == 201, answer.text
    path: str = urlsplit(answer.json()["url"]).path
    return path


def size_of(answer: httpx.Response) -> tuple[int, int]:
    """The size in pixels of the picture in an answer, decoded."""
    assert answer.status_code == 200, answer.text
    return pictures.opened(answer.content).size


def sized(size: int) -> bytes:
    """A PNG of exactly so many bytes: a chunk that nobody reads fills it up."""
    picture = pictures.png()
    end = len(picture) - 12  # IEND: length, type and checksum
    filling = b"teSt" + bytes(size - len(picture) - 12)
    chunk = struct.pack(">I", len(filling) - 4) + filling + struct.pack(">I", zlib.crc32(filling))
    return picture[:end] + chunk + picture[end:]


def turned(orientation: int, width: int = 64, height: int = 48) -> bytes:
    """A JPEG, stored in that size, that EXIF says is to be turned."""
    exif = pictures.gradient(1, 1).getexif()
    exif[0x0112] = orientation
    return pictures.jpeg(width, height, exif=exif)
