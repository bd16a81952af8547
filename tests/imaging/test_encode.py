"""Encoders: nothing but pixels goes out, at the quality and effort that were asked for."""

import pathlib
import random
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from liveresize.core.formats import Format
from liveresize.core.values import Quality
from liveresize.imaging import encode, quality
from liveresize.imaging.settings import EngineSettings
from liveresize.settings.pictures import Encoder

from . import samples

SECRET = b"a very secret remark"
HARMLESS = {
    Format.JPEG: {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
        "progression",
        "progressive",
    },
    Format.PNG: set(),
    Format.WEBP: {"loop", "background", "timestamp", "duration"},
    Format.AVIF: {"timestamp", "duration"},
    Format.GIF: {"version", "background", "transparency", "extension", "duration", "loop"},
    Format.JXL: set(),
}


@pytest.fixture(params=["jpg", "png", "webp", "avif", "gif"])
def talkative(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> pathlib.Path:
    """A picture that says all that its format can say besides its pixels."""
    block = Image.Exif()
    block[0x010E] = SECRET.decode()
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode())
    text.add_itxt("Description", SECRET.decode())
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    said = {"exif": block.tobytes(), "xmp": SECRET, "icc_profile": profile}
    arguments: dict[str, dict[str, Any]] = {
        "jpg": {**said, "comment": SECRET, "dpi": (300, 300)},
        "png": {**said, "pnginfo": text, "dpi": (300, 300)},
        "webp": said,
        "avif": said,
        "gif": {"comment": SECRET},
    }
    path = tmp_path / f"a.{request.param}"
    return samples.saved(path, samples.scene((60, 40)), **arguments[request.param])


@pytest.mark.parametrize("output", Format)
@pytest.mark.parametrize("width", [0, 30])
def test_no_metadata_goes_out(talkative: pathlib.Path, output: Format, width: int) -> None:
    """No EXIF, XMP, ICC, text or comment is in a rendition, resized or not."""
    assert SECRET in talkative.read_bytes()
    result, picture = samples.rendered(talkative, width=width, format=output)
    assert set(picture.info) <= HARMLESS[output]
    for sign in (SECRET, b"Exif", b"ICC", b"iCCP", b"xmp", b"XMP", b"acsp", b"pHYs"):
        assert sign not in result.data


@pytest.mark.parametrize("level", [1, 10, 25, 40, 50, 60, 75, 82, 90, 95, 100])
def test_quality_is_read_off_the_tables(tmp_path: pathlib.Path, level: int) -> None:
    """The estimate for a libjpeg file is the quality it was saved with."""
    path = samples.saved(tmp_path / "a.jpg", samples.scene((40, 30)), quality=level)
    assert quality.estimate(samples.opened(path.read_bytes()).quantization) == level


def test_odd_tables_give_the_nearest_quality() -> None:
    """Tables of other encoders are placed between libjpeg's; no table is no estimate."""
    assert quality.estimate({0: [1] * 64}) == 100
    assert quality.estimate({0: [255] * 64}) == 1
    assert quality.estimate({0: [10_000] * 64}) == 1
    assert quality.estimate({}) is None
    between = [step + (step % 2) for step in (16, 11, 10, 16) * 16]
    assert 1 <= (quality.estimate({0: between}) or 0) <= 100


@pytest.mark.parametrize(("stored", "used"), [(20, 40), (55, 55), (75, 75), (99, 92)])
def test_auto_quality_matches_the_original(tmp_path: pathlib.Path, stored: int, used: int) -> None:
    """JPEG from JPEG keeps the original's quality, between floor and ceiling."""
    path = samples.saved(tmp_path / "a.jpg", samples.scene((60, 40)), quality=stored)
    auto = Quality(82, 80, 60, match=True)
    result, picture = samples.rendered(path, width=30, quality=auto, format=Format.JPEG)
    assert quality.estimate(picture.quantization) == used
    fixed, _ = samples.rendered(path, width=30, quality=Quality.of(used), format=Format.JPEG)
    assert fixed.data == result.data


def test_auto_quality_of_other_originals_is_the_default(tmp_path: pathlib.Path) -> None:
    """A PNG has no quality to match, so the configured level is used."""
    path = samples.saved(tmp_path / "a.png", samples.scene((60, 40)))
    auto = Quality(71, 80, 60, match=True)
    _, picture = samples.rendered(path, width=30, quality=auto, format=Format.JPEG)
    assert quality.estimate(picture.quantization) == 71


