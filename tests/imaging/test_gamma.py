"""Gamma and primaries of PNG: heeded as browsers do, unless they only say sRGB."""

import pathlib
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from liveresize.core.formats import Format
from liveresize.imaging import decode, downscale, gamma, ingest

from . import samples

COLOUR = (128, 64, 200)
ADOBE = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)


def told(
    path: pathlib.Path, mode: str = "RGB", value: float | None = None, chunks: Any = (), **how: Any
) -> pathlib.Path:
    """A PNG in one colour that tells a gamma, and other chunks."""
    text = PngImagePlugin.PngInfo()
    if value is not None:
        text.add(b"gAMA", round(value * 100_000).to_bytes(4))
    for name, data in chunks:
        text.add(name, data)
    picture = Image.new("RGB", (40, 30), COLOUR)
    picture = picture.quantize(4) if mode == "P" else picture.convert(mode)
    return samples.saved(path, picture, pnginfo=text, **how)


def chromaticity(values: tuple[float, ...]) -> tuple[bytes, bytes]:
    """A chunk that tells white and primaries."""
    return b"cHRM", b"".join(round(value * 100_000).to_bytes(4) for value in values)


def linear(level: float, exponent: float) -> int:
    """A level under a power curve, as sRGB has it."""
    light: float = (level / 255) ** exponent
    curved = 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
    return round(255 * curved)


def shown(path: pathlib.Path, **fields: Any) -> Any:
    """The colour of a rendition as PNG."""
    _, picture = samples.rendered(path, **fields)
    return picture.getpixel((5, 5))


@pytest.mark.parametrize("value", [0.3, 1 / 1.8, 0.7, 1.0])
@pytest.mark.parametrize("width", [0, 20])
def test_a_gamma_of_its_own_is_heeded(tmp_path: pathlib.Path, value: float, width: int) -> None:
    """Levels come out as sRGB has the light that they stand for, resized or not."""
    path = told(tmp_path / "a.png", value=value)
    expected = [linear(level, 1 / value) for level in COLOUR]
    assert samples.near(shown(path, width=width), expected, 2)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA"])
def test_every_mode_is_heeded(tmp_path: pathlib.Path, mode: str) -> None:
    """Greys stay greys, palettes and alpha are no hindrance."""
    path = told(tmp_path / "a.png", mode, 1.0)
    flat = Image.new("RGB", (1, 1), COLOUR).convert("L" if mode in ("L", "LA") else "RGB")
    levels = flat.tobytes()
    _, picture = samples.rendered(path, width=20)
    seen = picture.convert("RGBA").getpixel((5, 5))[: len(levels)]
    assert samples.near(seen, [linear(level, 1.0) for level in levels], 3)
    _, picture = samples.rendered(path, width=20, format=Format.JPEG)
    assert picture.mode == ("L" if mode in ("L", "LA") else "RGB")


@pytest.mark.parametrize(
    ("value", "chunks"),
    [
        (0.45455, []),
        (0.4545, [chromaticity(gamma.SRGB)]),
        (0.46, []),
        (1.0, [(b"sRGB", b"\0")]),
        (None, [chromaticity(ADOBE)]),
        (0.0, []),
        (0.001, []),
        (20_000.0, []),
        (1.0, [chromaticity((0.0,) * 8)]),
        (1.0, [chromaticity((0.3, 0.3, 0.4, 0.4, 0.5, 0.5, 0.6, 0.6))]),
    ],
)
def test_srgb_and_nonsense_change_nothing(
    tmp_path: pathlib.Path, value: float | None, chunks: Any
) -> None:
    """What amounts to sRGB, says so, or makes no sense leaves the levels as they are."""
    assert shown(told(tmp_path / "a.png", value=value, chunks=chunks), width=20) == COLOUR


def test_primaries_are_heeded(tmp_path: pathlib.Path) -> None:
    """Adobe's wide green at an Adobe gamma comes out as its profile has it."""
    path = told(tmp_path / "a.png", value=1 / 2.19922, chunks=[chromaticity(ADOBE)])
    assert samples.near(shown(path, width=20), (146, 62, 205), 2)


def test_the_made_primaries_are_those_of_srgb() -> None:
    """Under the white of profiles, the lights of sRGB are where its own profile has them."""
    red, green, blue = gamma.colorants(gamma.SRGB)
    assert red == pytest.approx((0.4360, 0.2225, 0.0139), abs=1e-4)
    assert green == pytest.approx((0.3851, 0.7169, 0.0971), abs=1e-4)
    assert blue == pytest.approx((0.1431, 0.0606, 0.7139), abs=1e-4)


def test_a_profile_wins(tmp_path: pathlib.Path) -> None:
    """Where a profile is embedded, gamma is not looked at."""
    path = told(tmp_path / "a.png", value=1.0, icc_profile=gamma._made(1 / 1.8, gamma.SRGB))
    assert samples.near(shown(path, width=20), [linear(level, 1.8) for level in COLOUR], 2)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_intake_keeps_the_look(tmp_path: pathlib.Path, mode: str) -> None:
    """A stored part of a PNG carries its gamma as a profile; its facts show the colour."""
    path = told(tmp_path / "a.png", mode, 1.0)
    levels: Any = Image.new("RGB", (1, 1), COLOUR).convert(mode).convert("RGB").getpixel((0, 0))
    expected = [linear(level, 1.0) for level in levels]
    with decode.open_picture(path, samples.SETTINGS, 10_000) as image:
        data = downscale.reduced(image, 1, (0, 0, 20, 20), (20, 20), samples.SETTINGS.constraints)
    part = tmp_path / "b.png"
    part.write_bytes(data)
    _, picture = samples.rendered(part, width=10)
    assert samples.near(picture.convert("RGB").getpixel((5, 5)), expected, 2)
    colour = ingest.probe(path, samples.SETTINGS).dominant_color
    assert samples.near(bytes.fromhex(colour[1:]), expected, 2)


def test_dark_greys_are_exact(tmp_path: pathlib.Path) -> None:
    """The darkest levels of light are those that sRGB has most levels for."""
    path = tmp_path / "a.png"
    text = PngImagePlugin.PngInfo()
    text.add(b"gAMA", (100_000).to_bytes(4))
    samples.saved(path, Image.frombytes("L", (8, 1), bytes(range(8))), pnginfo=text)
    _, picture = samples.rendered(path)
    assert list(picture.tobytes()) == [linear(level, 1.0) for level in range(8)]
