"""Modes and colour: everything becomes sRGB, and nothing is clipped on the way."""

import pathlib
import struct
import zlib

import pytest
from PIL import Image, ImageCms

from liveresize.core.formats import Format
from liveresize.imaging import colour, modes

from . import samples

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GREY = (96, 96, 96)
LIGHTER = 255 * (96 / 255) ** (1.0 / 2.2)


def png(path: pathlib.Path, kind: int, depth: int, row: bytes, key: bytes = b"") -> pathlib.Path:
    """A PNG of one row in any colour type and depth, with a transparent colour if given."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    width = len(row) * 8 // depth // channels

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0)
    parts = [chunk(b"IHDR", header)]
    if key:
        parts.append(chunk(b"tRNS", key))
    parts += [chunk(b"IDAT", zlib.compress(b"\0" + row)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def test_sixteen_bit_greys_are_scaled(tmp_path: pathlib.Path) -> None:
    """16-bit grey 0, 1/4, 1/2 and 1 become 0, 64, 128 and 255, in mode L."""
    row = struct.pack(">4H", 0, 0x4040, 0x8080, 0xFFFF)
    _, picture = samples.rendered(png(tmp_path / "a.png", 0, 16, row))
    assert picture.mode == "L"
    assert list(picture.tobytes()) == [0, 64, 128, 255]


def test_sixteen_bits_with_a_transparent_colour(tmp_path: pathlib.Path) -> None:
    """The transparent grey or colour of a 16-bit PNG is found at full depth."""
    row = struct.pack(">3H", 0x4040, 0x4041, 0xFFFF)
    _, picture = samples.rendered(png(tmp_path / "a.png", 0, 16, row, b"\x40\x40"))
    assert picture.mode == "LA"
    assert list(picture.getchannel("A").tobytes()) == [0, 255, 255]
    row = struct.pack(">6H", 0xFFFF, 0, 0, 0, 0, 0xFFFF)
    _, picture = samples.rendered(
        png(tmp_path / "b.png", 2, 16, row, struct.pack(">3H", 0xFFFF, 0, 0))
    )
    assert picture.mode == "RGBA"
    assert list(picture.getchannel("A").tobytes()) == [0, 255]


def test_grey_with_alpha_stays_grey(tmp_path: pathlib.Path) -> None:
    """Grey and alpha, of 8 or 16 bits, are LA as PNG and L as JPEG."""
    deep = png(tmp_path / "a.png", 4, 16, struct.pack(">4H", 0x8080, 0xFFFF, 0x8080, 0))
    flat = samples.saved(tmp_path / "b.png", Image.new("LA", (2, 1), (128, 255)))
    for path in (deep, flat):
        assert samples.rendered(path)[1].mode == "LA"
        _, picture = samples.rendered(path, format=Format.JPEG)
        assert picture.mode == "L"
        assert samples.near([picture.getpixel((0, 0))], [128])


@pytest.mark.parametrize(
    ("mode", "becomes"),
    [
        ("1", "L"),
        ("L", "L"),
        ("LA", "RGBA"),
        ("P", "RGB"),
        ("PA", "RGBA"),
        ("RGB", "RGB"),
        ("RGBA", "RGBA"),
        ("RGBa", "RGBA"),
        ("CMYK", "CMYK"),
        ("YCbCr", "RGB"),
        ("HSV", "RGB"),
        ("I", "L"),
        ("I;16", "L"),
        ("F", "L"),
    ],
)
def test_every_mode_comes_down_to_four(mode: str, becomes: str) -> None:
    """Whatever mode a picture is decoded in, it can be resampled afterwards."""
    picture = Image.new("L", (4, 3), 200).convert("RGB" if mode == "PA" else "L")
    if mode == "PA":
        picture = picture.convert("P", palette=Image.Palette.ADAPTIVE).convert("PA")
    elif mode == "RGBa":
        picture = picture.convert("RGBA").convert("RGBa")
    elif mode in ("YCbCr", "HSV", "CMYK"):
        picture = picture.convert("RGB").convert(mode)
    elif mode == "I;16":
        picture = Image.new("I;16", (4, 3), 200 * 257)
    else:
        picture = picture.convert(mode)
    result = modes.normalised(picture)
    assert (result.mode, result.size) == (becomes, (4, 3))
    if mode != "1":
        assert samples.near(result.convert("RGB").getpixel((1, 1)), (200, 200, 200), 3)


def test_palettes_are_blended_not_picked(tmp_path: pathlib.Path) -> None:
    """Shrinking a palette or a 1-bit picture mixes its colours."""
    board = Image.new("1", (64, 64))
    board.putdata([(x + y) % 2 * 255 for y in range(64) for x in range(64)])
    for name, picture in [("a.png", board), ("b.gif", board.convert("P"))]:
        _, small = samples.rendered(samples.saved(tmp_path / name, picture), width=16)
        assert samples.near(small.convert("RGB").getpixel((8, 8)), (128, 128, 128), 6)


def test_transparent_palette_entries_become_alpha(tmp_path: pathlib.Path) -> None:
    """A GIF's transparent index leaves no trace of its colour."""
    picture = Image.new("P", (64, 64), 1)
    picture.putpalette([0, 255, 0, 200, 0, 0])
    picture.paste(0, (33, 0, 64, 64))
    path = samples.saved(tmp_path / "a.gif", picture, transparency=0)
    _, small = samples.rendered(path, width=13)
    assert small.has_transparency_data
    small = small.convert("RGBA")
    assert small.getpixel((12, 5))[3] == 0
    assert all(pixel[1] <= 2 for pixel in small.get_flattened_data() if pixel[3] > 8)


