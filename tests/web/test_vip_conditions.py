"""What clients have already, and parts of pictures: 304, 206 and 416 on vip's addresses."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import httpx
import pytest

from . import pictures, wire
from .buckets import Gallery

TARGETS = ["", "?s=32", "?s=32&c=true"]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server as vip's operators have it."""
    with Gallery(tmp_path_factory.mktemp("gallery")) as running:
        yield running


@pytest.fixture(scope="module")
def cat(gallery: Gallery) -> str:
    """The address of a picture whose renditions are in memory."""
    path = gallery.put(pictures.jpeg(300, 200))
    for query in TARGETS:
        assert gallery.get(path + query).status_code == 200
    return path


def date_of(answer: httpx.Response) -> datetime:
    """When the picture of an answer was last modified."""
    return parsedate_to_datetime(answer.headers["Last-Modified"])


def dates(moment: datetime) -> dict[str, str]:
    """A moment in each of the three formats that HTTP has for it."""
    return {
        "IMF": format_datetime(moment, usegmt=True),
        "RFC 850": moment.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
        "asctime": moment.strftime("%a %b %e %H:%M:%S %Y"),
    }


@pytest.fixture(params=["UTC", "America/Caracas"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine is in that zone, of which HTTP knows nothing."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("query", TARGETS)
@pytest.mark.usefixtures("zone")
def test_a_picture_that_has_not_changed_since_is_304(
    gallery: Gallery, cat: str, query: str
) -> None:
    """Equal and later dates, in whatever format; earlier ones get the picture."""
    whole = gallery.get(cat + query)
    for seconds, status in ((0, 304), (1, 304), (86_400, 304), (-1, 200), (-86_400, 200)):
        moment = date_of(whole) + timedelta(seconds=seconds)
        for form, date in dates(moment).items():
            for method in ("GET", "HEAD"):
                answer = gallery.client.request(
                    method, cat + query, headers={"If-Modified-Since": date}
                )
                assert (form, seconds, answer.status_code) == (form, seconds, status)


def test_a_304_carries_what_caches_need(gallery: Gallery, cat: str) -> None:
    """No body and no type, and the headers that say how long it may be kept."""
    whole = gallery.get(cat)
    answer = gallery.get(cat, If_None_Match=whole.headers["ETag"])
    assert (answer.status_code, answer.content) == (304, b"")
    for name in ("ETag", "Last-Modified", "Cache-Control"):
        assert answer.headers[name] == whole.headers[name]
    assert "Content-Type" not in answer.headers
    assert "Content-Length" not in answer.headers


GARBAGE = ["", "yesterday", "0", "-1", "\t", "\xff", "Sun, 99 Nov 1994 08:49:37 GMT", "x" * 5000]
GARBAGE += ["Sun, 06 Nov 99999 08:49:37 GMT", "Sun, 06 Nov 1994", "(", "2026-11-22T04:00:00Z"]


@pytest.mark.parametrize("said", GARBAGE)
@pytest.mark.parametrize("query", TARGETS)
def test_what_is_no_date_is_passed_over(gallery: Gallery, cat: str, query: str, said: str) -> None:
    """vip takes anything for a reason to say 304; that is not repeated here."""
    for method in ("GET", "HEAD"):
        reply = wire.ask(gallery.port, cat + query, method, If_Modified_Since=said)
        assert reply.status == 200


@pytest.mark.parametrize("query", TARGETS)
def test_an_etag_that_matches_is_304(gallery: Gallery, cat: str, query: str) -> None:
    """Alone, weak, in a list, and any at all; others get the picture."""
    etag = gallery.get(cat + query).headers["ETag"]
    for method in ("GET", "HEAD"):
        for said, status in {
            etag: 304,
            f"W/{etag}": 304,
            f'"x", {etag}': 304,
            "*": 304,
            '"x"': 200,
            etag.strip('"'): 200,
            '"': 200,
        }.items():
            answer = gallery.client.request(method, cat + query, headers={"If-None-Match": said})
            assert (said, answer.status_code) == (said, status)


def test_an_etag_decides_over_a_date(gallery: Gallery, cat: str) -> None:
    """Whichever of them would say otherwise."""
    whole = gallery.get(cat)
    later = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    earlier = format_datetime(date_of(whole) - timedelta(days=1), usegmt=True)
    other = gallery.get(cat, If_None_Match='"x"', If_Modified_Since=later)
    assert (other.status_code, other.content) == (200, whole.content)
    own = gallery.get(cat, If_None_Match=whole.headers["ETag"], If_Modified_Since=earlier)
    assert own.status_code == 304


def test_the_date_is_that_of_the_upload(gallery: Gallery) -> None:
    """In whole seconds, for original and renditions alike."""
    began = datetime.now(UTC).replace(microsecond=0)
    path = gallery.put(pictures.jpeg())
    moments = {date_of(gallery.get(path + query)) for query in TARGETS}
    (moment,) = moments
    assert began <= moment <= datetime.now(UTC)


RANGES = [
    ("bytes=0-0", 0, 1),
    ("bytes=1-2", 1, 2),
    ("bytes=5-", 5, None),
    ("bytes=-7", -7, None),
    ("bytes=-9999999", 0, None),
    ("bytes=0-9999999", 0, None),
]


@pytest.mark.parametrize(("said", "start", "length"), RANGES)
@pytest.mark.parametrize("query", TARGETS)
def test_a_part_is_206(
    gallery: Gallery, cat: str, query: str, said: str, start: int, length: int | None
) -> None:
    """Of originals and renditions, counted from either end."""
    whole = gallery.get(cat + query).content
    begin = start % len(whole)
    part = whole[begin:][:length]
    answer = gallery.get(cat + query, Range=said)
    assert (answer.status_code, answer.content) == (206, part)
    end = begin + len(part) - 1
    assert answer.headers["Content-Range"] == f"bytes {begin}-{end}/{len(whole)}"
    head = gallery.client.head(cat + query, headers={"Range": said})
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(whole)))


