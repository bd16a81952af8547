"""Palettes: few colours where nobody can tell, and what GIF makes of transparency."""

import io
import os
import pathlib

import pytest
from PIL import Image, ImageDraw

from liveresize.core.formats import Format
from liveresize.imaging import encode, palette
from liveresize.imaging.settings import EngineSettings

from . import samples


def drawing(mode: str = "RGB") -> Image.Image:
    """A chart in a few colours, with smooth edges; see-through around it in RGBA."""
    ground = (255, 255, 255, 0) if mode == "RGBA" else "white"
    large = Image.new(mode, (1600, 1200), ground)
    draw = ImageDraw.Draw(large)
    for index, colour in enumerate(((200, 40, 40), (40, 90, 200), (30, 30, 30))):
        draw.ellipse((120 + 400 * index, 180, 680 + 400 * index, 840), colour)
    picture = large.resize((400, 300), Image.Resampling.LANCZOS)
    if mode == "RGBA":
        hard = picture.getchannel("A").point(lambda level: 255 if level > 127 else 0)
        picture.putalpha(hard)
    return picture


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_drawing_shrunk_is_a_palette_again(tmp_path: pathlib.Path, mode: str) -> None:
    """A palette original comes out with a palette, looks the same, and is smaller."""
    stored = palette.faithful(drawing(mode))
    assert stored is not None
    path = samples.saved(tmp_path / "a.png", stored)
    result, small = samples.rendered(path, width=200)
    assert small.mode == "P"
    true = samples.saved(tmp_path / "b.png", stored.convert(mode))
    larger, expected = samples.rendered(true, width=200)
    assert expected.mode == mode
    for ground in ("black", "white"):
        over = Image.new("RGBA", small.size, ground)
        one = Image.alpha_composite(over, small.convert("RGBA"))
        assert samples.psnr(one, Image.alpha_composite(over, expected.convert("RGBA"))) > 40
    assert len(result.data) < len(larger.data)


def test_a_photograph_keeps_its_colours(tmp_path: pathlib.Path) -> None:
    """Where 256 colours would show there is no palette."""
    path = samples.saved(tmp_path / "a.gif", samples.scene((300, 200)))
    assert samples.rendered(path, width=150)[1].mode == "RGB"
    assert palette.faithful(samples.scene((300, 200))) is None


@pytest.mark.parametrize("colours", [2, 17, 256])
def test_few_colours_come_back_exactly(colours: int) -> None:
    """Up to 256 colours are kept to the last bit."""
    picture = Image.new("RGB", (16, 16))
    for index in range(256):
        level = index % colours
        picture.putpixel((index % 16, index // 16), (level, 255 - level, level * 7 % 256))
    result = palette.faithful(picture)
    assert result is not None
    assert result.convert("RGB").tobytes() == picture.tobytes()


def test_line_art_takes_half_a_byte(tmp_path: pathlib.Path) -> None:
    """Black and white line art stays in 16 greys or fewer when it is shrunk."""
    picture = Image.new("1", (400, 300), 1)
    for step in range(0, 400, 40):
        ImageDraw.Draw(picture).line((step, 0, 400 - step, 300), 0, 3)
    path = samples.saved(tmp_path / "a.png", picture)
    data = samples.rendered(path, width=200)[0].data
    assert data[24] == 4
    assert samples.rendered(path)[0].data[24] == 1


def test_only_palette_originals_are_tried(tmp_path: pathlib.Path) -> None:
    """A true-colour PNG stays one, whatever it shows: looking for a palette takes time."""
    path = samples.saved(tmp_path / "a.png", drawing())
    assert samples.rendered(path, width=100)[1].mode == "RGB"


def noisy_palette() -> Image.Image:
    """256 colours without any order, hard to compress in three channels."""
    return samples.scene((160, 120)).quantize(256, dither=Image.Dither.FLOYDSTEINBERG)


@pytest.mark.parametrize("kind", ["png", "gif", "jpg", "webp"])
def test_nothing_asked_is_never_larger(tmp_path: pathlib.Path, kind: str) -> None:
    """The same format at the same size takes no more bytes than the original."""
    how = {"jpg": {"quality": 40}, "webp": {"quality": 40}, "png": {"compress_level": 9}}
    picture = noisy_palette() if kind in ("png", "gif") else samples.scene((160, 120))
    path = samples.saved(tmp_path / f"a.{kind}", picture, **how.get(kind, {}))
    output = Format.JPEG if kind == "jpg" else Format(kind)
    for fields in ({}, {"width": 400, "enlarge": False}):
        result, shown = samples.rendered(path, format=output, **fields)
        assert len(result.data) <= os.path.getsize(path)
        assert shown.size == (160, 120)


def test_bytes_as_stored_carry_no_metadata(tmp_path: pathlib.Path) -> None:
    """What is sent instead of a larger file has been cleaned."""
    picture = noisy_palette()
    path = tmp_path / "a.png"
    picture.save(path, exif=samples.exif(1), dpi=(72, 72))
    result, shown = samples.rendered(path)
    assert b"eXIf" not in result.data
    assert b"pHYs" not in result.data
    assert shown.convert("RGB").tobytes() == picture.convert("RGB").tobytes()


@pytest.mark.parametrize(
    "fields",
    [{"blur": 10}, {"flip": "h"}, {"rotate": 180}, {"width": 159}, {"sharpen": 5}],
    ids=lambda fields: next(iter(fields)),
)
def test_what_was_asked_is_done(tmp_path: pathlib.Path, fields: dict[str, object]) -> None:
    """The original's bytes are no answer to a question about something else."""
    path = samples.saved(tmp_path / "a.jpg", samples.scene((160, 120)), quality=5)
    plain = samples.rendered(path, format=Format.JPEG)[1]
    result, shown = samples.rendered(path, format=Format.JPEG, **fields)
    assert shown.size != plain.size or shown.tobytes() != plain.tobytes()
    assert result.format is Format.JPEG


def test_gif_keeps_holes_and_spends_no_colour_on_them() -> None:
    """What is more than half transparent becomes transparent, the rest keeps 255 colours."""
    picture = samples.scene((64, 48)).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    data = encode.still(picture.copy(), Format.GIF, 100, EngineSettings())
    shown = Image.open(io.BytesIO(data)).convert("RGBA")
    expected = picture.getchannel("A").point(lambda level: 255 if level >= 128 else 0)
    assert shown.getchannel("A").tobytes() == expected.tobytes()
    solid = Image.new("RGBA", (8, 8), (9, 9, 9, 255))
    assert "transparency" not in palette.indexed(solid, dithered=False).info