def test_cmyk_becomes_natural_rgb(tmp_path: pathlib.Path) -> None:
    """CMYK of JPEG, which Adobe inverts, comes out in its own colours."""
    picture = samples.quarters((80, 60))
    path = samples.saved(tmp_path / "a.jpg", picture.convert("CMYK"), quality=95)
    for output in (Format.JPEG, Format.PNG, Format.WEBP):
        _, small = samples.rendered(path, width=40, format=output)
        assert small.mode == "RGB"
        assert samples.near(small.getpixel((5, 5)), samples.RED, 16)
        assert samples.near(small.getpixel((35, 25)), samples.YELLOW, 16)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
@pytest.mark.parametrize("space", [b"RGB ", b"GRAY"])
def test_profiles_are_converted(tmp_path: pathlib.Path, mode: str, space: bytes) -> None:
    """A linear profile makes mid grey lighter in sRGB; alpha and greyness are left alone."""
    level = GREY if mode.startswith("RGB") else GREY[:1]
    if mode.endswith("A"):
        level = (*level, 90)
    picture = Image.new(mode, (8, 8), level if len(level) > 1 else level[0])
    path = samples.saved(tmp_path / "a.png", picture, icc_profile=samples.profile(1.0, space))
    result, made = samples.rendered(path, width=4)
    assert made.mode == mode
    pixel = made.convert("RGBA").getpixel((1, 1))
    if space == b"GRAY" and mode.startswith("RGB"):
        assert result.notes == ("icc_profile_ignored",)
        assert samples.near(pixel[:3], GREY, 1)
    else:
        assert result.notes == ()
        assert samples.near(pixel[:3], [LIGHTER] * 3, 6)
    assert pixel[3] == (90 if mode.endswith("A") else 255)


def test_srgb_profiles_change_nothing(tmp_path: pathlib.Path) -> None:
    """A picture that is sRGB already is not put through a transform."""
    scene = samples.scene((60, 40))
    tagged = samples.saved(tmp_path / "a.png", scene, icc_profile=SRGB)
    plain = samples.saved(tmp_path / "b.png", scene)
    assert samples.rendered(tagged)[1].tobytes() == samples.rendered(plain)[1].tobytes()
    assert colour._transform(SRGB, False) == ("RGB", None)


@pytest.mark.parametrize("profile", [b"nonsense", SRGB[:200], SRGB[:16] + b"????" + SRGB[20:]])
def test_broken_profiles_are_ignored_with_a_note(tmp_path: pathlib.Path, profile: bytes) -> None:
    """A profile that cannot be read is dropped; the pixels stay as they are."""
    path = samples.saved(tmp_path / "a.jpg", Image.new("RGB", (8, 8), GREY), icc_profile=profile)
    result, picture = samples.rendered(path)
    assert result.notes == ("icc_profile_ignored",)
    assert samples.near(picture.getpixel((4, 4)), GREY, 1)


def test_a_profile_of_another_mode_is_ignored(tmp_path: pathlib.Path) -> None:
    """An RGB profile on CMYK is dropped, and the plain formula used."""
    picture = Image.new("RGB", (16, 16), samples.RED).convert("CMYK")
    path = samples.saved(tmp_path / "a.jpg", picture, icc_profile=SRGB)
    result, made = samples.rendered(path)
    assert result.notes == ("icc_profile_ignored",)
    assert samples.near(made.getpixel((4, 4)), samples.RED, 12)


def test_an_absurdly_large_profile_is_ignored() -> None:
    """The cache of transforms cannot be filled with profiles of megabytes."""
    _, notes = colour.to_srgb(Image.new("RGB", (2, 2)), SRGB + bytes(colour.MAX_PROFILE))
    assert notes == ("icc_profile_ignored",)


def test_grey_jpegs_stay_grey(tmp_path: pathlib.Path) -> None:
    """A greyscale original is a greyscale JPEG, PNG and AVIF."""
    path = samples.saved(tmp_path / "a.jpg", samples.scene((80, 60)).convert("L"))
    for output in (Format.JPEG, Format.PNG, Format.AVIF):
        assert samples.rendered(path, width=40, format=output)[1].mode == "L"
