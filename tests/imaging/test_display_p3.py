"""Display P3 in results: what `colour=p3` keeps, and what it leaves alone."""

import io
import itertools
import pathlib
from typing import Any

import pytest
from PIL import Image, ImageCms

from liveresize.core.formats import Format
from liveresize.core.values import Fit, Quality
from liveresize.imaging import cicp, colour, display_p3, gamma

from . import samples

MODERN = (Format.JPEG, Format.PNG, Format.WEBP, Format.AVIF)

ADOBE = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)

WIDE = {
    "Display P3": display_p3.profile(),
    "Adobe RGB": gamma._made(256 / 563, ADOBE),
    "BT.2020": gamma._made(0.0, cicp.PRIMARIES[9]),
}


def original(path: pathlib.Path, **told: Any) -> pathlib.Path:
    """Four quarters of saturated colours."""
    return samples.saved(path, samples.quarters((48, 32)), **told)


def light(level: float, primaries: cicp.Chromaticity) -> float:
    """The light of a level of these profiles."""
    return level ** (563 / 256) if primaries == ADOBE else gamma.srgb_light(level)


def in_p3(pixel: tuple[int, ...], primaries: cicp.Chromaticity) -> list[int]:
    """A colour of these primaries in Display P3, clipped, by the formulas alone."""
    lights = [light(level / 255, primaries) for level in pixel]
    rows = gamma.between(primaries, display_p3.PRIMARIES)
    sums = [sum(a * b for a, b in zip(row, lights, strict=True)) for row in rows]
    return [round(255 * gamma.srgb_level(min(1.0, max(0.0, each)))) for each in sums]


def test_the_profile_is_that_of_display_p3() -> None:
    """LittleCMS reads the numbers that ICC and Apple publish; it is small and names itself."""
    data = display_p3.profile()
    assert len(data) == 492
    profile = ImageCms.ImageCmsProfile(io.BytesIO(data)).profile
    assert profile.profile_description == "Display P3"
    assert profile.version == 4.3
    published = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
    read = (profile.red_colorant, profile.green_colorant, profile.blue_colorant)
    for wanted, (xyz, _) in zip(published, read, strict=True):
        assert samples.near(wanted, xyz, 0.0002)
    greys = Image.frombytes("L", (256, 1), bytes(range(256))).convert("RGB")
    made, _ = colour.to_srgb(greys, data)
    assert made.tobytes() == greys.tobytes()


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("output", MODERN)
def test_colours_beyond_srgb_stay(tmp_path: pathlib.Path, name: str, output: Format) -> None:
    """They are those of the original, in Display P3, and the profile says so."""
    path = original(tmp_path / "a.png", icc_profile=WIDE[name])
    _, made = samples.rendered(path, width=48, format=output, colour="p3", quality=Quality.of(95))
    assert made.info["icc_profile"] == display_p3.profile()
    primaries = {"Adobe RGB": ADOBE, "BT.2020": cicp.PRIMARIES[9]}.get(name, display_p3.PRIMARIES)
    for place, pixel in (((9, 6), samples.RED), ((38, 6), samples.GREEN), ((9, 25), samples.BLUE)):
        tolerance = 3 if output is Format.PNG else 6
        assert samples.near(made.convert("RGB").getpixel(place), in_p3(pixel, primaries), tolerance)


PLAIN = {
    "no profile": {},
    "sRGB": {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()},
    "a gamma alone": {"icc_profile": samples.profile(1.8)},
    "a broken profile": {"icc_profile": b"nothing"},
}


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("output", [*MODERN, Format.GIF])
def test_other_originals_are_as_without_it(
    tmp_path: pathlib.Path, kind: str, output: Format
) -> None:
    """To the byte."""
    path = original(tmp_path / "a.png", **PLAIN[kind])
    plain, _ = samples.rendered(path, width=24, format=output)
    asked, _ = samples.rendered(path, width=24, format=output, colour="p3")
    assert asked.data == plain.data


