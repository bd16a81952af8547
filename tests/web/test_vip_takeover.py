"""What lies in a bucket of S3: pictures of a running vip, and what we add to them."""

import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from storage import s3worlds
from storage.s3worlds import Place

from scripts.sieging import _bombs

from . import buckets, galleries, pictures, servers
from .buckets import BEARER
from .galleries import OnS3

pytestmark = s3worlds.needs_moto


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnS3]:
    """A server that answers for every bucket."""
    with OnS3.opened(tmp_path_factory.mktemp("every"), vip__buckets=["*"]) as running:
        yield running


@pytest.fixture
def place() -> Iterator[Place]:
    """An empty bucket."""
    with galleries.place() as one:
        yield one


def test_an_upload_into_a_bucket_that_there_is_not_leaves_nothing(every: OnS3) -> None:
    """404, once S3 has said so."""
    before = every.stored
    answer = every.send(pictures.png(), f"gone-{secrets.token_hex(8)}")
    assert (answer.status_code, answer.json()["code"]) == (404, "bucket_missing")
    servers.until(lambda: every.stored == before)


def test_an_upload_lies_in_its_bucket_under_its_id(every: OnS3, place: Place) -> None:
    """With its type; so do plain renditions, under vip's keys, and others under ours."""
    data = pictures.jpeg(640, 480)
    name = every.put(data, place.bucket).rpartition("/")[2]
    assert place.bytes(name) == data
    made = {
        query: every.get(f"/{place.bucket}/{name}?{query}")
        for query in ("s=250", "c=true&s=160", "c=true", "s=5000")
    }
    assert {answer.headers["X-Cache"] for answer in made.values()} == {"MISS"}
    every.published()
    (square,) = place.listed() - {name, f"{name}/s/250", f"{name}/c/s/160", f"{name}/s/720"}
    assert square.startswith(f"{name}/")
    assert place.bytes(f"{name}/s/250") == made["s=250"].content
    assert place.bytes(f"{name}/c/s/160") == made["c=true&s=160"].content
    assert place.bytes(f"{name}/s/720") == made["s=5000"].content
    assert place.bytes(square) == made["c=true"].content
    facts = place.client.head_object(Bucket=place.bucket, Key=f"{name}/s/250")
    assert facts["ContentType"] == "image/jpeg"
    assert facts["CacheControl"] == "public, max-age=31536000"


def test_a_picture_of_a_running_vip_is_taken_over(every: OnS3, place: Place) -> None:
    """The original is fetched once; renditions that vip has made are served as they are."""
    data, own = pictures.jpeg(1024, 640), pictures.jpeg(250, 156, shade=99)
    galleries.lay(place, "legacy", data)
    galleries.lay(place, "legacy/s/250", own)
    galleries.lay(place, "legacy/c/s/160", own)
    target = f"/{place.bucket}/legacy"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: every.get(target), range(16)))
    assert {answer.content for answer in answers} == {data}
    assert every.relay.about(target) == [f"GET {target}"]
    for query in ("s=250", "s=160&c=true"):
        first, second = every.get(f"{target}?{query}"), every.get(f"{target}?{query}")
        assert [each.headers["X-Cache"] for each in (first, second)] == ["HIT", "HIT-MEMORY"]
        assert first.content == second.content == own
        every.let_go()
        assert every.get(f"{target}?{query}").content == own
    assert buckets.size_of(every.get(f"{target}?s=160")) == (160, 100)
    every.published()
    assert f"PUT {target}/s/160" in every.relay.asked
    assert place.bytes("legacy") == data
    assert place.bytes("legacy/s/250") == own


def test_a_rendition_of_vip_that_is_no_picture_is_not_served(every: OnS3, place: Place) -> None:
    """It is made anew: vip stores whatever came of its own failures."""
    galleries.lay(place, "legacy", pictures.jpeg(1024, 640))
    galleries.lay(place, "legacy/s/250", b"")
    galleries.lay(place, "legacy/s/160", b"<html>oops</html>")
    for width, height in ((250, 156), (160, 100)):
        answer = every.get(f"/{place.bucket}/legacy?s={width}")
        assert buckets.size_of(answer) == (width, height)
        assert answer.headers["X-Cache"] == "MISS"


