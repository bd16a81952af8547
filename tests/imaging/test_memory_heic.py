"""Memory of HEIC: what is computed from its header suffices, up to 48 megapixels of a phone."""

import dataclasses
import pathlib
import struct

import pytest

from liveresize.imaging import structure
from scripts.benchmarks import large
from scripts.benchmarks.memory import worked

from . import heics

SIDE = 512
"""Of the tiles that phones code."""

FACTOR, SLACK = 1.6, 48_000_000
"""How much more may be computed than is taken, as in test_memory."""

KINDS = ("tile", "tile-alpha", "tile-deep")


def grid(kind: str, size: tuple[int, int], *, alpha: bool = False) -> bytes:
    """A picture of `size`, whose tiles all show the same."""
    across, down = -(-size[0] // SIDE), -(-size[1] // SIDE)
    content = struct.pack(">BBBBII", 0, 1, down - 1, across - 1, *size)
    count = across * down

    def whole(first: int, *further: bytes) -> heics.Item:
        refers = ((b"dimg", tuple(range(first, first + count))),)
        return heics.Item(b"grid", (content,), (heics.size(*size), *further), refers, inside=True)

    # Each tile is an item of its own: libheif wants no two references to one.
    items = [whole(2), *[heics.coded(kind)] * count]
    if alpha:
        auxiliary = whole(count + 3, heics.full(b"auxC", heics.ALPHA))
        refers = (*auxiliary.references, (b"auxl", (1,)))
        auxiliary = dataclasses.replace(auxiliary, references=refers)
        items += [auxiliary, *[heics.coded(kind, 2)] * count]
    return heics.File(tuple(items)).data()


def made(folder: pathlib.Path, kind: str, megapixels: int) -> pathlib.Path:
    """The grid in a file."""
    path = folder / f"{kind}-{megapixels}.heic"
    path.write_bytes(grid(kind, large.SIZES[megapixels], alpha=kind == "tile-alpha"))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_depth_and_planes_are_known_from_the_header(tmp_path: pathlib.Path, kind: str) -> None:
    """Of a tile of a grid."""
    tally = structure.counted(made(tmp_path, kind, 12), ("heif",), 1)
    assert tally.deep == (kind == "tile-deep")
    assert tally.planes == (3.0 if tally.deep else 1.5)
    assert tally.frame_pixels == 12_000_000


@pytest.mark.long
@pytest.mark.parametrize("job", ["intake", "crop-3000x2900", "webp-crop-2000x2000"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_computed_suffices_and_is_not_much_more(
    tmp_path: pathlib.Path, kind: str, job: str
) -> None:
    """The job is done within the memory that was computed for it."""
    path = made(tmp_path, kind, 12)
    free = worked(job, path, "0")
    assert free["outcome"] == "done"
    assert free["taken"] <= max(free["computed"], free["floor"])
    if free["taken"] > free["floor"]:
        assert free["computed"] <= FACTOR * free["taken"] + SLACK
    # An upload must leave room for renditions as large as a worker has memory for.
    room = str(free["computed"]) if job.startswith("webp") else ""
    assert worked(job, path, room)["outcome"] == "done"


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "megapixels", "fits"),
    [("tile", 48, True), ("tile-deep", 30, True), ("tile", 108, False), ("tile-alpha", 48, False)],
)
def test_what_is_taken_can_be_rendered(
    tmp_path: pathlib.Path, kind: str, megapixels: int, fits: bool
) -> None:
    """A worker has memory for 48 megapixels of a phone by default; what does not fit is refused
    with the figures."""
    path = made(tmp_path, kind, megapixels)
    upload = worked("intake", path)
    if not fits:
        assert upload["outcome"] == "UploadTooLarge"
        assert "needs" in upload["message"]
        return
    assert upload["outcome"] == "done"
    for job in ("jpeg-clip-800x800", "png-clip-1x1", "avif-crop-2000x2000"):
        outcome = worked(job, path)
        assert (job, outcome["outcome"]) == (job, "done")
        assert outcome["resident"] < 512 * 2**20
