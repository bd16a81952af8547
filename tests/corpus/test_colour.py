"""Colours come out as they went in, whatever profile, depth or alpha they came with."""

import pytest
from PIL import Image, ImageStat
from web import servers

from . import table, visits
from .visits import House

pytestmark = [table.needs_corpus, pytest.mark.long]

P3_TO_SRGB = (
    (1.224940, -0.224940, 0.0),
    (-0.042057, 1.042057, 0.0),
    (-0.019638, -0.078636, 1.098274),
)
"""Linear light in Display P3 → in sRGB; both have the white point D65 and one tone curve."""


def source(path: str) -> Image.Image:
    """The file as Pillow decodes it."""
    return visits.opened((table.CORPUS / path).read_bytes())


def from_p3(levels: tuple[int, ...]) -> tuple[int, ...]:
    """A colour of Display P3 in sRGB, by the formula; what sRGB has not is clipped."""
    light = [_light(level / 255) for level in levels]
    return tuple(
        round(255 * _tone(min(1.0, max(0.0, sum(map(float.__mul__, row, light))))))
        for row in P3_TO_SRGB
    )


def _light(tone: float) -> float:
    return tone / 12.92 if tone <= 0.04045 else float(((tone + 0.055) / 1.055) ** 2.4)


def _tone(light: float) -> float:
    return light * 12.92 if light <= 0.0031308 else float(1.055 * light ** (1 / 2.4) - 0.055)


def on(picture: Image.Image, colour: str) -> Image.Image:
    """What a picture with alpha looks like on paper of a colour."""
    paper = Image.new("RGBA", picture.size, colour)
    return Image.alpha_composite(paper, picture.convert("RGBA"))


@pytest.mark.parametrize("width", [48, 80, 100, 140, 200, 300])
def test_two_colour_charts_agree(house: House, width: int) -> None:
    """A chart in eciRGB is within a level of its twin in sRGB; unconverted it is 8 off.

    At full size the two files differ by 1.2 already: each is a JPEG with noise of its own.
    """
    charts = ["colour/colorchecker_ECI_RGB_v2.jpg", "colour/colorchecker_sRGB.jpg"]
    assert visits.distance(*(house.show(chart, f"_{width}_0.png") for chart in charts)) < 1


def test_display_p3_has_exact_values(house: House) -> None:
    """Each pixel of a picture in Display P3 is what the formula says."""
    path = "colour/p3.png"
    stored = visits.pixels(source(path).convert("RGB"))
    shown = visits.pixels(house.show(path, "_8_8.png").convert("RGB"))
    for before, after in zip(stored, shown, strict=True):
        assert all(abs(a - b) <= 1 for a, b in zip(after, from_p3(before), strict=True))


def test_a_photograph_in_display_p3_is_converted(house: House) -> None:
    """A phone's wide colours are within 2 levels of the formula; unconverted they are not."""
    path = "photos/012mp-bus.jpg"
    small = source(path).resize((100, 75), Image.Resampling.LANCZOS)
    wanted = Image.new("RGB", small.size)
    wanted.putdata([from_p3(levels) for levels in visits.pixels(small)])
    shown = house.show(path, "_100_75.png")
    assert visits.distance(shown, wanted) < 2 < visits.distance(small, wanted)


def test_cmyk_looks_like_its_twin(house: House) -> None:
    """CMYK as Adobe inverts it, without a profile, is near the same picture in RGB."""
    cmyk, rgb = "colour/pil_sample_cmyk.jpg", "colour/pil_sample_rgb.jpg"
    shown = house.show(cmyk, "_50_0.png")
    assert shown.mode == "RGB"
    assert visits.distance(shown, house.show(rgb, "_50_0.png")) < 6


def test_the_profile_of_cmyk_counts(house: House) -> None:
    """A CMYK picture with a press's profile is not what the plain formula makes of it."""
    path = "colour/Channel_digital_image_CMYK_color"
    with_profile = house.show(f"{path}.jpg", "_200_0.png")
    without = house.show(f"{path}_no_profile.jpg", "_200_0.png")
    assert 8 < visits.distance(with_profile, without) < 20


