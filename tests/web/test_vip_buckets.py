"""Which buckets of S3 are asked for a picture, and how often."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from storage import s3worlds
from storage.s3worlds import Place

from . import galleries, pictures, servers, wire
from .buckets import BEARER, TOKEN
from .galleries import Later, OnS3

pytestmark = s3worlds.needs_moto

OURS, ORIGINALS = "liveresize-renditions", "liveresize-originals"


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnS3]:
    """A server that answers for two buckets, and has no other use for S3."""
    with OnS3.opened(tmp_path_factory.mktemp("listed")) as running:
        yield running


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnS3]:
    """A server that answers for every bucket."""
    with OnS3.opened(tmp_path_factory.mktemp("every"), vip__buckets=["*"]) as running:
        yield running


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnS3]:
    """A server that answers for every bucket but two, which are its own."""
    client = s3worlds.other_client(galleries.upstream())
    for bucket in (OURS, ORIGINALS):
        client.create_bucket(Bucket=bucket)
    own = {"aws__bucket": OURS, "aws__originals_bucket": ORIGINALS, "aws__prefix": "ours/"}
    with OnS3.opened(tmp_path_factory.mktemp("ours"), vip__buckets=["*"], **own) as running:
        yield running


@pytest.fixture
def place() -> Iterator[Place]:
    """An empty bucket."""
    with galleries.place() as one:
        yield one


NEVER = ["elsewhere", "upload", "_x", "_renditions", "PICS", "pics.", "p%69cs", "pics%2Fx"]
NEVER += ["%2e%2e", "*", "pics*", "é".encode().decode("latin-1"), "a" * 300, "%00", "%zz"]


@pytest.mark.parametrize("bucket", NEVER)
def test_a_bucket_that_is_not_listed_is_never_asked(listed: OnS3, bucket: str) -> None:
    """Whatever is wanted of it, by whomever."""
    headers: dict[str, Any] = {"X_Vip_Token": TOKEN, "X_Vip_Warmup": "s=5", **BEARER}
    for method, target, body in (
        ("GET", "/{}/id", b""),
        ("GET", "/{}/id?s=5", b""),
        ("HEAD", "/{}/id", b""),
        ("DELETE", "/{}/id", b""),
        ("POST", "/{}/id/warmup", b""),
        ("POST", "/upload/{}", pictures.png()),
    ):
        reply = wire.ask(listed.port, target.format(bucket), method, body, **headers)
        assert (method, reply.status in (400, 404, 405)) == (method, True)
    assert listed.relay.asked == []


@pytest.mark.long
def test_two_thousand_names_cost_no_call(listed: OnS3) -> None:
    """404 each, on one connection; nothing of it reaches S3."""
    with wire.Wire(listed.port) as connection:
        for _ in range(2_000):
            bucket = secrets.token_hex(4 + secrets.randbelow(20))
            assert connection.ask(f"/{bucket}/{secrets.token_hex(16)}-64x48?s=20").status == 404
    assert listed.relay.asked == []


@pytest.mark.parametrize(
    "bucket",
    [
        OURS,
        ORIGINALS,
        "upload",
        "_x",
        "ab",
        "UPPER",
        "a..b",
        "a_b",
        "-ab",
        "ab-",
        "a" * 64,
        "a%62c",
    ],
)
def test_a_star_stands_for_valid_names_that_are_not_ours(ours: OnS3, bucket: str) -> None:
    """What lies in our own buckets is not to be had, and what S3 cannot have is not asked for."""
    name = secrets.token_hex(8)
    headers: dict[str, Any] = {"X_Vip_Token": TOKEN, **BEARER}
    for method in ("GET", "HEAD", "DELETE"):
        reply = wire.ask(ours.port, f"/{bucket}/{name}", method, **headers)
        assert (method, reply.status in (404, 405)) == (method, True)
    reply = wire.ask(ours.port, f"/upload/{bucket}", "POST", pictures.png(), **headers)
    assert reply.status == 404
    assert ours.relay.about(name) == ours.relay.about("-64x48") == []


def test_our_own_objects_are_not_to_be_had(ours: OnS3) -> None:
    """Neither the originals of the main namespace, nor their renditions."""
    ours.client.put_in("cat", pictures.jpeg())
    ours.client.get("/cat_20_0.jpg")
    ours.published()
    client = s3worlds.other_client(s3worlds.shared("moto").address)
    for bucket in (OURS, ORIGINALS):
        found = client.list_objects_v2(Bucket=bucket)["Contents"]
        objects = [each["Key"] for each in found if "/cat/" in each["Key"]]
        assert objects
        ours.relay.asked.clear()
        for key in objects:
            for target in (f"/{bucket}/{key}", f"/{bucket}/{key.replace('/', '%2f')}"):
                assert wire.ask(ours.port, target).status == 404
        assert ours.relay.about("/cat/") == []


def test_a_missing_picture_is_asked_for_once_in_ten_seconds(every: OnS3, place: Place) -> None:
    """However it is asked for meanwhile; when the time is over, S3 is asked again."""
    name = secrets.token_hex(16) + "-64x48"
    target = f"/{place.bucket}/{name}"
    for query in ("", "?s=20", "?c=true", "?s=30&c=true", "", "", "", "", ""):
        answer = every.get(target + query)
        assert (answer.status_code, answer.json()["code"]) == (404, "original_missing")
    assert every.client.head(target).status_code == 404
    assert every.relay.about(place.bucket) == [f"GET {target}"]
    finder = every.components.site.pictures._original_lookup._importer
    with servers.replaced(finder, "_clock", Later(9)):
        assert every.get(target).status_code == 404
    assert every.relay.about(place.bucket) == [f"GET {target}"]
    galleries.lay(place, name, pictures.jpeg())
    with servers.replaced(finder, "_clock", Later(11)):
        assert every.get(target).status_code == 200
    assert every.relay.about(place.bucket) == [f"GET {target}"] * 2


def test_a_bucket_that_there_is_not_is_asked_for_once(every: OnS3) -> None:
    """Whichever pictures of it are wanted."""
    bucket = f"gone-{secrets.token_hex(8)}"
    for index in range(10):
        answer = every.get(f"/{bucket}/picture-{index}")
        assert (answer.status_code, answer.json()["code"]) == (404, "bucket_missing")
    assert every.relay.about(bucket) == [f"GET /{bucket}/picture-0"]
