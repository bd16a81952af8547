"""POST into a bucket, as clients of vip do it: what is taken, and what is refused."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts.sieging import _bombs

from . import buckets, pictures, servers, wire
from .buckets import Gallery

MIB = 1 << 20

EMPTY = "File must have size greater than 0"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server whose uploads may have 1 MiB, and 0.1 megapixels."""
    folder = tmp_path_factory.mktemp("gallery")
    with Gallery(folder, vip__size_limit=1, constraints__max_input=0.1) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_is_staged(gallery: Gallery) -> Iterator[None]:
    """Whatever happened, no part of a body stays behind."""
    yield
    servers.until(lambda: gallery.staged == [])


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_a_picture_is_taken_and_its_address_told(gallery: Gallery, form: str) -> None:
    """32 hex digits and its size; the bytes decide the format, whatever the header says."""
    data = pictures.encoded(pictures.gradient(64, 48), form)
    answer = gallery.send(data, Content_Type="image/x-anything")
    assert answer.status_code == 201
    assert list(answer.json()) == ["url"]
    assert re.fullmatch(r"/pics/[0-9a-f]{32}-64x48", buckets.address(answer))
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-Id"]
    assert gallery.get(buckets.address(answer)).content == data


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_in_the_id_is_that_of_the_upright_picture(
    gallery: Gallery, orientation: int
) -> None:
    """And of its pixels, for clients that know nothing of EXIF; mirrored ones too, which vip
    leaves as they are."""
    path = gallery.put(buckets.turned(orientation))
    upright = (64, 48) if orientation < 5 else (48, 64)
    assert path.endswith("-{}x{}".format(*upright))
    assert buckets.size_of(gallery.get(path)) == upright
    assert pictures.opened(gallery.get(path).content).getexif().get(0x0112, 1) == 1
    assert buckets.size_of(gallery.get(f"{path}?s=24")) == (24, upright[1] * 24 // upright[0])


def test_every_upload_is_a_picture_of_its_own(gallery: Gallery) -> None:
    """The same bytes, many at once: as many ids, and each is answered."""
    data = pictures.png()
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: gallery.put(data), range(16)))
    assert len(set(paths)) == 16
    assert all(gallery.get(path).content == data for path in paths)


def test_a_chunked_body_is_taken(gallery: Gallery) -> None:
    """A client that does not know the length beforehand."""
    data = pictures.png()
    pieces = (data[start : start + 100] for start in range(0, len(data), 100))
    assert gallery.get(gallery.put(pieces)).content == data  # type: ignore[arg-type]


@pytest.mark.parametrize("chunked", [False, True])
def test_the_limit_is_kept_to_the_byte(gallery: Gallery, chunked: bool) -> None:
    """What has it is taken, one byte more is not."""

    def sent(size: int) -> tuple[int, dict[str, str]]:
        data = buckets.sized(size)
        pieces = (data[start : start + 70_000] for start in range(0, size, 70_000))
        answer = gallery.send(pieces if chunked else data)
        return answer.status_code, answer.json()

    assert sent(MIB)[0] == 201
    before = gallery.stored
    status, told = sent(MIB + 1)
    assert (status, told["error"]) == (413, "The file size limit is 1MB")
    size = "more than the 1,048,576 bytes that" if chunked else "1,048,577 bytes;"
    assert told["hint"].startswith(f"The body has {size} `vip.size_limit` allows")
    assert gallery.stored == before