def curved(level: int) -> float:
    """The level that sRGB has for so many 255ths of all light."""
    light: float = level / 255
    return 255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


def test_sixteen_bits_are_scaled(house: House) -> None:
    """Greys of 16 bits come out as their 8 high bits, none of them clipped.

    This file tells that its levels count light, which sRGB has under a curve.
    """
    path = "formats/basn0g16.png"
    deep = visits.pixels(source(path))
    turned = house.show(path, "_32_32.png?rotate=180").transpose(Image.Transpose.ROTATE_180)
    shown = visits.pixels(turned)
    for (before,), (after,) in zip(deep, shown, strict=True):
        assert abs(curved(round(before / 257)) - after) <= 1.01
    flag = house.show("formats/Flag_of_the_Netherlands-16bit.png", "_900_600.png?rotate=180")
    assert {colour for _, colour in flag.getcolors() or []} == {
        (174, 28, 40),
        (255, 255, 255),
        (33, 70, 139),
    }


def test_hidden_colour_stays_hidden(house: House) -> None:
    """What see-through pixels hide does not bleed into the edges when they are shrunk."""
    path = "colour/alpha-premultiply-1024x768-paper.png"
    shown = house.show(path, "_200_0.png")
    blended = source(path).convert("RGBa").resize(shown.size, Image.Resampling.LANCZOS)
    wanted = blended.convert("RGBA")
    for paper in ("white", "black"):
        assert visits.distance(on(shown, paper), on(wanted, paper)) < 0.5


@pytest.mark.parametrize(
    "path",
    [
        "formats/transparent.gif",
        "formats/Flag_of_the_Netherlands-alpha.png",
        "formats/5_webp_a.webp",
        "formats/gopher-front.avif",
        "formats/grey-8bit-alpha.png",
        "photos/inventid-transparant",
    ],
)
def test_alpha_is_kept_or_laid_on_white(house: House, path: str) -> None:
    """PNG and WebP keep the transparency of an original; JPEG shows it on white."""
    png, webp = house.show(path, "_100_0.png"), house.show(path, "_100_0.webp?quality=100")
    assert png.has_transparency_data
    assert webp.has_transparency_data
    jpeg = house.show(path, "_100_0.jpg?quality=100")
    assert visits.distance(on(png, "white"), jpeg) < 2
    assert visits.distance(on(png, "white"), on(webp, "white")) < 4


@pytest.mark.parametrize("path", ["colour/grayscale-icc.jpg", "formats/concert.jpg"])
def test_grey_with_a_profile_stays_grey(house: House, path: str) -> None:
    """A grey picture's profile is honoured, and the result is grey."""
    assert house.show(path, "_40_0.jpg").mode == "L"


def test_a_corrupted_profile_is_ignored(house: House) -> None:
    """The picture is shown as if it had no profile, and the log says so."""
    path = "colour/corrupted-icc-srgb.jpg"
    shown = house.show(path, "_200_0.png")
    plain = source(path).resize(shown.size, Image.Resampling.LANCZOS)
    assert visits.distance(shown, plain) < 1

    def noted() -> bool:
        lines = house.process.lines("access")
        return any("icc_profile_ignored" in (line.get("notes") or ()) for line in lines)

    assert servers.until(noted)


def test_a_gain_map_is_not_shown(house: House) -> None:
    """The base picture of an HDR photograph is the one that comes out."""
    for path in ("colour/gain-map.jpg", "colour/apple_gainmap_new.jpg"):
        shown = house.show(path, "_100_0.png")
        plain = source(path).resize(shown.size, Image.Resampling.LANCZOS)
        assert visits.distance(shown, plain) < 12
        assert min(ImageStat.Stat(shown).stddev) > 20
