"""JPEG XL: what is shown of it, and what is refused."""

import ctypes
import pathlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageChops

from liveresize import errors
from liveresize.core.jobs import IntakeJob
from liveresize.imaging import decode, ingest, libjxl

from . import jxl_files, samples
from .test_cicp import SHOWN, STORED, patches

pytestmark = pytest.mark.skipif(libjxl.load() is None, reason="imagecodecs is not installed")

LISTED = samples.tuned(formats=("jpeg", "png", "jxl"))

SIDE = 16


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Callable[..., pathlib.Path]:
    """Write a picture to a file, encoded as told."""

    def write(picture: Image.Image, **how: Any) -> pathlib.Path:
        path = tmp_path / "a"
        path.write_bytes(jxl_files.encoded(picture, **how))
        return path

    return write


def shown(path: pathlib.Path, width: int = SIDE) -> Image.Image:
    """The rendition of `path` as PNG."""
    return samples.rendered(path, width=width, settings=LISTED)[1]


def flat(levels: tuple[int, ...], mode: str = "RGB") -> Image.Image:
    """A picture of one colour."""
    return Image.new(mode, (SIDE, SIDE), levels)


def pixel(path: pathlib.Path, mode: str = "RGB") -> tuple[int, ...]:
    """The colour of the rendition's middle."""
    found = shown(path).convert(mode).getpixel((SIDE // 2, SIDE // 2))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("container", [False, True])
def test_lossless_pixels_come_out_as_they_are(
    made: Callable[..., pathlib.Path], mode: str, container: bool
) -> None:
    """Greys, colours and alpha, in a container or without one."""
    scene = samples.scene((60, 40)).convert(mode)
    if "A" in mode:
        scene.putalpha(Image.linear_gradient("L").resize(scene.size))
    with decode.open_picture(made(scene, container=container), LISTED, 60 * 40) as image:
        assert (image.mode, image.size) == (mode, scene.size)
        assert decode.loaded(image).tobytes() == scene.tobytes()


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_levels_are_scaled(made: Callable[..., pathlib.Path], bits: int) -> None:
    """Of more than 8 bits the upper ones are shown."""
    levels = (65535 * 3 // 4).to_bytes(2, "little") * (SIDE * SIDE * 3)
    assert samples.near(pixel(made(flat((0, 0, 0)), bits=bits, levels=levels)), (191,) * 3, 1)


def test_grey_of_16_bits(made: Callable[..., pathlib.Path]) -> None:
    """One deep channel is shown as grey, not as white."""
    levels = (65535 // 4).to_bytes(2, "little") * (SIDE * SIDE)
    path = made(flat((0,), "L"), bits=16, levels=levels)
    assert samples.near(pixel(path), (64,) * 3, 1)


def test_premultiplied_alpha_is_undone(made: Callable[..., pathlib.Path]) -> None:
    """Colours that are stored times their alpha come out bright."""
    path = made(flat((128, 64, 0, 128), "RGBA"), premultiplied=True)
    assert samples.near(pixel(path, "RGBA"), (255, 128, 0, 128), 1)


TURNED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Orientation → what makes the stored picture upright."""


@pytest.mark.parametrize("orientation", TURNED)
def test_the_stream_turns_the_picture_and_exif_does_not(
    made: Callable[..., pathlib.Path], orientation: int
) -> None:
    """The orientation of the header is applied once, whatever the Exif beside it says."""
    picture = samples.quarters((60, 40))
    boxes = [(b"Exif", bytes(4) + samples.exif(6).removeprefix(b"Exif\0\0"), False)]
    path = made(picture, orientation=orientation, boxes=boxes)
    how = TURNED[orientation]
    upright = picture if how is None else picture.transpose(how)
    assert (
        ImageChops.difference(shown(path, upright.width).convert("RGB"), upright).getbbox() is None
    )
    facts = ingest.probe(path, LISTED)
    assert (facts.width, facts.height) == upright.size


@pytest.mark.parametrize("points", SHOWN)
def test_named_colours_are_shown_as_by_chromium(
    made: Callable[..., pathlib.Path], points: tuple[int, int]
) -> None:
    """A colour space in the header, PQ and HLG included, is what code points are in a PNG."""
    primaries, transfer = points
    colours = (jxl_files.P3 if primaries == 12 else primaries, transfer)
    picture = shown(made(patches(), colours=colours), SIDE * len(STORED))
    for number, colour in enumerate(SHOWN[points]):
        at = SIDE * number + SIDE // 2, SIDE // 2
        assert samples.near(picture.convert("RGB").getpixel(at), colour, 4)


@pytest.mark.parametrize("colours", [(jxl_files.P3, jxl_files.SRGB), (jxl_files.BT709, 8)])
def test_lossy_files_keep_their_colours(
    made: Callable[..., pathlib.Path], colours: jxl_files.Colours
) -> None:
    """What is coded in the eye's own colour space looks as the lossless file does."""
    lossless = pixel(made(flat((64, 112, 96)), colours=colours))
    assert samples.near(
        pixel(made(flat((64, 112, 96)), colours=colours, distance=0.3)), lossless, 3
    )


def test_dark_levels_of_a_linear_file_are_told_apart(made: Callable[..., pathlib.Path]) -> None:
    """A deep lossy file of light is converted before it is cut to 256 levels."""
    dark = (65535 // 1000).to_bytes(2, "little") * (SIDE * SIDE * 3)
    linear = (jxl_files.BT709, jxl_files.LINEAR)
    path = made(flat((0, 0, 0)), colours=linear, bits=16, levels=dark, distance=0.1)
    assert samples.near(pixel(path), (3, 3, 3), 1)


@pytest.mark.parametrize(("peak", "told"), [(600.0, 600.0), (10_000.0, 0.0)])
def test_the_brightest_light_is_what_the_file_says(
    made: Callable[..., pathlib.Path], peak: float, told: float
) -> None:
    """The most that PQ can say is no news; anything below bounds the tone curve."""
    path = made(flat((90, 90, 90)), colours=(jxl_files.BT2020, jxl_files.PQ), peak=peak)
    with decode.open_picture(path, LISTED, SIDE * SIDE) as image:
        assert image.tally.peak == told  # type: ignore[attr-defined]


@pytest.mark.parametrize("distance", [0.0, 0.3])
def test_an_icc_profile_is_heeded(made: Callable[..., pathlib.Path], distance: float) -> None:
    """Whether libjxl converts or hands the profile out, the colours are those of a PNG."""
    profile = samples.profile(1.4)
    found = pixel(made(flat((64, 112, 96)), icc=profile, distance=distance))
    path = made(flat((0, 0, 0)))
    flat((64, 112, 96)).save(path, "PNG", icc_profile=profile)
    assert samples.near(found, pixel(path), 4)
    assert not samples.near(found, (64, 112, 96), 16)


def test_animations_are_refused_by_name(made: Callable[..., pathlib.Path]) -> None:
    """They are not supported, and the answer says so."""
    path = made(flat((200, 100, 50)), frames=3)
    with pytest.raises(errors.UnreadableImage, match="Animated JPEG XL is not supported"):
        shown(path)


def test_cmyk_is_refused_by_name(made: Callable[..., pathlib.Path]) -> None:
    """Its black would be lost without a word."""
    with pytest.raises(errors.UnreadableImage, match="JPEG XL in CMYK is not supported"):
        shown(made(flat((200, 100, 50)), black=True))


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize("left", [0.02, 0.2, 0.5, 0.9])
def test_damage_is_named(made: Callable[..., pathlib.Path], container: bool, left: float) -> None:
    """What is cut off, before or behind the header, is a damaged JPEG XL."""
    path = made(samples.scene((60, 40)), container=container)
    data = path.read_bytes()
    path.write_bytes(data[: max(20, round(len(data) * left))])
    with pytest.raises(errors.UnreadableImage, match="a damaged JPEG XL"):
        shown(path)


def test_too_many_pixels_are_refused_before_any_is_decoded(
    made: Callable[..., pathlib.Path],
) -> None:
    """The size is read off the head of the file, of which the rest need not be there."""
    path = made(samples.scene((600, 400)))
    path.write_bytes(path.read_bytes()[:100])
    settings = samples.tuned(formats=("jxl",), max_decode_pixels=600 * 400 - 1)
    with pytest.raises(errors.ImageTooLarge):
        samples.rendered(path, width=30, settings=settings)


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "jpeg"), ("RGBA", "png")])
def test_a_crop_at_the_upload_is_of_the_upright_picture(
    made: Callable[..., pathlib.Path], mode: str, kind: str
) -> None:
    """It is stored as a JPEG, or as a PNG with alpha, for browsers show those."""
    source = made(samples.quarters((60, 40)).convert(mode), orientation=6)
    target = source.with_suffix(".stored")
    job = IntakeJob(source=str(source), target=str(target), crop=(0, 0, 20, 60))
    facts = ingest.ingest(job, LISTED)
    assert (facts.format, facts.width, facts.height) == (kind, 20, 60)
    colour = shown(target, 20).convert("RGB").getpixel((10, 10))
    assert samples.near(colour, samples.BLUE, 16)


def test_lack_of_memory_is_not_taken_for_damage(
    monkeypatch: pytest.MonkeyPatch, made: Callable[..., pathlib.Path]
) -> None:
    """libjxl says the same of both; what it asks memory for tells them apart."""
    memory, room = libjxl.Memory(), ctypes.CDLL(None).malloc

    def allocate(_: object, size: int) -> int | None:
        refused = size > 100_000
        memory.refused += refused
        return None if refused else room(ctypes.c_size_t(size))

    memory.allocate = libjxl.Allocate(allocate)
    room.restype = ctypes.c_void_p
    monkeypatch.setattr(libjxl, "memory", lambda: memory)
    path = made(samples.scene((600, 400)))
    with pytest.raises(errors.MemoryExceeded):
        shown(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(errors.UnreadableImage):
        shown(path)


def test_without_the_library_the_format_is_not_accepted(
    monkeypatch: pytest.MonkeyPatch, made: Callable[..., pathlib.Path]
) -> None:
    """As if it were not listed, and nothing breaks."""
    path = made(flat((200, 100, 50)))
    monkeypatch.setattr(libjxl, "PACKAGE", "no_such_package")
    for cached in (libjxl.load, decode.accepted):
        cached.cache_clear()
    try:
        assert libjxl.version() == ""
        with pytest.raises(errors.UnsupportedImage):
            shown(path)
    finally:
        for cached in (libjxl.load, decode.accepted):
            monkeypatch.undo()
            cached.cache_clear()


def test_an_old_library_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its functions take other arguments."""
    monkeypatch.setattr(libjxl, "OLDEST", 99_000_000)
    libjxl.load.cache_clear()
    try:
        assert libjxl.load() is None
    finally:
        libjxl.load.cache_clear()
