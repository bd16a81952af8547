"""Has a real server make the pictures of docs/urls.md, as the list of examples asks for them."""

import json
import tempfile
import urllib.request
from pathlib import Path

from scripts.benchmarks import process
from scripts.site import examples, originals

DOCS = process.ROOT / "docs"
FOLDER = DOCS / "urls"


def take(folder: Path = FOLDER) -> list[Path]:
    """Write every picture into `folder`, where no other file is left; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as above, process.server(Path(above), **_SETTINGS) as ours:
        vip_id = _put_in(ours, Path(above))
        answers = {each.file: _answer(ours, each, vip_id) for each in examples.every()}
    for old in folder.iterdir():
        if old.name not in answers:
            old.unlink()
    for name, data in answers.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in answers]


_SETTINGS = {
    "LIVERESIZE_PRESETS": json.dumps(examples.PRESETS),
    "LIVERESIZE_OVERLAYS": json.dumps(examples.OVERLAYS),
    "LIVERESIZE_VIP__BUCKETS": json.dumps([examples.BUCKET]),
    "LIVERESIZE_VIP__ALLOW_ANONYMOUS": "true",
}


def _put_in(ours: process.Running, folder: Path) -> str:
    """Upload every original; returns the id that vip gave to its."""
    sample = DOCS / "sample.jpg"
    ours.upload("sample", sample)
    for make in (originals.badge, originals.stamp, originals.ball, originals.lamp):
        file = folder / make.__name__
        file.write_bytes(make(examples.SOURCES[make.__name__].size))
        ours.upload(make.__name__, file)
    asked = urllib.request.Request(
        f"{ours.url}/upload/{examples.BUCKET}", sample.read_bytes(), method="POST"
    )
    with urllib.request.urlopen(asked) as answer:
        address: str = json.load(answer)["url"]
    return address.rpartition("/")[2]


def _answer(ours: process.Running, example: examples.Example, vip_id: str) -> bytes:
    """The bytes at the address of an example; raises OSError unless it is 200."""
    address = ours.url + example.path.replace(examples.VIP_ID, vip_id)
    asked = urllib.request.Request(address, headers={"Accept": example.accept or "*/*"})
    with urllib.request.urlopen(asked) as answer:
        data: bytes = answer.read()
    return data