@pytest.mark.parametrize("output", [Format.JPEG, Format.WEBP, Format.AVIF])
def test_quality_costs_bytes(tmp_path: pathlib.Path, output: Format) -> None:
    """Every lossy format spends more bytes on a higher quality, from 0 to 100."""
    path = samples.saved(tmp_path / "a.png", samples.scene((300, 200)))
    sizes = [
        len(samples.rendered(path, quality=Quality.of(level), format=output)[0].data)
        for level in (0, 40, 80, 100)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


EFFORTS = ("fast", "balanced", "small")
"""From the quickest to the most thorough."""


def effort(level: str, **alone: object) -> EngineSettings:
    """The engine's settings for one effort, with some knobs set alone."""
    return EngineSettings(effort=level, encoder=Encoder(**alone))  # type: ignore[arg-type]


@pytest.mark.parametrize("output", [Format.JPEG, Format.PNG, Format.WEBP, Format.AVIF])
def test_effort_saves_bytes(output: Format) -> None:
    """The smallest files come of the greatest effort."""
    picture = samples.scene((400, 300))
    sizes = [len(encode.still(picture, output, 80, effort(level))) for level in EFFORTS]
    assert sizes[2] <= sizes[1] * 1.01
    assert sizes[2] < sizes[0]


def test_every_knob_can_be_set_alone() -> None:
    """A knob that is set wins over what the effort says."""
    picture = samples.scene((200, 150))
    small, fast = "small", "fast"
    plain = encode.still(
        picture, Format.JPEG, 80, effort(small, jpeg_progressive=False, jpeg_optimize=False)
    )
    assert "progressive" not in samples.opened(plain).info
    assert plain == encode.still(picture, Format.JPEG, 80, effort(fast))
    knobs = {
        Format.PNG: {"png_level": 1, "png_run_length": True},
        Format.WEBP: {"webp_method": 2},
        Format.AVIF: {"avif_speed": 9},
    }
    for output, alone in knobs.items():
        expected = encode.still(picture, output, 80, effort(fast))
        assert encode.still(picture, output, 80, effort(small, **alone)) == expected


def test_large_avifs_are_made_quickly() -> None:
    """From half a megapixel on the balanced AVIF is the fast one; smaller ones take longer."""
    for size, quick in [((800, 624), False), ((800, 625), True)]:
        picture = samples.scene(size)
        balanced, fast = (
            encode.still(picture, Format.AVIF, 60, effort(level)) for level in ("balanced", "fast")
        )
        assert (balanced == fast) is quick
    alone = encode.still(picture, Format.AVIF, 60, effort("balanced", avif_speed=8))
    assert alone != balanced


def test_balanced_jpegs_are_progressive() -> None:
    """The default JPEG is progressive."""
    data = encode.still(samples.scene((200, 150)), Format.JPEG, 80, EngineSettings())
    assert samples.opened(data).info["progressive"] == 1


@pytest.mark.parametrize("level", [80, 89, 95, 100])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_noise_fits_the_buffer(mode: str, level: int) -> None:
    """The least compressible picture there is can be encoded at any quality."""
    size = (400, 300)
    noise = Image.frombytes(mode, size, random.Random(1).randbytes(400 * 300 * len(mode)))
    harsh = noise.point(([0] * 128 + [255] * 128) * len(mode))
    for picture in (noise, harsh):
        data = encode.still(picture, Format.JPEG, level, EngineSettings())
        assert samples.opened(data).size == size


def test_chroma_is_whole_at_high_quality() -> None:
    """From quality 90 colour is not subsampled; below it is."""
    picture = samples.scene((64, 48))
    for level, samplings in [(89, (2, 2)), (90, (1, 1))]:
        data = encode.still(picture, Format.JPEG, level, EngineSettings())
        image = samples.opened(data)
        assert image.layer[0][1:3] == samplings


def test_gifs_of_photographs_stay_close(tmp_path: pathlib.Path) -> None:
    """255 dithered colours come near the original."""
    scene = samples.scene((200, 150))
    path = samples.saved(tmp_path / "a.png", scene)
    _, picture = samples.rendered(path, format=Format.GIF)
    assert samples.psnr(picture, scene) > 27
