"""TIFF with its channels in planes is read rightly, or refused; never noise."""

import pathlib
import struct
import zlib

import pytest

from liveresize import errors
from liveresize.imaging import decode, ingest

from . import samples

SIZE = (40, 30)
SETTINGS = samples.tuned(formats=("tiff",))
RAW, DEFLATE = 1, 8
PHOTOMETRIC = {"L": 1, "LA": 1, "RGB": 2, "RGBA": 2, "CMYK": 5}

SHORT, LONG = (3, "H"), (4, "I")


def planes(mode: str, bits: int) -> list[list[int]]:
    """A slope for each channel, each in a direction of its own."""
    most = (1 << bits) - 1
    steps = [(x, y) for y in range(SIZE[1]) for x in range(SIZE[0])]
    return [
        [most * ((number + 1) * x + (4 - number) * y) // 320 for x, y in steps]
        for number in range(len(mode))
    ]


def written(
    path: pathlib.Path,
    mode: str,
    *,
    planar: int,
    bits: int = 16,
    order: str = "<",
    rows: int = SIZE[1],
    packing: int = RAW,
) -> pathlib.Path:
    """The slopes as TIFF, in strips of so many `rows`."""
    channels, letter = planes(mode, bits), {8: "B", 16: "H"}[bits]
    if planar == 1:
        channels = [[level for pixel in zip(*channels, strict=True) for level in pixel]]
    row = len(channels[0]) // SIZE[1]
    strips = []
    for channel in channels:
        for start in range(0, len(channel), rows * row):
            strip = channel[start : start + rows * row]
            strips.append(struct.pack(f"{order}{len(strip)}{letter}", *strip))
    if packing == DEFLATE:
        strips = [zlib.compress(strip) for strip in strips]
    offsets = [8 + sum(map(len, strips[:number])) for number in range(len(strips))]
    tags = {
        256: (SHORT, [SIZE[0]]),
        257: (SHORT, [SIZE[1]]),
        258: (SHORT, [bits] * len(mode)),
        259: (SHORT, [packing]),
        262: (SHORT, [PHOTOMETRIC[mode]]),
        273: (LONG, offsets),
        277: (SHORT, [len(mode)]),
        278: (SHORT, [rows]),
        279: (LONG, [len(strip) for strip in strips]),
        284: (SHORT, [planar]),
    }
    if mode in ("LA", "RGBA"):
        tags[338] = (SHORT, [2])
    pixels = b"".join(strips)
    start = 8 + len(pixels)
    entries, more = struct.pack(f"{order}H", len(tags)), b""
    beyond = start + 2 + 12 * len(tags) + 4
    for tag, ((kind, size), values) in tags.items():
        data = struct.pack(f"{order}{len(values)}{size}", *values)
        if len(data) > 4:
            data, more = struct.pack(f"{order}I", beyond + len(more)), more + data
        entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + data.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    path.write_bytes(head + pixels + entries + bytes(4) + more)
    return path


def pixels(path: pathlib.Path) -> tuple[str, bytes]:
    """Mode and pixels of a file."""
    with decode.open_picture(path, SETTINGS, 10_000) as image:
        image.load()
        return image.mode, image.tobytes()


@pytest.mark.parametrize("rows", [SIZE[1], 7])
@pytest.mark.parametrize("packing", [RAW, DEFLATE])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_planes_are_read_as_pixels_are(
    tmp_path: pathlib.Path, mode: str, bits: int, order: str, packing: int, rows: int
) -> None:
    """A file with planes has the same pixels as its twin without."""
    one, two = (
        written(
            tmp_path / f"{planar}.tif",
            mode,
            planar=planar,
            bits=bits,
            order=order,
            packing=packing,
            rows=rows,
        )
        for planar in (1, 2)
    )
    assert pixels(one) == pixels(two)
    if mode == "RGB":
        expected = [
            level >> bits - 8 for pixel in zip(*planes(mode, bits), strict=True) for level in pixel
        ]
        assert list(pixels(two)[1]) == expected


@pytest.mark.parametrize(
    ("mode", "bits", "packing"), [("LA", 8, RAW), ("LA", 8, DEFLATE), ("CMYK", 16, RAW)]
)
def test_planes_that_cannot_be_read_are_refused(
    tmp_path: pathlib.Path, mode: str, bits: int, packing: int
) -> None:
    """The answer says what is not supported, and what to do."""
    path = written(tmp_path / "a.tif", mode, planar=2, bits=bits, packing=packing)
    with pytest.raises(errors.UnreadableImage, match="separate planes") as caught:
        ingest.probe(path, SETTINGS)
    assert caught.value.public.endswith("Save it with interleaved channels.")


def test_field_files() -> None:
    """Twins with and without planes look the same."""
    field = samples.CORPUS / "field"
    if not field.exists():
        pytest.skip("the corpus of test pictures is not here (LIVERESIZE_CORPUS)")
    assert pixels(field / "tiff-rgb16-planar-le.tif") == pixels(field / "tiff-rgb16-contig.tif")
