"""Memory: what thirty megapixels of every format take under a worker's limit."""

import os
import pathlib
import struct
import subprocess
import sys
import zlib

import pytest
from PIL import Image

from . import samples

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not pathlib.Path("/proc/self/status").exists(), reason="memory is read from /proc"
    ),
]

SIZE = (6708, 4472)
"""30.0 megapixels, the most that is taken at upload."""

RESIDENT = 512
"""MiB that no worker may pass."""

KINDS = (
    "rgb.jpeg",
    "progressive.jpeg",
    "cmyk.jpeg",
    "rgb.png",
    "rgba.png",
    "palette.png",
    "deep.png",
    "rgb.webp",
    "rgba.webp",
    "lossless.webp",
    "still.gif",
    "rgb.avif",
    "rgba.avif",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Where the large pictures lie, made when they are first asked for."""
    return tmp_path_factory.mktemp("large")


def large(folder: pathlib.Path, name: str) -> pathlib.Path:
    """A picture of thirty megapixels, of the kind that its name says."""
    path = folder / name
    if path.exists():
        return path
    what, _, suffix = name.partition(".")
    if what == "deep":
        path.write_bytes(deep_png())
        return path
    scene = samples.scene((1677, 1118)).resize(SIZE)
    if what in ("rgba", "lossless"):
        scene.putalpha(Image.linear_gradient("L").resize(SIZE))
    elif what in ("palette", "still"):
        scene = scene.quantize(200)
    elif what == "cmyk":
        scene = scene.convert("CMYK")
    how = {
        "jpeg": {"quality": 85, "progressive": what == "progressive"},
        "png": {"compress_level": 1},
        "webp": {"method": 0, "quality": 10, "lossless": what == "lossless"},
        "avif": {"speed": 10, "quality": 50},
        "gif": {},
    }
    scene.save(path, **how[suffix])
    return path


def deep_png() -> bytes:
    """16 bits a channel, with alpha."""
    width, height = SIZE
    row = b"\0" + bytes(range(256)) * (8 * width // 256 + 1)
    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(row[: 1 + 8 * width]) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", header), (b"IDAT", rows + packer.flush()), (b"IEND", b"")):
        data += struct.pack(">I", len(body)) + kind + body
        data += zlib.crc32(kind + body).to_bytes(4, "big")
    return data


def worked(kind: str, path: pathlib.Path) -> tuple[str, int]:
    """The outcome of a job in a process of its own, and the MiB that it took."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.imaging.memory", kind, path],
        capture_output=True,
        text=True,
        check=True,
        cwd=samples.ROOT,
        env=os.environ | {"MALLOC_ARENA_MAX": "2"},
    )
    outcome, resident = done.stdout.split()
    return outcome, int(resident)


@pytest.mark.parametrize("job", ["intake", "jpeg-720", "webp-2000"])
@pytest.mark.parametrize("name", KINDS)
def test_thirty_megapixels_fit(folder: pathlib.Path, name: str, job: str) -> None:
    """The largest upload of every format is taken, described and rendered in bounds."""
    outcome, resident = worked(job, large(folder, name))
    assert outcome == "done"
    assert resident < RESIDENT


def test_a_large_photograph_is_cheap(folder: pathlib.Path) -> None:
    """24 megapixels of JPEG to 720 pixels take less than 120 MB."""
    path = folder / "photo.jpg"
    samples.scene((1500, 1000)).resize((6000, 4000)).save(path, quality=90)
    outcome, resident = worked("jpeg-720", path)
    assert (outcome, resident < 120) == ("done", True)


@pytest.mark.parametrize(("suffix", "output"), [("gif", "gif"), ("webp", "webp"), ("png", "avif")])
def test_a_long_animation_is_streamed(folder: pathlib.Path, suffix: str, output: str) -> None:
    """Forty megapixels in sixty frames are never in memory together."""
    path = folder / f"film.{suffix}"
    if not path.exists():
        ground = samples.scene((944, 708))
        frames = [ground.rotate(step).quantize(128) for step in range(60)]
        how = {"lossless": False, "quality": 30, "method": 0} if suffix == "webp" else {}
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, **how)
    outcome, resident = worked(f"{output}-400", path)
    assert outcome == "done"
    assert resident < 200
