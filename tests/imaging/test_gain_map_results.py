"""`hdr=keep`: the gain map of a JPEG in its renditions."""

import importlib
import io
import math
import pathlib
from typing import Any

import pytest
from PIL import Image, ImageStat

from liveresize.core.formats import Format
from liveresize.core.operation import UrlRules
from liveresize.core.operations import OPERATIONS
from liveresize.core.values import CENTER, COMPASS, SMART, Fit, Gravity, Quality
from liveresize.imaging import cleaning, display_p3, memory, render, rights
from liveresize.imaging.cleaning.gain_map import apple, search, xmp
from liveresize.imaging.cleaning.gain_map.gains import Gains

from . import samples, ultra_hdr, uploads

LARGE, MAP = (320, 240), (80, 60)

STOPS = Gains(least=(0,), most=(2.3,), full=2.3)
"""What the metadata of `ultra_hdr` says."""

FINE: dict[str, Any] = {"format": Format.JPEG, "hdr": "keep", "quality": Quality.of(95)}


def original(path: pathlib.Path, orientation: int = 1, **told: Any) -> pathlib.Path:
    """A picture of a Pixel, whose gain map is dark at its left and bright at its right."""
    second = ultra_hdr.gain_map(
        ultra_hdr.xmp(ultra_hdr.HDRGM + ultra_hdr.GAINS),
        ultra_hdr.iso(),
        picture=told.pop("picture", ultra_hdr.ramp(MAP)),
    )
    path.write_bytes(ultra_hdr.pixel(orientation, LARGE, second))
    return path


def kept(data: bytes) -> tuple[search.GainMap, Image.Image]:
    """The gain map in a result, and its levels."""
    found = search.find(memoryview(data))
    assert found
    return found, samples.opened(bytes(found.file))