@pytest.mark.parametrize("said", ["bytes=9999999-", "bytes=9999998-9999999", "bytes=-0"])
@pytest.mark.parametrize("query", TARGETS)
def test_a_part_that_there_is_not_is_416(gallery: Gallery, cat: str, query: str, said: str) -> None:
    """With the length, so that a client can ask again, and a reason."""
    whole = gallery.get(cat + query).content
    answer = gallery.get(cat + query, Range=said)
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"
    assert answer.json()["code"] == "range_not_satisfiable"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("said", ["bytes=2-1", "bytes=0-1,3-4", "lines=0-1", "bytes=", "x", "0-1"])
def test_a_range_that_is_not_understood_is_passed_over(
    gallery: Gallery, cat: str, said: str
) -> None:
    """The whole picture is an answer to it."""
    whole = gallery.get(cat)
    answer = gallery.get(cat, Range=said)
    assert (answer.status_code, answer.content) == (200, whole.content)


@pytest.mark.parametrize("query", TARGETS)
def test_a_part_of_another_version_is_not_sent(gallery: Gallery, cat: str, query: str) -> None:
    """`If-Range`: by the exact ETag or the exact date; else all of it."""
    whole = gallery.get(cat + query)
    etag, date = whole.headers["ETag"], whole.headers["Last-Modified"]
    later = format_datetime(date_of(whole) + timedelta(seconds=1), usegmt=True)
    for said, status in {
        etag: 206,
        date: 206,
        '"x"': 200,
        f"W/{etag}": 200,
        later: 200,
        "x": 200,
    }.items():
        answer = gallery.get(cat + query, Range="bytes=1-3", If_Range=said)
        assert (said, answer.status_code) == (said, status)
        assert answer.content == (whole.content[1:4] if status == 206 else whole.content)


def test_a_client_that_has_the_picture_needs_no_part(gallery: Gallery, cat: str) -> None:
    """304 goes before 206 and 416."""
    etag = gallery.get(cat).headers["ETag"]
    for said in ("bytes=0-1", "bytes=9999999-"):
        assert gallery.get(cat, Range=said, If_None_Match=etag).status_code == 304


def test_a_picture_from_the_store_is_the_same_picture(gallery: Gallery) -> None:
    """Same ETag and date once memory has let it go, so that clients need not load it anew."""
    path = gallery.put(pictures.jpeg(300, 200))
    first = gallery.get(f"{path}?s=40")
    gallery.published()
    gallery.let_go()
    again = gallery.get(f"{path}?s=40", If_None_Match=first.headers["ETag"])
    assert again.status_code == 304
    gallery.let_go()
    date = first.headers["Last-Modified"]
    assert gallery.get(f"{path}?s=40", If_Modified_Since=date).status_code == 304
    gallery.let_go()
    assert gallery.get(f"{path}?s=40", Range="bytes=2-3").content == first.content[2:4]
