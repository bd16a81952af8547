"""The pictures of public test suites, where they are at hand."""

import csv
import pathlib

import pytest
from PIL import Image, ImageChops, ImageStat

from liveresize import errors
from liveresize.core import geometry
from liveresize.core.formats import Format

from . import samples

MANIFEST = samples.CORPUS / "MANIFEST.tsv"

pytestmark = pytest.mark.skipif(
    not MANIFEST.exists(), reason="the corpus of test pictures is not here (LIVERESIZE_CORPUS)"
)


def rows() -> list[dict[str, str]]:
    """The lines of the manifest; none without the corpus."""
    if not MANIFEST.exists():
        return []
    with MANIFEST.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


ROWS = rows()


@pytest.mark.long
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["path"])
def test_every_file_renders_or_is_refused(row: dict[str, str]) -> None:
    """Valid pictures come out in the size foretold; all others raise only our errors."""
    path = samples.CORPUS / row["path"]
    for output in (Format.WEBP, Format.JPEG):
        try:
            _, picture = samples.rendered(path, width=200, format=output)
        except errors.ImageError:
            assert row["verdict"] not in ("valid", "seed")
            continue
        if row["upright_w"]:
            upright = (int(row["upright_w"]), int(row["upright_h"]))
            wanted = samples.rendition(width=200, format=output)
            assert picture.size == geometry.output_size(upright, wanted)


def difference(one: pathlib.Path, other: pathlib.Path, width: int) -> float:
    """The mean distance of two renditions in levels."""
    first, second = (samples.rendered(path, width=width)[1].convert("RGB") for path in (one, other))
    stat = ImageStat.Stat(ImageChops.difference(first, second))
    return sum(stat.mean) / 3


def test_a_wide_gamut_comes_out_as_srgb() -> None:
    """A chart in eciRGB is within a level of the same chart in sRGB; unconverted it is 8 off."""
    folder = samples.CORPUS / "colour"
    charts = folder / "colorchecker_ECI_RGB_v2.jpg", folder / "colorchecker_sRGB.jpg"
    assert difference(*charts, 60) < 1


def test_cmyk_comes_out_as_its_twin() -> None:
    """A CMYK JPEG as Adobe writes it looks like its RGB twin."""
    folder = samples.CORPUS / "colour"
    assert difference(folder / "pil_sample_cmyk.jpg", folder / "pil_sample_rgb.jpg", 100) < 6


@pytest.mark.parametrize("series", ["Landscape", "Portrait"])
def test_eight_orientations_of_a_photograph_agree(series: str) -> None:
    """A photograph stored in eight ways comes out upright in all; only its number differs."""
    folder = samples.CORPUS / "orientation"
    first = folder / f"{series}_1.jpg"
    for number in range(2, 9):
        assert difference(first, folder / f"{series}_{number}.jpg", 120) < 4


def test_a_frame_outside_the_canvas_is_cut_off() -> None:
    """All frames of a GIF have the size of its canvas."""
    path = samples.CORPUS / "animated/frame-out-of-bounds.gif"
    _, picture = samples.rendered(path, format=Format.WEBP)
    assert isinstance(picture, Image.Image)
    assert picture.size == (4, 2)
