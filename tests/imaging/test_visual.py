"""`quality=visual`: the lowest quality at which a picture still looks the same."""

import io
import pathlib
import random
from dataclasses import replace

import pytest
from PIL import Image, ImageFilter

from liveresize import errors
from liveresize.core.formats import Format, Negotiated
from liveresize.core.jobs import VisualJob
from liveresize.core.values import Quality
from liveresize.imaging import encode, perform, similarity, visual
from liveresize.imaging.settings import EngineSettings

from . import samples

GRAIN = Image.frombytes("L", (300, 200), random.Random(1).randbytes(60_000)).point(
    lambda level: 120 + level // 16
)


def found(path: pathlib.Path, target: int = 960) -> Quality:
    quality = perform(VisualJob(path=str(path), target=target), samples.SETTINGS)
    assert isinstance(quality, Quality)
    return quality


def test_the_lowest_level_that_looks_the_same(tmp_path: pathlib.Path) -> None:
    """Of each format, for a higher target a higher one; what is larger than the copy is alike."""
    scene = samples.scene((480, 320)).filter(ImageFilter.UnsharpMask(2, 300))
    path = samples.saved(tmp_path / "a.png", scene)
    quality = found(path)
    luma = scene.convert("L")
    how = EngineSettings(encoder=visual.ENCODER)
    inside = 0
    for output in visual.LOWEST:
        level = quality.level(output)
        assert visual.LOWEST[output] <= level <= visual.HIGHEST
        alike = []
        for each in (level - 1, level):
            file = io.BytesIO(encode.still(scene.copy(), output, each, how))
            alike.append(similarity.overlapping(luma, Image.open(file).convert("L")) >= 0.96)
        inside += visual.LOWEST[output] < level < visual.HIGHEST
        if level > visual.LOWEST[output]:
            assert (output, alike) == (output, [False, True])
    assert inside
    assert (quality.target, quality.match) == (960, False)
    better = found(path, 985)
    assert better.token != quality.token
    assert all(better.level(each) >= quality.level(each) for each in visual.LOWEST)
    assert found(path) == quality
    grain = samples.saved(tmp_path / "b.png", GRAIN)
    assert found(grain, 995) == replace(Quality.of(visual.HIGHEST), target=995)


@pytest.mark.parametrize(
    ("name", "picture", "levels"),
    [
        ("flat.png", Image.new("RGB", (700, 500), "teal"), (50, 40, 40)),
        ("grey.png", Image.new("L", (1, 1), 9), (50, 40, 40)),
        ("wide.png", Image.new("RGB", (3000, 1), "red"), (50, 40, 40)),
        ("clear.png", Image.new("RGBA", (40, 40), (255, 0, 0, 0)), (50, 40, 40)),
        ("cmyk.jpg", Image.new("CMYK", (30, 30), (9, 9, 9, 9)), (50, 40, 40)),
        ("palette.gif", Image.new("RGB", (30, 30), "teal").quantize(), (50, 40, 40)),
    ],
)
def test_any_picture_has_a_quality(
    tmp_path: pathlib.Path, name: str, picture: Image.Image, levels: tuple[int, int, int]
) -> None:
    """Within the bounds, whatever its mode and however small."""
    path = samples.saved(tmp_path / name, picture)
    assert found(path) == Quality(*levels, target=960)


def test_the_first_frame_counts_and_the_right_way_up(tmp_path: pathlib.Path) -> None:
    """As for the still that JPEG would show."""
    plain = GRAIN.convert("RGB").filter(ImageFilter.GaussianBlur(1))
    still = found(samples.saved(tmp_path / "a.png", plain))
    frames = [Image.new("RGB", (300, 200), colour) for colour in ("red", "blue")]
    film = samples.saved(
        tmp_path / "a.webp", plain, save_all=True, append_images=frames, lossless=True
    )
    assert found(film) == still
    flat = samples.saved(tmp_path / "b.webp", frames[0], save_all=True, append_images=[plain])
    assert found(flat) == Quality(50, 40, 40, target=960)


def test_what_is_no_picture_is_refused(tmp_path: pathlib.Path) -> None:
    """As a render of it is."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8 no JPEG")
    with pytest.raises(errors.UnreadableImage):
        found(path)


def test_a_rendition_says_the_quality_that_was_found(tmp_path: pathlib.Path) -> None:
    """In the format that `auto` takes, and within `max_bytes` below it."""
    path = samples.saved(tmp_path / "a.png", samples.scene((300, 200)))
    quality = Quality(77, 66, 55, target=960)
    for offer, output in ((Negotiated(avif=True), Format.AVIF), (Negotiated(), Format.JPEG)):
        fields = {"width": 250, "format": offer}
        made, _ = samples.rendered(path, **fields, quality=quality)
        assert (made.format, made.quality) == (output, quality.level(output))
        plain, _ = samples.rendered(path, **fields, quality=Quality.of(quality.level(output)))
        assert (plain.data, plain.quality) == (made.data, None)
    less, _ = samples.rendered(
        path, width=250, format=Format.JPEG, quality=quality, max_bytes=len(made.data) // 2
    )
    assert less.quality is not None
    assert 10 <= less.quality < quality.jpeg