def levels(picture: Image.Image) -> list[float]:
    """The average levels at the left, the right, the top and the bottom."""
    width, height = picture.size
    boxes = (
        (0, 0, width // 4, height),
        (width - width // 4, 0, width, height),
        (0, 0, width, height // 4),
        (0, height - height // 4, width, height),
    )
    return [ImageStat.Stat(picture.convert("L").crop(box)).mean[0] for box in boxes]


def test_it_is_scaled_with_the_picture_and_says_the_same(tmp_path: pathlib.Path) -> None:
    """To the picture it is as before; ISO, `hdrgm` and the index are there."""
    result, picture = samples.rendered(original(tmp_path / "a.jpg"), width=160, **FINE)
    found, made = kept(result.data)
    assert (picture.size, made.size, made.mode) == ((160, 120), (40, 30), "L")
    assert found.gains == STOPS
    assert found.iso
    assert found.iso.gains == STOPS
    assert samples.psnr(made, ultra_hdr.ramp(MAP).resize((40, 30))) > 40
    plain, _ = samples.rendered(tmp_path / "a.jpg", width=160, **FINE | {"hdr": "none"})
    assert search.find(memoryview(plain.data)) is None
    assert b"MPF" not in plain.data
    assert uploads.looks(result.data) == uploads.looks(plain.data)


DARK, BRIGHT = 60, 195

HALF = OPERATIONS["rect"].read("50%,0,50%,100%", UrlRules())

PARTS = {
    "all": ({"width": 160}, [0, 1, None, None]),
    "the left half": (
        {"width": 80, "height": 120, "fit": Fit.CROP, "gravity": COMPASS["west"]},
        [0, None, None, None],
    ),
    "the right half": (
        {"width": 80, "height": 120, "fit": Fit.CROP, "gravity": COMPASS["east"]},
        [None, 1, None, None],
    ),
    "a rect": ({"width": 80, "rect": HALF}, [None, 1, None, None]),
    "turned": ({"width": 120, "rotate": 90}, [None, None, 0, 1]),
    "turned back": ({"width": 120, "rotate": 270}, [None, None, 1, 0]),
    "mirrored": ({"width": 160, "flip": "h"}, [1, 0, None, None]),
    "stretched": ({"width": 160, "height": 160, "fit": Fit.FILL}, [0, 1, None, None]),
}


@pytest.mark.parametrize("name", PARTS)
def test_it_shows_the_same_part(tmp_path: pathlib.Path, name: str) -> None:
    """Cut out, turned and mirrored as the picture."""
    fields, sides = PARTS[name]
    result, _ = samples.rendered(original(tmp_path / "a.jpg"), **FINE | fields)
    _, made = kept(result.data)
    for level, side in zip(levels(made), sides, strict=True):
        if side is not None:
            assert level > BRIGHT if side else level < DARK


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_upright_with_the_picture(tmp_path: pathlib.Path, orientation: int) -> None:
    """Both are stored in the same way, and EXIF says of both how they are seen."""
    result, picture = samples.rendered(original(tmp_path / "a.jpg", orientation), width=120, **FINE)
    _, made = kept(result.data)
    assert abs(made.width / made.height - picture.width / picture.height) < 0.05
    bright = {1: 1, 2: 0, 3: 0, 4: 1, 5: 3, 6: 3, 7: 2, 8: 2}[orientation]
    sides = levels(made)
    assert sides[bright] > BRIGHT
    assert sides[bright ^ 1] < DARK


@pytest.mark.parametrize("gravity", [CENTER, SMART, Gravity(900, 100)])
def test_another_format_before_changes_nothing(tmp_path: pathlib.Path, gravity: Gravity) -> None:
    """What a worker keeps of one format is nothing that a gain map goes by."""
    path = original(tmp_path / "a.jpg")
    fields: dict[str, Any] = {"width": 50, "height": 100, "fit": Fit.CROP, "gravity": gravity}
    rendition = samples.rendition(**FINE | fields)
    first = render.render(path, rendition, samples.SETTINGS, again=True).data
    assert render.render(path, rendition, samples.SETTINGS).data == first
    assert kept(first)[1].size == (13, 25)


LOST: dict[str, dict[str, Any]] = {
    "WebP": {"format": Format.WEBP},
    "PNG": {"format": Format.PNG},
    "brightness": {"brightness": 10},
    "contrast": {"contrast": 10},
    "saturation": {"saturation": 10},
    "pixelate": {"pixelate": 4},
    "tint": {"tint": ((0, 0, 0, 255), (255, 204, 0, 255))},
    "grey": {"grey": True},
    "radius": {"radius": 9},
    "pad": {"pad": (0, 9, 0, 0)},
    "canvas": {"fit": Fit.CANVAS, "height": 160},
}


@pytest.mark.parametrize("name", LOST)
def test_what_no_gain_map_fits_is_as_without(tmp_path: pathlib.Path, name: str) -> None:
    """To the byte, and under the same variant."""
    path = original(tmp_path / "a.jpg")
    fields = {"width": 160, **FINE, **LOST[name]}
    asked, _ = samples.rendered(path, **fields)
    plain, _ = samples.rendered(path, **fields | {"hdr": "none"})
    assert asked.data == plain.data
    assert (
        samples.rendition(**fields).variant == samples.rendition(**fields | {"hdr": "none"}).variant
    )


def test_an_original_without_one_is_as_without(tmp_path: pathlib.Path) -> None:
    """JPEG or not."""
    picture = samples.scene((120, 80))
    for name in ("a.jpg", "a.png"):
        path = samples.saved(tmp_path / name, picture)
        asked, _ = samples.rendered(path, width=60, **FINE)
        plain, _ = samples.rendered(path, width=60, **FINE | {"hdr": "none"})
        assert asked.data == plain.data


@pytest.mark.parametrize("fields", [{}, {"width": 40}, {"width": 30, "format": Format.WEBP}])
@pytest.mark.parametrize("maker", [ultra_hdr.pixel, ultra_hdr.iphone])
def test_without_it_results_are_those_of_the_picture_alone(
    tmp_path: pathlib.Path, maker: Any, fields: dict[str, Any]
) -> None:
    """To the byte: an original with a gain map is rendered as one without."""
    data = memoryview(maker(6, LARGE))
    two, one = tmp_path / "two.jpg", tmp_path / "one.jpg"
    two.write_bytes(b"".join(cleaning.cleaned("jpeg", data, 6)))
    one.write_bytes(b"".join(cleaning.cleaned("jpeg", data, 6, hdr=False)))
    assert two.stat().st_size > one.stat().st_size
    fields = {"format": Format.JPEG, "quality": Quality(80, 80, 80, match=True), **fields}
    made, _ = samples.rendered(two, **fields)
    plain, _ = samples.rendered(one, **fields)
    assert made.data == plain.data


def test_it_goes_with_display_p3(tmp_path: pathlib.Path) -> None:
    """The picture has its profile, and the gain map its own metadata."""
    path = original(tmp_path / "a.jpg")
    data = path.read_bytes()
    wide = display_p3.profile().ljust(len(uploads.icc()), b"\0")
    path.write_bytes(data.replace(uploads.icc(), wide))
    result, picture = samples.rendered(path, width=160, **FINE | {"colour": "p3"})
    found, _ = kept(result.data)
    assert picture.info["icc_profile"] == display_p3.profile()
    assert found.gains == STOPS
    assert found.iso
    assert found.iso.gains == STOPS


def test_rights_stay_beside_it(tmp_path: pathlib.Path) -> None:
    """Both are in one packet of XMP: readers look at the first one alone."""
    path = original(tmp_path / "a.jpg")
    told = rights.of({"dc:creator": ("Ada",), "exif:Artist": ("Ada",)})
    data = memoryview(path.read_bytes())
    path.write_bytes(b"".join(cleaning.cleaned("jpeg", data, 1, told)))
    result, _ = samples.rendered(path, width=300, rights=True, **FINE)
    found, _ = kept(result.data)
    assert found.gains == STOPS
    assert cleaning.rights_in("jpeg", memoryview(result.data)) == told
    assert result.data[: -len(found.file)].count(xmp.MARK) == 1


def test_it_counts_where_bytes_are_limited(tmp_path: pathlib.Path) -> None:
    """Picture and gain map together are within `max_bytes`."""
    path = original(tmp_path / "a.jpg")
    whole, _ = samples.rendered(path, width=160, **FINE)
    most = len(whole.data) * 3 // 4
    result, _ = samples.rendered(path, width=160, max_bytes=most, **FINE)
    assert search.find(memoryview(result.data))
    assert most // 2 < len(result.data) <= most


def test_blur_softens_it(tmp_path: pathlib.Path) -> None:
    """By as much as the picture; sharpen leaves it alone."""
    edge = Image.new("L", MAP, 0)
    edge.paste(255, (40, 0, 80, 60))
    path = original(tmp_path / "a.jpg", picture=edge)
    for fields, soft in (({"sharpen": 20}, False), ({"blur": 80}, True)):
        result, _ = samples.rendered(path, width=320, **FINE | fields)
        _, made = kept(result.data)
        beside = made.getpixel((37, 30))
        assert isinstance(beside, int)
        assert (beside > 20) is soft


def test_it_is_never_larger_than_its_part(tmp_path: pathlib.Path) -> None:
    """Where the picture is enlarged, and where hardly a pixel is left."""
    path = original(tmp_path / "a.jpg")
    for fields, size in (
        ({"width": 960}, (80, 60)),
        ({"width": 2}, (1, 1)),
        ({"width": 400, "height": 2, "fit": Fit.CROP}, (80, 1)),
    ):
        result, _ = samples.rendered(path, **FINE | fields)
        assert kept(result.data)[1].size == size


@pytest.mark.parametrize("version", [65536, 131072])
def test_apple_s_becomes_that_of_the_standard(tmp_path: pathlib.Path, version: int) -> None:
    """The gains are those of Apple's formula, whatever says the headroom."""
    path = tmp_path / "a.jpg"
    path.write_bytes(ultra_hdr.iphone(1, LARGE, version, ultra_hdr.ramp(MAP)))
    told = search.find(memoryview(path.read_bytes()))
    assert told
    assert told.apple
    result, _ = samples.rendered(path, width=320, **FINE | {"quality": Quality.of(100)})
    found, made = kept(result.data)
    assert found.apple is None
    assert found.gains
    headroom = told.apple.brightest
    assert found.gains.full == pytest.approx(math.log2(headroom), abs=1e-5)
    source = samples.opened(bytes(told.file))
    for x in range(4, 80, 8):
        before, after = source.getpixel((x, 30)), made.getpixel((x, 30))
        level = before / 255
        light = level / 4.5 if level < 0.081 else ((level + 0.099) / 1.099) ** (1 / 0.45)
        gain = 2 ** (found.gains.most[0] * after / 255)
        assert gain == pytest.approx(1 + (headroom - 1) * light, rel=0.03)


def test_three_gains_say_which_colours_they_are_for(tmp_path: pathlib.Path) -> None:
    """Those that the picture had, where it is converted."""
    path = tmp_path / "a.jpg"
    second = ultra_hdr.gain_map(ultra_hdr.iso(three=True), picture=ultra_hdr.ramp(MAP, "RGB"))
    data = ultra_hdr.pixel(1, LARGE, second)
    path.write_bytes(
        data.replace(uploads.icc(), display_p3.profile().ljust(len(uploads.icc()), b"\0"))
    )
    result, _ = samples.rendered(path, width=160, **FINE)
    found, made = kept(result.data)
    assert made.mode == "RGB"
    assert found.iso
    assert found.iso.gains
    assert found.iso.gains.own_space
    assert made.info["icc_profile"].rstrip(b"\0") == display_p3.profile().rstrip(b"\0")


def test_a_damaged_one_is_left_out(tmp_path: pathlib.Path) -> None:
    """The picture has all of its pixels."""
    path = original(tmp_path / "a.jpg")
    data = path.read_bytes()
    table = data.rindex(b"\xff\xc4") + 5
    path.write_bytes(data[:table] + b"\xff" * 16 + data[table + 16 :])
    assert search.find(memoryview(path.read_bytes()))
    asked, _ = samples.rendered(path, width=160, **FINE)
    plain, _ = samples.rendered(path, width=160, **FINE | {"hdr": "none"})
    assert asked.data == plain.data


def test_one_without_memory_is_left_out(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it takes is computed first, and the picture itself is more important."""
    path = original(tmp_path / "a.jpg")
    taken: list[tuple[Any, ...]] = []

    def computed(*sizes: Any) -> memory.Need:
        taken.append(sizes)
        return memory.Need("", 2**50, 0)

    monkeypatch.setattr(memory, "gain_map", computed)
    monkeypatch.setattr(memory, "room", lambda: 2**40)
    asked, _ = samples.rendered(path, width=160, **FINE)
    found = search.find(memoryview(path.read_bytes()))
    assert found
    assert taken == [
        (MAP, (40, 30), len(found.file), path.stat().st_size, len(asked.data), 4 * 160 * 120)
    ]
    assert search.find(memoryview(asked.data)) is None


def test_the_original_is_sent_where_it_is_smaller(tmp_path: pathlib.Path) -> None:
    """Without metadata, with its gain map if that is asked for, and without it if not."""
    path = tmp_path / "a.jpg"
    second = ultra_hdr.gain_map(ultra_hdr.iso(), picture=ultra_hdr.ramp(MAP))
    first = uploads.saved(samples.scene(LARGE), "JPEG", quality=60)
    at = first.index(b"\xff\xdb")
    path.write_bytes(ultra_hdr.joined(first[:at], first[at:], [second], ">"))
    for hdr, there in (("keep", True), ("none", False)):
        result, _ = samples.rendered(path, **FINE | {"hdr": hdr})
        assert (search.find(memoryview(result.data)) is not None) is there
        assert len(result.data) < len(first) + len(second)


def test_libultrahdr_shows_the_same(tmp_path: pathlib.Path) -> None:
    """The reader of Android: light of a rendition is that of the original, up to JPEG's loss."""
    codecs: Any = pytest.importorskip("imagecodecs")
    numpy: Any = importlib.import_module("numpy")
    if not codecs.ULTRAHDR.available:
        pytest.skip("built without libultrahdr")
    grey = Image.new("RGB", LARGE, (128, 128, 128))
    first = uploads.saved(grey, "JPEG", quality=95)
    second = ultra_hdr.gain_map(
        ultra_hdr.xmp(ultra_hdr.HDRGM + ultra_hdr.GAINS), picture=ultra_hdr.ramp(MAP)
    )
    head = ultra_hdr.put_in(first, ultra_hdr.xmp(ultra_hdr.HDRGM))
    at = head.index(b"\xff\xdb")
    data = ultra_hdr.joined(head[:at], head[at:], [second], ">")
    path = tmp_path / "a.jpg"
    path.write_bytes(uploads.cleaned("jpeg", data, 1))
    result, _ = samples.rendered(path, width=160, **FINE)
    before = codecs.ultrahdr_decode(path.read_bytes())[1::2, 1::2, 0].astype(float)
    after = codecs.ultrahdr_decode(result.data)[..., 0].astype(float)
    assert after.shape == before.shape == (120, 160)
    assert after.max() > 0.9
    assert numpy.abs(numpy.log2(after / before)).mean() < 0.05


def test_notes_without_brightness_have_none() -> None:
    """A headroom of 1 is no HDR; the formula is bounded."""
    assert apple.brightest(((0, 1), (9999, 1))) == 1
    assert apple.brightest(((2, 1), (-(2**31), 1))) == 256
    assert io.BytesIO(apple.maker_notes(((1, 2), (3, 4)))).read(9) == b"Apple iOS"