def test_greys_gif_and_other_looks_have_no_use_for_it(tmp_path: pathlib.Path) -> None:
    """What is grey or tinted is in sRGB, and so is every GIF."""
    path = original(tmp_path / "a.png", icc_profile=WIDE["Display P3"])
    tint = ((0, 0, 0, 255), (255, 204, 0, 255))
    looks: tuple[dict[str, Any], ...] = (
        {"grey": True},
        {"tint": tint},
        {"format": Format.GIF},
    )
    for fields in looks:
        plain, _ = samples.rendered(path, width=24, **fields)
        asked, _ = samples.rendered(path, width=24, colour="p3", **fields)
        assert asked.data == plain.data
    grey = samples.saved(tmp_path / "b.png", Image.new("L", (9, 9), 99))
    _, made = samples.rendered(grey, width=5, colour="p3", format=Format.JPEG)
    assert made.mode == "L"
    assert "icc_profile" not in made.info


def test_pq_is_tone_mapped_into_it(tmp_path: pathlib.Path) -> None:
    """The same light as in sRGB, with the colours that sRGB cuts off."""
    told = cicp.Cicp(cicp.PRIMARIES[9], cicp.PQ)
    picture = Image.new("RGB", (4, 4), (120, 40, 40))
    narrow = colour.to_srgb(picture, told)[0].getpixel((0, 0))
    wide = colour.to_srgb(picture, told, wide=True)[0].getpixel((0, 0))
    assert colour.is_wide(told)
    assert isinstance(wide, tuple)
    lights = [gamma.srgb_light(level / 255) for level in wide]
    rows = gamma.between(display_p3.PRIMARIES, gamma.SRGB)
    back = [sum(a * b for a, b in zip(row, lights, strict=True)) for row in rows]
    assert samples.near(narrow, [round(255 * gamma.srgb_level(max(0.0, each))) for each in back], 2)
    assert min(back) < 0


def test_backgrounds_look_the_same(tmp_path: pathlib.Path) -> None:
    """`bg` is a colour of sRGB; greys have the same levels in both."""
    path = original(tmp_path / "a.png", icc_profile=WIDE["Display P3"])
    fields: dict[str, Any] = {"width": 40, "height": 40, "fit": Fit.CANVAS}
    _, made = samples.rendered(path, colour="p3", background=(255, 0, 0, 255), **fields)
    pixel = made.getpixel((20, 1))
    assert samples.near(pixel[:3], (234, 51, 35), 1)
    padded, _ = samples.rendered(path, colour="p3", background=(255, 0, 0, 255), pad=(9, 0, 0, 0))
    assert samples.near(samples.opened(padded.data).getpixel((20, 4))[:3], (234, 51, 35), 1)
    srgb, _ = colour.to_srgb(Image.new("RGB", (1, 1), pixel[:3]), display_p3.profile())
    assert samples.near(srgb.getpixel((0, 0)), (255, 0, 0), 2)
    for level in range(256):
        assert display_p3.of_srgb((level, level, level, 9)) == (level, level, level, 9)


@pytest.mark.parametrize("output", [Format.WEBP, Format.AVIF])
def test_animations_keep_it(tmp_path: pathlib.Path, output: Format) -> None:
    """Every frame, with one profile."""
    frames = [samples.quarters((48, 32)), samples.quarters((48, 32)).rotate(180)]
    path = samples.saved(
        tmp_path / "a.webp",
        frames[0],
        save_all=True,
        append_images=frames[1:],
        duration=80,
        lossless=True,
        icc_profile=display_p3.profile(),
    )
    _, made = samples.rendered(path, width=24, format=output, colour="p3")
    assert made.n_frames == 2
    assert made.info["icc_profile"] == display_p3.profile()
    for number, pixel in enumerate((samples.RED, samples.YELLOW)):
        made.seek(number)
        assert samples.near(made.convert("RGB").getpixel((5, 4)), pixel, 12)


def test_only_what_is_beyond_srgb_is_wide() -> None:
    """Corners of a profile's colours decide; presses have a cyan that sRGB has not."""
    for name, primaries in (("EBU", 22), ("BT.2020", 9), ("DCI-P3", 11)):
        assert colour.is_wide(gamma._made(0.0, cicp.PRIMARIES[primaries])), name
    for value, primaries in itertools.product((0.0, 1 / 1.8), (1, 6)):
        assert not colour.is_wide(gamma._made(value, cicp.PRIMARIES[primaries]))
    assert not colour.is_wide(samples.profile(2.2, b"GRAY"))
