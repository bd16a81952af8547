"""JPEG XL out: what is written shows what was given, and memory that is short is said."""

import ctypes
import pathlib
import subprocess
import sys
from typing import Any

import imagecodecs
import pytest
from PIL import Image

from liveresize import errors
from liveresize.core.formats import Format, Negotiated
from liveresize.imaging import encode, jxl_encoder, libjxl, memory, render_plan
from liveresize.imaging.settings import EngineSettings
from liveresize.maintenance.doctor import codecs
from liveresize.settings.pictures import Encoder, Formats, Jxl

from . import samples

MODES = ("L", "LA", "RGB", "RGBA")


def scene(size: tuple[int, int], mode: str) -> Image.Image:
    """A picture with an alpha from none to all, if it has one."""
    picture = samples.scene(size).convert(mode)
    if mode.endswith("A"):
        picture.putalpha(Image.linear_gradient("L").resize(size))
    return picture


@pytest.mark.parametrize("mode", MODES)
def test_what_is_written_shows_what_was_given(mode: str) -> None:
    """To our decoder and to that of imagecodecs; the same bytes each time, and alpha as it was."""
    picture = scene((120, 90), mode)
    data = jxl_encoder.encoded(picture, 100, 3)
    assert data == jxl_encoder.encoded(picture, 100, 3)
    others = Image.fromarray(imagecodecs.jpegxl_decode(data).squeeze(), mode)
    for shown in (samples.opened(data), others):
        assert (shown.mode, shown.size) == (mode, picture.size)
        assert samples.psnr(shown.convert("RGB"), picture.convert("RGB")) > 38
        if mode.endswith("A"):
            assert shown.getchannel("A").tobytes() == picture.getchannel("A").tobytes()
    assert "icc_profile" not in samples.opened(data).info
    assert b"Exif" not in data


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (9, 7), (2100, 3), (65_536, 1)])
def test_every_size_is_written(size: tuple[int, int]) -> None:
    """Of one pixel, of one row or column, and of several groups."""
    for mode in MODES:
        shown = samples.opened(jxl_encoder.encoded(scene(size, mode), 0, 3))
        assert (shown.mode, shown.size) == (mode, size)
    clear = samples.opened(jxl_encoder.encoded(Image.new("RGBA", size), 100, 3))
    assert clear.getchannel("A").getextrema() == (0, 0)


def test_quality_and_effort_are_what_is_asked_for() -> None:
    """More quality is closer and larger up to the last level, which stays lossy."""
    picture = scene((240, 180), "RGB")
    levels = [jxl_encoder.encoded(picture, level, 3) for level in (0, 30, 60, 90, 100)]
    assert [len(data) for data in levels] == sorted({len(data) for data in levels})
    close = [samples.psnr(samples.opened(data), picture) for data in levels]
    assert close == sorted(close)
    assert close[-1] > 40
    for effort, expected in (("fast", 3), ("balanced", 3), ("small", 5)):
        data = encode.still(picture, Format.JXL, 60, EngineSettings(effort=effort))
        assert data == jxl_encoder.encoded(picture, 60, expected)
    chosen = EngineSettings(effort="fast", jxl=Jxl(effort=1))
    assert encode.still(picture, Format.JXL, 60, chosen) == jxl_encoder.encoded(picture, 60, 1)


@pytest.mark.parametrize("mode", ["1", "P", "PA", "CMYK", "YCbCr", "I;16", "LA", "RGBA", "LAB"])
def test_originals_of_every_mode_are_answered(tmp_path: pathlib.Path, mode: str) -> None:
    """Palettes, CMYK, depths and greys become what JPEG XL shows."""
    path = tmp_path / "a.tiff"
    picture = samples.scene((60, 40))
    if mode == "I;16":
        picture = Image.new("I;16", (60, 40), 40_000)
    else:
        picture = (
            picture.convert("P" if mode in ("P", "PA") else mode) if mode != "LAB" else picture
        )
    suffix = "png" if mode in ("1", "P", "PA", "I;16", "LA", "RGBA") else "tiff"
    options: dict[str, Any] = {"transparency": 3} if mode == "PA" else {}
    picture.save(path, suffix, **options)
    settings = samples.tuned(formats=("png", "tiff"))
    result, shown = samples.rendered(path, width=30, format=Format.JXL, settings=settings)
    assert (result.format, shown.size) == (Format.JXL, (30, 20))
    _, same = samples.rendered(path, width=30, format=Format.PNG, settings=settings)
    assert samples.psnr(shown.convert("RGBA"), same.convert("RGBA")) > 23


def test_an_animation_is_its_first_frame(tmp_path: pathlib.Path) -> None:
    """And `auto` keeps it moving, in another format."""
    path = tmp_path / "a.gif"
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    _, shown = samples.rendered(path, format=Format.JXL)
    assert samples.near(shown.convert("RGB").getpixel((9, 9)), (255, 0, 0), 12)
    every = Negotiated(avif=True, webp=True, jxl=True)
    assert samples.rendered(path, format=every)[0].format is Format.WEBP
    assert samples.rendered(path, format=every, animate=False)[0].format is Format.JXL


