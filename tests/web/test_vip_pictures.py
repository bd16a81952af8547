"""GET of `/{bucket}/{id}?s=&c=`: sizes, formats, and what is left out of the bytes."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image

from liveresize.http.handlers.images import PictureHandler

from . import buckets, pictures, servers, wire
from .buckets import Gallery

YEAR = "public, max-age=31536000"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server as vip's operators have it."""
    with Gallery(tmp_path_factory.mktemp("gallery")) as running:
        yield running


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server that makes renditions as wide as vip's own tests want them."""
    with Gallery(tmp_path_factory.mktemp("wide"), vip__max_width=1024) as running:
        yield running


@pytest.fixture(scope="module")
def cat(gallery: Gallery) -> str:
    """The address of a JPEG of 1024×640 pixels."""
    return gallery.put(pictures.jpeg(1024, 640))


SIZES: dict[tuple[int, int], dict[int, int]] = {
    (2448, 3264): {250: 333, 500: 666, 160: 213, 720: 960, 1024: 1365, 683: 910, 431: 574},
    (1024, 640): {250: 156, 500: 312, 160: 100, 720: 450, 683: 426, 431: 269, 1024: 640},
    (244, 183): {160: 120, 244: 183, 1: 1, 2: 1},
}


@pytest.mark.parametrize(("size", "heights"), SIZES.items(), ids=str)
def test_heights_are_vips(wide: Gallery, size: tuple[int, int], heights: dict[int, int]) -> None:
    """Fractions of a pixel are cut off; EXIF orientation comes first."""
    width, height = size
    turned = buckets.turned(6, height, width)
    for data in (pictures.jpeg(width, height, quality=30), turned):
        path = wide.put(data)
        assert path.endswith(f"-{width}x{height}")
        found = {asked: buckets.size_of(wide.get(f"{path}?s={asked}")) for asked in heights}
        assert found == {asked: (asked, height) for asked, height in heights.items()}


@pytest.mark.parametrize("size", [(150, 200), (200, 150), (150, 150)])
@pytest.mark.parametrize(
    ("query", "side"),
    [("c=true", 150), ("s=149&c=true", 149), ("c=true&s=150", 150), ("c=true&s=400", 150)],
)
def test_a_square_is_never_larger_than_the_shorter_side(
    gallery: Gallery, size: tuple[int, int], query: str, side: int
) -> None:
    """Without a width it is as large as it can be."""
    path = gallery.put(pictures.jpeg(*size))
    assert buckets.size_of(gallery.get(f"{path}?{query}")) == (side, side)


def test_a_square_is_cut_from_the_centre(gallery: Gallery) -> None:
    """A third of the picture on each side is left out."""
    stripes = Image.new("RGB", (300, 100), "red")
    stripes.paste("lime", (100, 0, 200, 100))
    path = gallery.put(pictures.encoded(stripes))
    square = pictures.opened(gallery.get(f"{path}?s=50&c=true").content).convert("RGB")
    inside = square.crop((4, 0, 46, 50))  # the outermost pixels are mixed with what is beyond
    assert inside.getcolors() == [(42 * 50, (0, 255, 0))]


def test_a_picture_is_never_enlarged(gallery: Gallery) -> None:
    """Wider than it is gives it as wide as it is."""
    path = gallery.put(pictures.png(64, 48))
    for query in ("s=64", "s=65", "s=720", "s=100000"):
        assert buckets.size_of(gallery.get(f"{path}?{query}")) == (64, 48)


def test_the_width_is_capped(gallery: Gallery, cat: str) -> None:
    """At `vip.max_width`, 720: a wider one is that rendition, squares too."""
    for plain, capped, size in (
        ("s=720", "s=721", (720, 450)),
        ("s=720&c=true", "c=true&s=99999", (640, 640)),
    ):
        first = gallery.get(f"{cat}?{plain}")
        second = gallery.get(f"{cat}?{capped}")
        assert buckets.size_of(first) == size
        assert second.headers["X-Cache"] == "HIT-MEMORY"
        assert second.content == first.content


def test_a_very_tall_picture_keeps_its_height(gallery: Gallery) -> None:
    """vip bounds widths alone: the bounds of the main API are not its."""
    path = gallery.put(pictures.jpeg(500, 8000))
    assert buckets.size_of(gallery.get(f"{path}?s=400")) == (400, 6400)
    assert buckets.size_of(gallery.get(path)) == (500, 8000)


