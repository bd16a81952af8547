"""`trim`: what is left of a picture without its border."""

import pathlib
import random
from typing import Any

import pytest
from PIL import Image, ImageDraw

from liveresize import errors
from liveresize.core.formats import Format, Negotiated
from liveresize.core.rect import Rect
from liveresize.core.values import Fit, Gravity
from liveresize.imaging import decode, memory, orientation, trim

from . import samples

Box = tuple[int, int, int, int]

SIZE = (120, 90)
WHOLE = (0, 0, *SIZE)
CONTENT = (31, 22, 80, 57)


def drawn(mode: str, border: Any, content: Any, box: Box = CONTENT) -> Image.Image:
    """A rectangle on a border of one colour."""
    picture = Image.new(mode, SIZE, border)
    picture.paste(content, box)
    return picture


def left(picture: Image.Image, tolerance: int = 10, part: Box | None = None) -> Box:
    """What is left of an upright picture or of a part of it."""
    part = part or (0, 0, *picture.size)
    return trim.box(picture, part, part[:2], tolerance)


PICTURES = {
    "RGB": drawn("RGB", (255, 255, 255), (200, 30, 40)),
    "one channel of it": drawn("RGB", (9, 9, 9), (9, 20, 9)),
    "darker": drawn("RGB", (90, 90, 90), (79, 90, 90)),
    "grey": drawn("L", 0, 60),
    "black and white": drawn("1", 1, 0),
    "palette": drawn("RGB", (255, 255, 255), (0, 0, 255)).quantize(8),
    "16 bits": drawn("I;16", 65_535, 30_000),
    "32 bits": drawn("I", 70_000, 10),
    "CMYK": drawn("CMYK", (0, 0, 0, 0), (0, 0, 0, 90)),
    "transparent": drawn("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)),
    "nearly transparent": drawn("RGBA", (0, 0, 0, 9), (0, 0, 0, 20)),
    "on white": drawn("RGBA", (255, 255, 255, 255), (0, 0, 0, 255)),
    "a hole": drawn("RGBA", (255, 255, 255, 255), (255, 255, 255, 0)),
    "grey with alpha": drawn("LA", (0, 0), (0, 255)),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_border_is_what_has_the_colour_of_the_corner(name: str) -> None:
    """In any mode, in the whole and in a part of it."""
    picture = PICTURES[name]
    assert left(picture) == CONTENT
    assert left(picture, part=(10, 5, 60, 50)) == (31, 22, 60, 50)


EDGES = {
    "one colour": (drawn("L", 7, 7), 10, WHOLE),
    "one transparent colour": (drawn("RGBA", (1, 2, 3, 0), (9, 99, 200, 0)), 10, WHOLE),
    "as many levels as are tolerated": (drawn("L", 100, 110), 10, WHOLE),
    "one level more": (drawn("L", 100, 111), 10, CONTENT),
    "no level": (drawn("L", 100, 101), 0, CONTENT),
    "all levels": (drawn("L", 0, 255), 255, WHOLE),
    "content at the corner": (drawn("L", 255, 0, (0, 0, 40, 30)), 10, WHOLE),
    "content at the right edge": (drawn("L", 255, 0, (50, 0, 120, 90)), 10, (50, 0, 120, 90)),
    "content at the lower edge": (drawn("L", 255, 0, (0, 50, 120, 90)), 10, (0, 50, 120, 90)),
    "one speck": (drawn("L", 255, 0, (60, 40, 61, 41)), 10, WHOLE),
    "one speck that counts": (drawn("L", 255, 0, (60, 40, 61, 41)), 0, (60, 40, 61, 41)),
    "a thin line": (drawn("L", 255, 0, (60, 0, 61, 90)), 0, (60, 0, 61, 90)),
    "one pixel": (Image.new("L", (1, 1)), 10, (0, 0, 1, 1)),
    "one column": (Image.linear_gradient("L").resize((1, 256)), 10, (0, 11, 1, 256)),
    "a row of two": (drawn("L", 255, 0, (1, 0, 2, 1)).crop((0, 0, 2, 1)), 10, (1, 0, 2, 1)),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges(name: str) -> None:
    """Nothing is cut off where nothing else is left, and only what is within the tolerance."""
    picture, tolerance, box = EDGES[name]
    assert left(picture, tolerance) == box


def test_boxes_do_not_depend_on_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture is looked at from its edges inwards, a few rows at a time."""
    source = random.Random(19)
    for _ in range(12):
        picture = Image.new("RGB", SIZE, (250, 250, 250))
        for _ in range(9):
            x, y = source.randrange(10, 110), source.randrange(10, 80)
            picture.paste((0, 0, 0), (x, y, x + source.randint(1, 3), y + source.randint(1, 3)))
        boxes = set()
        for strip, first in ((10**6, 32), (300, 1), (1, 1), (10**6, 90)):
            monkeypatch.setattr(trim, "STRIP", strip)
            monkeypatch.setattr(trim, "FIRST", first)
            boxes.add(left(picture))
        assert len(boxes) == 1


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
def test_the_noise_of_a_jpeg_is_border(tmp_path: pathlib.Path, quality: int) -> None:
    """At the usual tolerance nothing is left but the blocks of 16x16 that the content touches."""
    picture = Image.new("RGB", (400, 300), (250, 248, 240))
    ImageDraw.Draw(picture).ellipse((100, 60, 260, 220), fill=(180, 20, 40))
    path = samples.saved(tmp_path / "a.jpg", picture, quality=quality)
    with Image.open(path) as image:
        box = left(image)
    for each, exact, block in zip(box, (100, 60, 261, 221), (96, 48, 272, 224), strict=True):
        assert min(exact - 1, block) <= each <= max(exact + 1, block)


def test_the_noise_of_a_sensor_is_border() -> None:
    """The median of its neighbours counts, and not a pixel."""
    noise = Image.effect_noise((900, 700), 3).convert("L")
    noise.paste(20, (300, 200, 500, 300))
    noise.putpixel((0, 0), 128)
    assert left(noise) == (300, 200, 500, 300)
    assert left(noise, 0) == (0, 0, 900, 700)


def test_boxes_are_those_of_libvips() -> None:
    """`find_trim`, for pictures of blots and soft edges, to the pixel."""
    vips: Any = pytest.importorskip("pyvips", reason="pyvips-binary is not installed")
    source = random.Random(7)
    cut = 0
    for _ in range(60):
        picture = Image.new("RGB", (source.randint(3, 150), source.randint(3, 150)), "white")
        draw = ImageDraw.Draw(picture)
        for _ in range(source.randint(0, 6)):
            x, y = source.randint(0, picture.width), source.randint(0, picture.height)
            shape = (x, y, x + source.randint(0, 30), y + source.randint(0, 30))
            draw.ellipse(shape, fill=tuple(source.randint(150, 255) for _ in range(3)))
        for tolerance in (1, 10, 60):
            theirs = vips.Image.new_from_memory(
                picture.tobytes(), picture.width, picture.height, 3, "uchar"
            )
            x, y, width, height = theirs.find_trim(
                threshold=tolerance, background=list(picture.getpixel((0, 0)) or ())
            )
            expected = (x, y, x + width, y + height) if width else (0, 0, *picture.size)
            assert left(picture, tolerance) == expected
            cut += expected != (0, 0, *picture.size)
    assert cut > 60


FOUND = {
    "animated/dispose_bgnd.gif": (7, 7, 94, 94),
    "animated/rotating-squares.webp": (13, 13, 67, 67),
    "field/apng-soft-edges.png": (2, 10, 23, 31),
    "formats/Flag_of_the_Netherlands-16bit.png": (0, 201, 900, 600),
    "formats/grey-8bit-alpha.png": (63, 37, 347, 276),
    "formats/interlaced.gif": (23, 35, 503, 274),
    "formats/swiss.png": (16, 15, 53, 53),
    "formats/tbgn2c16.png": (2, 2, 30, 31),
    "formats/transparent.gif": (28, 5, 168, 132),
    "orientation/vip-f4-exif.jpg": (8, 0, 40, 72),
}
"""What libvips 8.18.7 finds with a threshold of 10, by the upper left pixel; in the alpha channel
where that is transparent."""


@pytest.mark.skipif(
    not samples.CORPUS.is_dir(),
    reason="the corpus of test pictures is not here (LIVERESIZE_CORPUS)",
)
@pytest.mark.parametrize("name", FOUND)
def test_boxes_of_real_pictures_are_those_of_libvips(name: str) -> None:
    """Logos, drawings and scans, to the pixel."""
    with Image.open(samples.CORPUS / name) as image:
        image.load()
        assert left(image) == FOUND[name]


@pytest.mark.parametrize("exif_orientation", range(1, 9))
def test_the_corner_is_that_of_the_upright_picture(
    tmp_path: pathlib.Path, exif_orientation: int
) -> None:
    """Whichever way the file is stored; `rotate` and `flip` come later."""
    picture = drawn("RGB", (255, 255, 255), (200, 30, 40))
    ImageDraw.Draw(picture).line((0, 89, 119, 89), fill=(0, 0, 0), width=3)
    stored = orientation.turn(picture, orientation.inverse(exif_orientation))
    path = samples.saved(tmp_path / "a.png", stored, exif=samples.exif(exif_orientation))
    _, made = samples.rendered(path, trim=10)
    assert made.size == (120, 68)
    _, part = samples.rendered(path, trim=10, rect=Rect.read("0,0,1.0,0.8"), rotate=90)
    assert part.size == (35, 49)
    assert part.convert("RGB").getextrema() == ((200, 200), (30, 30), (40, 40))


MOVING = [("gif", {}), ("webp", {"lossless": True}), ("png", {}), ("avif", {"quality": 100})]


@pytest.mark.parametrize(("kind", "options"), MOVING, ids=[kind for kind, _ in MOVING])
def test_an_animation_keeps_what_any_frame_shows(
    tmp_path: pathlib.Path, kind: str, options: dict[str, Any]
) -> None:
    """By the colour of the first frame's corner; a still is trimmed by what it shows itself."""
    frames = [
        drawn("RGB", (255, 255, 255), (200, 0, 0), (40, 30, 56, 46)),
        drawn("RGB", (255, 255, 255), (0, 0, 200), (48, 54, 72, 62)),
        drawn("RGB", (255, 255, 255), (255, 255, 255)),
    ]
    options = options | {"save_all": True, "append_images": frames[1:], "duration": 50}
    path = samples.saved(tmp_path / f"a.{kind}", frames[0], **options)
    _, moving = samples.rendered(path, trim=40, format=Format.WEBP)
    assert (moving.size, moving.n_frames) == ((32, 32), 3)
    moving.seek(1)
    assert samples.near(moving.convert("RGB").getpixel((20, 28)), (0, 0, 200), 40)
    _, still = samples.rendered(path, trim=40, format=Format.WEBP, animate=False)
    assert still.size == (16, 16)


def test_a_frame_of_another_colour_is_kept(tmp_path: pathlib.Path) -> None:
    """Nothing that differs from the border of the first frame is cut off any frame."""
    frames = [drawn("RGB", "white", "red"), Image.new("RGB", SIZE, "black")]
    options = {"save_all": True, "append_images": frames[1:], "duration": 50, "lossless": True}
    path = samples.saved(tmp_path / "a.webp", frames[0], **options)
    _, made = samples.rendered(path, trim=10, format=Format.WEBP)
    assert (made.size, made.n_frames) == (SIZE, 2)


def test_the_rest_counts_as_the_picture(tmp_path: pathlib.Path) -> None:
    """For the box, for gravity, and for the focus, which is a point of the whole picture."""
    picture = drawn("RGB", "white", (0, 0, 200))
    picture.paste((200, 0, 0), (31, 22, 41, 57))
    path = samples.saved(tmp_path / "a.png", picture)
    _, made = samples.rendered(path, trim=10, width=98)
    assert made.size == (98, 70)
    square = {"trim": 10, "width": 20, "height": 70, "fit": Fit.CROP}
    for gravity, first in (
        (Gravity(0, 500), (200, 0, 0)),
        (Gravity(1000, 500), (0, 0, 200)),
        # 31 of 120 is the left edge of what is left, and 10 of 120 left of it.
        (Gravity(260, 500, untrimmed=True), (200, 0, 0)),
        (Gravity(80, 0, untrimmed=True), (200, 0, 0)),
        (Gravity(500, 500, untrimmed=True), (0, 0, 200)),
    ):
        _, made = samples.rendered(path, gravity=gravity, **square)
        assert made.size == (20, 70)
        assert samples.near(made.convert("RGB").getpixel((8, 30)), first, 4), gravity
    # Turned: the focus at the lower end is the red part.
    turned = Gravity(500, 740, untrimmed=True)
    wide = {"trim": 10, "width": 70, "height": 20, "fit": Fit.CROP, "rotate": 270}
    _, made = samples.rendered(path, gravity=turned, **wide)
    assert samples.near(made.convert("RGB").getpixel((30, 12)), (200, 0, 0), 4)


@pytest.mark.parametrize("offer", [Format.PNG, Format.WEBP, Negotiated(avif=True, webp=True)])
def test_a_result_stays_within_the_bounds(
    tmp_path: pathlib.Path, offer: Format | Negotiated
) -> None:
    """A side that is calculated grows with the ratio of what is left, but not beyond them."""
    picture = drawn("RGB", "white", "black", (60, 10, 64, 80))
    path = samples.saved(tmp_path / "a.png", picture)
    settings = samples.tuned(max_width=300, max_height=200)
    for way, size in (
        ({"width": 8}, (8, 140)),
        ({"width": 100}, (11, 200)),
        ({"width": 100, "height": 9, "fit": Fit.COVER}, (11, 200)),
        ({"width": 100, "height": 150, "fit": Fit.FILL}, (100, 150)),
        ({"width": 100, "pad": (10, 10, 10, 10)}, (30, 200)),
    ):
        _, made = samples.rendered(path, trim=10, format=offer, settings=settings, **way)
        assert made.size == size, way


def test_memory_is_computed_for_the_whole_picture(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A JPEG that is trimmed is decoded in full size, whatever the size of the result."""
    path = samples.saved(tmp_path / "a.jpg", samples.scene((2400, 1800)))
    with decode.open_picture(path, samples.SETTINGS, 10**9) as image:
        need = memory.rendering(
            image, 4, image.size, (20, 15), Format.PNG, frames=1, bent=False, keeps=0
        )
    monkeypatch.setattr(memory, "room", lambda: need.bytes)
    samples.rendered(path, width=20)
    with pytest.raises(errors.ImageTooLarge, match="needs"):
        samples.rendered(path, width=20, trim=10)


def test_a_picture_without_a_border_may_be_sent_as_it_is_stored(tmp_path: pathlib.Path) -> None:
    """Where nothing is cut off, the stored bytes show the same in fewer bytes."""
    path = samples.saved(tmp_path / "a.jpg", samples.scene((200, 150)), quality=30)
    result, _ = samples.rendered(path, trim=10, format=Format.JPEG)
    assert len(result.data) <= path.stat().st_size