def test_what_is_no_picture_of_ours_in_a_bucket_is_422(every: OnS3, place: Place) -> None:
    """Every limit of an upload counts; that is remembered, too."""
    galleries.lay(place, "text", b"hello")
    galleries.lay(place, "large", pictures.blank(12_000, 11_000), "image/png")
    galleries.lay(place, "svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")
    galleries.lay(place, "scans", _bombs.jpeg_scans(101, (400, 300)), "image/jpeg")
    for name in ("text", "large", "svg", "scans"):
        for _ in range(3):
            assert every.get(f"/{place.bucket}/{name}").status_code == 422
        assert every.relay.about(f"{place.bucket}/{name}") == [f"GET /{place.bucket}/{name}"]
    assert place.listed() == {"text", "large", "svg", "scans"}


def test_a_picture_of_a_bucket_that_tells_too_much_is_cleaned_on_its_way_out(
    every: OnS3, place: Place
) -> None:
    """What lies in the bucket is left alone."""
    exif = pictures.gradient(1, 1).getexif()
    exif[0x010F] = "Telltale Camera Company"
    data = pictures.jpeg(64, 48, exif=exif)
    galleries.lay(place, "telltale", data)
    for query in ("", "?s=20", "?c=true"):
        answer = every.get(f"/{place.bucket}/telltale{query}")
        assert answer.status_code == 200
        assert b"Telltale" not in answer.content
    assert place.bytes("telltale") == data


def test_deleting_takes_everything_out_of_the_bucket(every: OnS3, place: Place) -> None:
    """Uploaded or taken over, asked for before or never; others stay."""
    every.put(pictures.jpeg(), place.bucket)
    paths = [every.put(pictures.jpeg(), place.bucket)]
    for name in ("asked", "never"):
        galleries.lay(place, name, pictures.jpeg())
        galleries.lay(place, f"{name}/s/250", pictures.jpeg())
        galleries.lay(place, f"{name}2", pictures.jpeg())
        paths.append(f"/{place.bucket}/{name}")
    for path in paths[:2]:
        for query in ("", "?s=20", "?c=true"):
            assert every.get(path + query).status_code == 200
    every.published()
    for path in paths:
        assert every.client.delete(path, headers=BEARER).status_code == 204
        assert every.get(path).status_code == 404
    gone = tuple(path.rpartition("/")[2] for path in paths)

    def left() -> set[str]:
        return {key for key in place.listed() if key.partition("/")[0] in gone}

    servers.until(lambda: not left())
    assert {"asked2", "never2"} < place.listed()
    assert len(place.listed()) == 3


@pytest.mark.long
def test_while_s3_is_down_what_is_known_is_answered(every: OnS3, place: Place) -> None:
    """Pictures on disk and new renditions of them; others are 503, which is not remembered."""
    path = every.put(pictures.jpeg(640, 480), place.bucket)
    galleries.lay(place, "legacy", pictures.jpeg())
    every.relay.refuse()
    assert every.get(path).status_code == 200
    assert buckets.size_of(every.get(f"{path}?s=100")) == (100, 75)
    answer = every.get(f"/{place.bucket}/legacy")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["code"] == "original_elsewhere"
    every.relay.pass_on()
    servers.until(lambda: every.get(f"/{place.bucket}/legacy").status_code == 200)
    name = path.rpartition("/")[2]
    servers.until(lambda: f"{name}/s/100" in place.listed())


@pytest.mark.long
def test_a_live_request_is_not_held_up_by_an_s3_that_hangs(every: OnS3, place: Place) -> None:
    """What was uploaded is answered from this disk, whole and as renditions."""
    path = every.put(pictures.jpeg(640, 480), place.bucket)
    every.relay.hang()
    answers: list[int] = []

    def ask() -> None:
        answers.extend(every.get(path + query).status_code for query in ("", "?s=100", "?s=101"))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(servers.PATIENCE)
    assert answers == [200] * 3
    every.relay.pass_on()
    servers.until(lambda: not every.components.publisher.backlog, 60)