ABSENT = ["s=0", "s=-5", "s=abc", "s=5.5", "s=", "s", "s=000", "s=%20250", "s=250px", "s=1e2"]
ABSENT += ["s=abc&s=250", "S=250", "s=٣".encode().decode("latin-1"), "c=1", "c=yes", "c=", "c"]
ABSENT += ["c=false&c=true", "C=true", "utm_source=x", "w=250", "", "&&", "s=0&c=0", "quality=1"]


def test_what_is_no_width_is_left_out(gallery: Gallery, cat: str) -> None:
    """As vip reads it: then the picture is answered as it is, and nothing is rendered."""
    whole = gallery.get(cat)
    before = gallery.renders
    for query in ABSENT:
        reply = wire.ask(gallery.port, f"{cat}?{query}")
        assert (query, reply.status, reply.body == whole.content) == (query, 200, True)
    assert gallery.renders == before


SAME = {
    "s=250": ["s=0250", "s=%2B250", "s=+250", "s=250&s=500", "s=250&utm_source=x", "x=1&s=250&c=1"],
    "s=720": ["s=1" + "0" * 400, "s=99999999999999999999"],
    "s=100&c=true": ["c=true&s=100", "c=TRUE&s=100", "s=100&c=True&c=false", "s=100&c=true&fit=x"],
    "c=true": ["c=tRuE", "c=true&s=0", "c=true&s=-1", "c=true&s=abc&rotate=90"],
}


@pytest.mark.parametrize(("query", "others"), SAME.items())
def test_spellings_of_one_rendition_are_one(
    gallery: Gallery, cat: str, query: str, others: list[str]
) -> None:
    """They are answered from memory, with the same ETag; unknown parameters mean nothing."""
    first, before = gallery.get(f"{cat}?{query}"), gallery.renders
    for other in others:
        answer = gallery.get(f"{cat}?{other}")
        assert (other, answer.headers["X-Cache"]) == (other, "HIT-MEMORY")
        assert answer.headers["ETag"] == first.headers["ETag"]
        assert answer.content == first.content
    assert gallery.renders == before


FORMATS = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WEBP", "AVIF": "AVIF", "GIF": "PNG"}


@pytest.mark.parametrize(("stored", "made"), FORMATS.items())
def test_a_rendition_has_the_format_of_its_original(
    gallery: Gallery, stored: str, made: str
) -> None:
    """But a GIF gives PNG; without parameters each is its own bytes."""
    data = pictures.encoded(pictures.gradient(80, 60), stored)
    path = gallery.put(data)
    whole = gallery.get(path)
    assert whole.content == data
    assert whole.headers["Content-Type"] == f"image/{stored.lower()}"
    for query in ("s=40", "s=40&c=true", "c=true", "s=80", "s=40&animate=true"):
        answer = gallery.get(f"{path}?{query}")
        expected = "GIF" if (stored, "animate" in query) == ("GIF", True) else made
        assert pictures.opened(answer.content).format == expected
        assert answer.headers["Content-Type"] == f"image/{expected.lower()}"


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
def test_an_animation_moves_where_that_is_asked_for(gallery: Gallery, form: str) -> None:
    """By `animate=true`, or by asking for nothing else: then it is its own bytes."""
    data = pictures.animation(64, 48, 3, form)
    path = gallery.put(data)
    assert gallery.get(path).content == gallery.get(f"{path}?animate=true").content == data
    for query, frames in (("s=32", 1), ("s=32&animate=true", 3), ("c=true&animate=TRUE", 3)):
        picture = pictures.opened(gallery.get(f"{path}?{query}").content)
        assert getattr(picture, "n_frames", 1) == frames
        assert picture.format == (form if frames > 1 or form == "WEBP" else "PNG")


