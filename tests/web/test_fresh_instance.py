"""An instance that starts with an empty disk, beside others with the same database and S3."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import tiers
from storage import s3worlds
from storage.s3worlds import Place

from . import galleries, pictures, servers
from .galleries import Counting

pytestmark = s3worlds.needs_moto

WIDTHS = range(20, 40)
ALL_OF_IT = os.statvfs("/").f_blocks * os.statvfs("/").f_frsize * 1_000_000
"""A reserve that no disk has free."""


@dataclass(frozen=True)
class Fleet:
    """Buckets with a picture and its renditions, and what another instance needs to join."""

    relay: Counting
    renditions: Place
    originals: Place
    keys: dict[str, object]

    @contextlib.contextmanager
    def joined(self, folder: Path, **keys: object) -> Iterator[servers.Running]:
        """Another instance, with an empty disk. What the relay has heard is forgotten."""
        folder.mkdir()
        with servers.Running(folder, **{**self.keys, **keys}) as running:
            self.relay.asked.clear()
            yield running

    def fetched(self) -> list[str]:
        """What was asked of the bucket of the originals."""
        return self.relay.about(f"/{self.originals.bucket}/")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """One picture, taken by an instance that has made twenty renditions of it and left."""
    with (
        Counting(galleries.upstream()) as relay,
        galleries.place() as renditions,
        galleries.place() as originals,
    ):
        keys: dict[str, object] = {
            "database__path": str(tmp_path / "shared.sqlite"),
            "aws__bucket": renditions.bucket,
            "aws__originals_bucket": originals.bucket,
            "aws__endpoint_url": relay.address,
            "aws__access_key": s3worlds.ACCESS_KEY,
            "aws__secret_key": s3worlds.SECRET_KEY,
            "aws__region": "us-east-1",
            "constraints__max_width": 700,
        }
        (tmp_path / "first").mkdir()
        with servers.Running(tmp_path / "first", **keys) as first:
            first.client.put_in("cat", pictures.jpeg(640, 480))
            for width in WIDTHS:
                assert first.client.get(f"/cat_{width}_0.jpg").status_code == 200
            first.published()
        yield Fleet(relay, renditions, originals, keys)


def test_a_fresh_instance_redirects_before_it_downloads_anything(
    fleet: Fleet, tmp_path: Path
) -> None:
    """Row, link, then file: what is linked is found without the original, its facts and its
    bounds as well; the first render fetches it, once."""
    with fleet.joined(tmp_path / "fresh") as fresh:
        for width in WIDTHS:
            answer = fresh.client.get(f"/cat_{width}_0.jpg")
            assert (answer.status_code, answer.headers["X-Cache"]) == (303, "HIT")
        assert fresh.client.head("/cat_20_0.jpg").status_code == 200
        assert fresh.client.get("/cat.json").json()["width"] == 640
        assert fresh.client.get("/cat_5000_0.jpg").status_code == 307
        assert fresh.client.get("/cat_20_0.jpg?proxy=true").status_code == 200
        assert fleet.fetched() == []
        assert fresh.originals == []
        for width in (50, 51):
            assert fresh.client.get(f"/cat_{width}_0.jpg").status_code == 200
        assert len(fleet.fetched()) == 1
        fresh.published()


@pytest.mark.parametrize("cause", tiers.rows(["a full disk", "no access"], "a full disk"))
def test_an_instance_that_cannot_have_originals_answers_what_is_linked(
    fleet: Fleet, tmp_path: Path, cause: str
) -> None:
    """All else is 503 for a second, and no GET is 507."""
    keys: dict[str, object] = {"disk__reserve": ALL_OF_IT}
    if cause == "no access":
        keys = {"aws__originals_bucket": "somebody-elses"}
    with fleet.joined(tmp_path / "fresh", **keys) as fresh:
        for width in WIDTHS:
            assert fresh.client.get(f"/cat_{width}_0.jpg").status_code == 303
        for target in ("/cat_50_0.jpg", "/cat.png", "/cat.jpg", "/cat_51_0.jpg?proxy=true"):
            answer = fresh.client.get(target)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1"), target
            assert answer.json()["code"] == "original_elsewhere"
        assert fresh.client.get("/nothing_20_0.jpg").status_code == 404
        assert fleet.fetched() == []
        for width in WIDTHS:
            assert fresh.client.get(f"/cat_{width}_0.jpg").status_code == 303
