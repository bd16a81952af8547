"""A visit of one picture to the server: its upload, and what is asked for afterwards."""

import io
import os
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from PIL import Image, ImageChops, ImageStat
from web import servers

from . import table

SLOWEST = 10.0
"""Seconds that no request may take."""

KINDS = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif"}
"""What a browser says of a file by its name; of others it knows less."""


@dataclass
class House:
    """A server process, asked one thing after the other; every answer is timed."""

    process: servers.Process
    peaks: dict[int, int] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)

    def ask(self, method: str, target: str, **more: Any) -> httpx.Response:
        """The answer to one request, which has come in time and is no 500."""
        begun = time.monotonic()
        answer = self.process.client.request(method, target, **more)
        taken = time.monotonic() - begun
        assert taken < SLOWEST, f"{target} took {taken:.1f} s"
        assert answer.status_code not in (500, 502), f"{target}: {answer.text}"
        self.watch()
        return answer

    def get(self, target: str) -> httpx.Response:
        """GET, without following redirects."""
        return self.ask("GET", target)

    def token(self, name: str) -> httpx.Response:
        """The answer to the wish for a token."""
        return self.ask("POST", "/token", json={"id": name})

    def upload(self, name: str, path: Path, *, form: bool) -> httpx.Response:
        """Upload a file under `name`, as a form with its own file name, or raw."""
        token = self.token(name)
        assert token.status_code == 200, token.text
        headers = {"X-Token": token.json()["token"]}
        data = path.read_bytes()
        kind = KINDS.get(path.suffix.lower(), "application/octet-stream")
        if form:
            files = {"image": (path.name, data, kind)}
            return self.ask("POST", address(name), files=files, headers=headers)
        headers["Content-Type"] = kind if kind.startswith("image/") else "image/x-unknown"
        return self.ask("POST", address(name), content=data, headers=headers)

    def show(self, path: str, suffix: str) -> Image.Image:
        """The rendition `suffix` of a file of the corpus, which is uploaded if need be."""
        return opened(self.bytes_of(path, suffix))

    def bytes_of(self, path: str, suffix: str = "") -> bytes:
        """The bytes that `show` opens; without a suffix those of the original, or of what is
        answered in its place, in bounds."""
        name = "shown-" + path.replace("/", "-").replace(".", "-")
        if name not in self.shown:
            answer = self.upload(name, table.CORPUS / path, form=False)
            assert answer.status_code == 200, answer.text
            self.shown.add(name)
        answer = self.get(address(name, suffix + ("&" if "?" in suffix else "?") + "proxy=true"))
        if answer.status_code == 307 and not suffix:
            answer = self.get(answer.headers["Location"])
        assert answer.status_code == 200, answer.text
        return answer.content

    def watch(self) -> None:
        """Note the most memory that each process of the server has had so far, in bytes."""
        for pid in self.process.family:
            with suppress(OSError):
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        peak = int(line.split()[1]) << 10
                        self.peaks[pid] = max(peak, self.peaks.get(pid, 0))

    @property
    def data(self) -> Path:
        """Where the server keeps everything."""
        return self.process.folder / "data"

    def rows(self, statement: str, *values: str) -> list[Any]:
        """What the index holds, read past the server."""
        file = self.data / "liveresize.sqlite"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as index:
            return index.execute(statement, values).fetchall()

    def kept_of(self, name: str) -> list[Path]:
        """Files in the folders of originals and renditions and the spool that tell of `name`."""
        folders = [self.data / each for each in ("originals", "renditions", "spool")]
        return [
            Path(folder, file)
            for top in folders
            for folder, _, files in os.walk(top)
            for file in files
            if file == name or name in folder
        ]

    @property
    def staged(self) -> list[Path]:
        """What uploads have left in the staging folder."""
        return list((self.data / "originals" / "_staging").iterdir())


def address(name: str, rest: str = "") -> str:
    """The target of a request for the picture `name`."""
    return f"/{quote(name, safe='')}{rest}"


def opened(data: bytes) -> Image.Image:
    """The picture in `data`, all of its first frame decoded."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


TELLING = ("exif", "icc_profile", "xmp", "XML:com.adobe.xmp", "photoshop", "comment", "metadata")
"""Keys under which Pillow puts what a picture tells beside its pixels."""

TRACES = (b"Exif\x00\x00", b"http://ns.adobe.com", b"ICC_PROFILE", b"iCCP", b"Photoshop")
"""What begins a block of metadata in the file itself."""


def tells(data: bytes) -> list[str]:
    """What the bytes of a picture carry beside its pixels."""
    info = opened(data).info
    found = [key for key in TELLING if info.get(key)]
    return found + [str(trace) for trace in TRACES if trace in data]


def distance(one: Image.Image, other: Image.Image) -> float:
    """The mean distance of two pictures of one size, in levels, their alpha left out."""
    assert one.size == other.size
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return sum(ImageStat.Stat(difference).mean) / 3


def pixels(picture: Image.Image) -> list[tuple[int, ...]]:
    """The levels of every pixel, row by row."""
    bands = [[int(level) for level in band.get_flattened_data()] for band in picture.split()]  # type: ignore[arg-type]
    return list(zip(*bands, strict=True))