@pytest.mark.parametrize("form", ["PNG", "WEBP", "AVIF"])
def test_transparency_stays(gallery: Gallery, form: str) -> None:
    """In every format that has it."""
    data = pictures.encoded(pictures.opened(pictures.transparent()), form)
    answer = gallery.get(f"{gallery.put(data)}?s=32")
    picture = pictures.opened(answer.content).convert("RGBA")
    assert picture.getpixel((4, 12))[3] < 20  # type: ignore[index]
    assert picture.getpixel((28, 12))[3] > 235  # type: ignore[index]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_nothing_that_goes_out_tells_where_it_was_taken(gallery: Gallery, form: str) -> None:
    """Originals and renditions: no place, no maker; what is stored is what is answered."""
    picture = pictures.gradient(64, 48)
    exif = picture.getexif()
    exif[0x010F] = "Telltale Camera Company"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 7.5), 3: "E", 4: (13.0, 24.0, 34.0)}
    data = pictures.encoded(picture, form, exif=exif)
    assert b"Telltale" in data
    path = gallery.put(data)
    for query in ("", "?s=32", "?c=true", "?s=64"):
        answer = gallery.get(path + query)
        assert answer.status_code == 200
        assert b"Telltale" not in answer.content
        assert not pictures.opened(answer.content).getexif().get_ifd(0x8825)


def test_the_headers_are_those_of_a_picture_that_never_changes(gallery: Gallery) -> None:
    """Original and rendition, made now, from memory and as HEAD says it."""
    path = gallery.put(pictures.jpeg())
    for target in (path, f"{path}?s=32"):
        for cache in (None if target == path else "MISS", "HIT-MEMORY"):
            answer = gallery.get(target)
            if cache is not None:
                assert answer.headers["X-Cache"] == cache
            assert answer.headers["Cache-Control"] == YEAR
            digest = hashlib.sha256(answer.content).hexdigest()
            assert answer.headers["ETag"] == f'"{digest}"'
            assert answer.headers["Last-Modified"].endswith(" GMT")
            assert answer.headers["Accept-Ranges"] == "bytes"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Location" not in answer.headers
            assert "Vary" not in answer.headers
            told(gallery, target, answer.headers)


def told(gallery: Gallery, target: str, headers: Any) -> None:
    """HEAD tells what GET did, but for what is true of one answer alone."""
    own = {"date", "expires", "x-request-id", "x-cache", "server-timing", "timing-allow-origin"}
    head = gallery.client.head(target)
    assert (head.status_code, head.content) == (200, b"")
    assert {key: value for key, value in head.headers.items() if key not in own} == {
        key: value for key, value in headers.items() if key not in own
    }


def test_a_hit_meets_no_handler(gallery: Gallery) -> None:
    """Renditions and small originals in memory are answered before the Application."""
    path = gallery.put(pictures.jpeg())
    whole = {query: gallery.get(path + query).content for query in ("", "?s=32", "?c=true")}
    with servers.replaced(PictureHandler, "get", None):
        for query, data in whole.items():
            answer = gallery.get(path + query)
            assert (answer.headers["X-Cache"], answer.content) == ("HIT-MEMORY", data)


def test_head_of_what_is_not_made_makes_nothing(gallery: Gallery) -> None:
    """It tells the type, and how long the picture may be kept."""
    path = gallery.put(pictures.jpeg())
    before = gallery.renders
    head = gallery.client.head(f"{path}?s=31")
    assert (head.status_code, head.headers["Content-Type"]) == (200, "image/jpeg")
    assert head.headers["Cache-Control"] == YEAR
    assert "Content-Length" not in head.headers
    assert gallery.renders == before


def test_answers_are_bytes_wherever_they_come_from(gallery: Gallery) -> None:
    """Rendered, from memory, and from the store: never a redirect."""
    path = gallery.put(pictures.jpeg())
    first = gallery.get(f"{path}?s=32")
    gallery.published()
    second = gallery.get(f"{path}?s=32")
    gallery.let_go()
    third = gallery.get(f"{path}?s=32")
    seen = [(each.status_code, each.headers["X-Cache"]) for each in (first, second, third)]
    assert seen == [(200, "MISS"), (200, "HIT-MEMORY"), (200, "HIT")]
    assert first.content == second.content == third.content
    assert gallery.renders


def test_a_crowd_costs_one_render(gallery: Gallery) -> None:
    """Many clients at once for what is not made yet."""
    path, before = gallery.put(pictures.jpeg(640, 480)), gallery.renders
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: gallery.get(f"{path}?s=300"), range(32)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert gallery.renders - before == 1


def test_an_original_too_large_for_memory_is_sent_from_its_file(gallery: Gallery) -> None:
    """Whole, each time."""
    data = pictures.noise(1600, 1200, quality=90)
    assert len(data) > 1 << 20
    path = gallery.put(data)
    for _ in range(2):
        answer = gallery.get(path)
        assert answer.content == data
        assert "X-Cache" not in answer.headers
        told(gallery, path, answer.headers)