def test_pixels_are_bounded(tmp_path: pathlib.Path) -> None:
    """Above the bound the address of JPEG XL is refused, and `auto` is the next best."""
    path = tmp_path / "a.png"
    samples.scene((60, 40)).save(path)
    every = Negotiated(avif=True, webp=True, jxl=True)
    for most, output in ((2400, Format.JXL), (2399, Format.AVIF)):
        settings = EngineSettings(jxl=Jxl(max_pixels=most))
        result, _ = samples.rendered(path, format=every, settings=settings)
        assert result.format is output
    with pytest.raises(errors.ImageTooLarge, match=r"60x40 pixels.*2,399 .*jxl\.max_pixels"):
        samples.rendered(path, format=Format.JXL, settings=settings)
    few = EngineSettings(jxl=Jxl(max_pixels=9), encoder=Encoder(avif_max_pixels=9))
    assert samples.rendered(path, format=every, settings=few)[0].format is Format.WEBP
    assert (
        render_plan.chosen(
            samples.rendition(format=Negotiated(jxl=True)), (60, 40), False, False, few
        )
        is Format.JPEG
    )


def test_it_fits_into_a_number_of_bytes(tmp_path: pathlib.Path) -> None:
    """And as many as that are nearly used."""
    path = tmp_path / "a.png"
    samples.scene((240, 180)).save(path)
    for most in (4096, 8192):
        result, _ = samples.rendered(path, format=Format.JXL, max_bytes=most)
        assert 0.8 * most < len(result.data) <= most


def test_lack_of_memory_is_said(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where libjxl gets none, and where there is too little before it begins."""
    path = tmp_path / "a.png"
    samples.scene((600, 400)).save(path)
    scarce, room = libjxl.Memory(), ctypes.CDLL(None).malloc

    def allocate(_: object, size: int) -> int | None:
        refused = size > 100_000
        scarce.refused += refused
        return None if refused else room(ctypes.c_size_t(size))

    scarce.allocate = libjxl.Allocate(allocate)
    room.restype = ctypes.c_void_p
    with monkeypatch.context() as patch:
        patch.setattr(libjxl, "memory", lambda: scarce)
        with pytest.raises(errors.MemoryExceeded):
            samples.rendered(path, format=Format.JXL)
    assert scarce.refused
    with monkeypatch.context() as patch:
        patch.setattr(jxl_encoder, "TAKES", (2**43, 2**43))
        with pytest.raises(errors.MemoryExceeded):
            samples.rendered(path, format=Format.JXL)


def test_the_doctor_tries_it_where_it_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says what to install where that is missing."""

    def found(settings: EngineSettings) -> list[str]:
        parts = codecs.look(settings)
        return [finding.level.name for finding in parts if finding.part == "codec jxl"]

    few = Formats(input=("png",))
    assert found(EngineSettings(formats=few)) == []
    on = EngineSettings(formats=few, jxl=Jxl(enabled=True))
    assert found(on) == ["OK"]
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    assert found(on) == ["WARNING"]


LIMITED = """
import os, resource, sys
from PIL import Image
from liveresize.imaging import jxl_encoder
mode, side, effort, share = sys.argv[1], *map(float, sys.argv[2:])
size = int(side), int(side)
noise = lambda: Image.frombytes("L", size, os.urandom(size[0] * size[1]))
picture = Image.merge(mode, [noise() for _ in Image.new(mode, (1, 1)).getbands()])
jxl_encoder.encoded(picture.resize((8, 8)), 100, int(effort))
need = jxl_encoder.BESIDE + jxl_encoder.TAKES[mode.endswith("A")] * size[0] * size[1]
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_AS, (now + int(share * need) + 65536,) * 2)
try:
    jxl_encoder.encoded(picture, 100, int(effort))
except MemoryError:
    print("MemoryError")
else:
    print("done")
"""
"""Encodes noise, which takes most, within a share of what is computed for it."""


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
def test_no_limit_of_memory_ends_the_process(mode: str) -> None:
    """Around what an encoding takes, where the C++ of libjxl would abort: it is done or it is not
    begun."""
    for effort in (1, 5):
        told = []
        for share in (0.3, 0.6, 0.7, 0.8, 0.9, 0.97, 1.05):
            command = [sys.executable, "-c", LIMITED, mode, "1000", str(effort), str(share)]
            ended = subprocess.run(command, capture_output=True, text=True, check=True)
            told.append(ended.stdout.strip())
        assert set(told) == {"done", "MemoryError"}
        assert told == sorted(told)
        assert (told[0], told[-1]) == ("MemoryError", "done")


def test_a_job_counts_what_an_encoding_may_take() -> None:
    """What is checked before anything is decoded is no less than what is asked for then."""
    pairs = zip(memory.ENCODING[Format.JXL], jxl_encoder.TAKES, strict=True)
    assert all(counted >= asked for counted, asked in pairs)
    assert jxl_encoder.BESIDE <= memory.SLACK