REFUSED = {
    "text": (b"hello", 415, "unsupported_image"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_image"),
    "BMP": (pictures.encoded(pictures.gradient(9, 9), "BMP"), 415, "unsupported_image"),
    "TIFF": (pictures.encoded(pictures.gradient(9, 9), "TIFF"), 415, "unsupported_image"),
    "too many pixels": (pictures.blank(400, 300), 413, "upload_too_large"),
    "too many scans": (_bombs.jpeg_scans(101, (400, 200)), 422, "work_exceeded"),
    "cut short": (pictures.noise(300, 300)[:-5000], 422, "unreadable_image"),
}


@pytest.mark.parametrize(("data", "status", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_picture_of_ours_is_refused(
    gallery: Gallery, data: bytes, status: int, code: str
) -> None:
    """With a status that says which and a sentence; nothing is kept."""
    before = gallery.stored
    answer = gallery.send(data)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, code)
    assert told["error"].endswith(".")
    assert told["request_id"] == answer.headers["X-Request-Id"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert gallery.stored == before


NOTHING = {
    "a length of 0": b"Content-Length: 0\r\n\r\n",
    "no length": b"\r\n",
    "no chunks": b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("rest", NOTHING.values(), ids=NOTHING.keys())
def test_an_empty_body_is_400_in_vips_words(gallery: Gallery, rest: bytes) -> None:
    """However it comes to be empty."""
    head = f"POST /upload/pics HTTP/1.1\r\nHost: test\r\nX-Vip-Token: {buckets.TOKEN}\r\n"
    with wire.Wire(gallery.port) as connection:
        connection.send(head.encode() + rest)
        reply = connection.reply()
        assert (reply.status, json.loads(reply.body)["error"]) == (400, EMPTY)
        assert connection.ask("/ping").body == b"pong"


def test_the_limit_is_told_in_vips_words(gallery: Gallery) -> None:
    """To the letter: 5 MB unless set."""
    with gallery.entered(size_limit=5):
        answer = gallery.send(bytes(MIB + 1))
    assert (answer.status_code, answer.json()["error"]) == (413, "The file size limit is 5MB")


@pytest.mark.parametrize("bucket", ["elsewhere", "_pics", "upload", "PICS", "pics%2f", "..", "%00"])
def test_a_bucket_that_is_not_listed_is_404(gallery: Gallery, bucket: str) -> None:
    """For those who may upload; others learn nothing about buckets."""
    before = gallery.stored
    target, data = f"/upload/{bucket}", pictures.png()
    reply = wire.ask(gallery.port, target, "POST", data, X_Vip_Token=buckets.TOKEN)
    assert reply.status == 404
    assert json.loads(reply.body)["code"] == "bucket_missing"
    assert wire.ask(gallery.port, target, "POST", data).status == 401
    assert gallery.stored == before


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [("wrong", 401, b'"secret_refused"'), (buckets.TOKEN, 413, b'"upload_too_large"')],
)
def test_a_refusal_reaches_whoever_sends_all_of_it_first(
    gallery: Gallery, token: str, status: int, code: bytes
) -> None:
    """Far more than is taken, by a client that reads nothing until the end."""
    size = 24 * MIB
    head = wire.request("/upload/pics", "POST", X_Vip_Token=token, Content_Length=str(size))
    with wire.Wire(gallery.port) as connection:
        connection.send(head)
        for _ in range(size // MIB):
            connection.send(bytes(MIB))
        reply = connection.reply()
    assert (reply.status, code in reply.body) == (status, True)


def test_who_waits_for_leave_to_send_is_refused_at_once(gallery: Gallery) -> None:
    """`Expect: 100-continue` spares a client the whole body."""
    with wire.Wire(gallery.port) as connection:
        connection.send(
            wire.request("/upload/pics", "POST", Content_Length="1000000", Expect="100-continue")
        )
        assert connection.reply().status == 401


@pytest.mark.parametrize("sent", [0, 10, 300, 70_000])
@pytest.mark.parametrize("crash", [False, True])
def test_a_client_that_goes_away_leaves_nothing(gallery: Gallery, sent: int, crash: bool) -> None:
    """In the middle of its body, by closing or by crashing."""
    before = gallery.stored
    head = wire.request("/upload/pics", "POST", X_Vip_Token=buckets.TOKEN, Content_Length="100000")
    with wire.Wire(gallery.port) as connection:
        connection.send(head + bytes(sent))
        servers.until(lambda: gallery.staged != [])
        if crash:
            connection.vanish()
    servers.until(lambda: gallery.stored == before)


def test_a_disk_under_its_reserve_is_507(tmp_path: Path) -> None:
    """Before the upload has begun; nothing is left."""
    with Gallery(tmp_path, disk__reserve=1 << 60) as full:
        answer = full.send(pictures.png())
        assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
        assert answer.headers["Retry-After"] == "60"
        assert full.stored == []
