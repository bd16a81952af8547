"""Pictures in the buckets of vip: whatever is found, their buckets are not touched."""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from storage import s3worlds
from storage.s3worlds import Place, World
from web import pictures, servers

from liveresize import config
from liveresize.app import maintenance
from liveresize.maintenance.reconcile.findings import Report
from liveresize.maintenance.reconcile.parts import Options, OrphanPolicy
from liveresize.maintenance.reconcile.pictures import IN_BUCKETS

pytestmark = [pytest.mark.long, s3worlds.needs_moto]

BEARER = {"Authorization": f"Bearer {servers.ADMIN}"}
LEGACY, THEIRS = pictures.jpeg(300, 200, 1), pictures.jpeg(250, 166, 2)
OTHER = pictures.jpeg(200, 300, 3)

ALL: dict[str, Any] = {"repair": True, "this_is_all": True, "grace": 0}
EVERY_WAY = [Options(**ALL, strays=strays) for strays in OrphanPolicy]


class Installation:
    """One server on SQLite and a disk of its own, and a bucket that was vip's."""

    def __init__(self, folder: Path, place: Place, **keys: Any) -> None:
        self.folder = folder
        self.place = place
        self.keys: dict[str, Any] = {
            "admin__secrets": [servers.ADMIN],
            "aws__access_key": s3worlds.ACCESS_KEY,
            "aws__secret_key": s3worlds.SECRET_KEY,
            "aws__region": "us-east-1",
            "aws__endpoint_url": place.server.address,
            "vip__buckets": [place.bucket],
            "vip__token": "token",
            **keys,
        }
        self.report = Report()

    def put(self, key: str, data: bytes) -> None:
        """Store something as another service does."""
        self.place.client.put_object(Bucket=self.place.bucket, Key=key, Body=data)

    def drop(self, key: str) -> None:
        """Remove something as another service does."""
        self.place.client.delete_object(Bucket=self.place.bucket, Key=key)

    def filled(self) -> None:
        """What vip left: an original, and a rendition of it."""
        self.put("legacy", LEGACY)
        self.put("legacy/s/250", THEIRS)

    def contents(self) -> dict[str, bytes]:
        """Everything in the bucket."""
        return {key: self.place.bytes(key) for key in self.place.listed()}

    @contextlib.contextmanager
    def serving(self) -> Iterator[servers.Running]:
        """A server on it."""
        with servers.Running(self.folder, **self.keys) as running:
            yield running

    def path(self, name: str, query: str = "") -> str:
        """The address of a picture."""
        return f"/{self.place.bucket}/{name}{query}"

    def used(self) -> str:
        """Take the original of vip over and deposit another; the id of that one."""
        with self.serving() as running:
            assert running.client.get(self.path("legacy", "?s=250")).content == THEIRS
            assert running.client.get(self.path("legacy", "?s=100")).status_code == 200
            address = f"/upload/{self.place.bucket}"
            answer = running.client.post(address, content=OTHER, headers={"X-Vip-Token": "token"})
            assert answer.status_code == 201, answer.text
            name: str = answer.json()["url"].rpartition("/")[2]
            assert running.client.get(self.path(name, "?s=100")).status_code == 200
            running.published()
        return name

    def shown(self, name: str) -> bytes | int:
        """What a server of its own answers: bytes, or the status if that is not 200."""
        with self.serving() as running:
            answer = running.client.get(self.path(name))
            return answer.content if answer.status_code == 200 else answer.status_code

    def reconcile(self, options: Options, **keys: Any) -> dict[str, str]:
        """Compare; what was found, as `found/repaired` of each kind."""
        environ = servers.environ(self.folder, **{**self.keys, **keys})
        chosen = config.load(environ, directory=self.folder)
        self.report = Report()
        asyncio.run(maintenance.reconcile(chosen, options, self.report))
        return {k.value: f"{t.found}/{t.repaired}" for k, t in self.report.tallies.items()}

    def files(self) -> list[Path]:
        """The originals of buckets on this disk."""
        below = self.folder / "data" / "originals" / "_bucket"
        return sorted(path for path in below.rglob("*~*") if path.is_file())

    def without_database(self) -> None:
        """The database is lost."""
        for path in (self.folder / "data").glob("liveresize.sqlite*"):
            path.unlink()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Installation]:
    """One with a bucket that vip has filled."""
    with World("moto").place() as place:
        one = Installation(tmp_path, place)
        one.filled()
        yield one


@pytest.mark.parametrize("options", EVERY_WAY, ids=lambda options: options.strays.name)
def test_nothing_is_wrong_with_what_is_there(house: Installation, options: Options) -> None:
    """Pictures taken over and uploaded, with files and without: no finding, no change."""
    name = house.used()
    before = house.contents()
    assert len(before) == 5
    assert house.reconcile(options) == {}
    shutil.rmtree(house.folder / "data" / "originals")
    assert house.reconcile(options) == {}
    assert house.contents() == before
    assert (house.shown("legacy"), house.shown(name)) == (LEGACY, OTHER)


def test_a_lost_database_harms_no_bucket_when_strays_are_removed(house: Installation) -> None:
    """Files without a row go from this disk; pictures are taken over again from the bucket."""
    name = house.used()
    before = house.contents()
    house.without_database()
    assert house.reconcile(EVERY_WAY[2]) == {"unrecorded": "2/2"}
    assert house.files() == []
    assert house.contents() == before
    assert (house.shown("legacy"), house.shown(name)) == (LEGACY, OTHER)
    assert house.contents() == before


def test_a_lost_database_harms_no_bucket_when_strays_are_adopted(house: Installation) -> None:
    """Their rows say that the bucket has them, which is so; nothing is put there again."""
    name = house.used()
    before = house.contents()
    house.without_database()
    assert house.reconcile(EVERY_WAY[1]) == {"unrecorded": "2/2"}
    assert house.reconcile(EVERY_WAY[0]) == {}
    assert (house.shown("legacy"), house.shown(name)) == (LEGACY, OTHER)
    assert house.contents() == before


def test_a_lost_picture_is_only_reported(house: Installation) -> None:
    """Neither here nor in its bucket: its renditions there stay until somebody deletes it."""
    house.used()
    house.drop("legacy")
    (file,) = [path for path in house.files() if path.name.startswith("legacy~")]
    file.unlink()
    before = house.contents()
    for options in EVERY_WAY:
        found = house.reconcile(options)
        assert found["lost"] == "1/0"
        assert house.report.remarks == [IN_BUCKETS]
    assert house.shown("legacy") == 503
    assert house.contents() == before
    with house.serving() as running:
        assert running.client.delete(house.path("legacy"), headers=BEARER).status_code == 204
        assert running.client.get(house.path("legacy")).status_code == 404
    assert {key for key in before if not key.startswith("legacy")} == house.place.listed()
    assert house.reconcile(EVERY_WAY[0]) == {}


def test_an_original_that_its_bucket_lost_is_put_there_again(house: Installation) -> None:
    """Its file is here."""
    house.used()
    before = house.contents()
    house.drop("legacy")
    assert house.reconcile(Options(grace=0)) == {"unmirrored": "1/0"}
    assert house.reconcile(EVERY_WAY[0]) == {"unmirrored": "1/1"}
    with house.serving():
        servers.until(lambda: house.contents() == before)
    assert house.reconcile(EVERY_WAY[0]) == {}


@pytest.mark.parametrize("here", [True, False], ids=["here, too", "there alone"])
def test_another_picture_under_its_id_stays(house: Installation, here: bool) -> None:
    """Somebody has put it there; ours goes on being answered where its file is here."""
    house.used()
    house.put("legacy", OTHER)
    if not here:
        shutil.rmtree(house.folder / "data" / "originals")
    before = house.contents()
    for options in EVERY_WAY:
        found = house.reconcile(options)
        assert found.pop("lost", "") == ("" if here else "1/0")
        assert found == {"unmirrored": "1/0"}
    with house.serving() as running:
        running.call(running.components.mirroring.catch_up())
        running.call(running.components.purge.tidy())
        answer = running.client.get(house.path("legacy"))
        assert (answer.status_code, answer.content == LEGACY) == (200 if here else 503, here)
    assert house.contents() == before


def test_a_file_is_not_adopted_over_another_picture(house: Installation) -> None:
    """What lies under that id in the bucket is not replaced by what lay here."""
    house.used()
    house.put("legacy", OTHER)
    house.without_database()
    before = house.contents()
    assert house.reconcile(EVERY_WAY[1]) == {"unrecorded": "2/1"}
    assert house.shown("legacy") == OTHER
    assert house.contents() == before


@s3worlds.needs_rclone
def test_the_wrong_store_gives_up_nothing(house: Installation) -> None:
    """An address at which no bucket is known looks as if everything were lost."""
    name = house.used()
    before = house.contents()
    shutil.rmtree(house.folder / "data" / "originals")
    elsewhere = s3worlds.shared("rclone").address
    found = house.reconcile(EVERY_WAY[2], aws__endpoint_url=elsewhere)
    assert found == {"lost": "2/0", "unmirrored": "2/2"}
    assert house.reconcile(EVERY_WAY[0]) == {"unnoted": "2/2"}
    assert (house.shown("legacy"), house.shown(name)) == (LEGACY, OTHER)
    assert house.contents() == before


def test_an_unfinished_upload_is_for_the_server_to_clear(house: Installation) -> None:
    """Its note leads to what it left in the bucket, and outlives a run that removes strays."""
    name = house.used()
    house.without_database()
    with house.serving() as running:
        originals = running.components.originals
        (file,) = [path for path in house.files() if path.name.startswith(name)]
        generation = file.name.rpartition("~")[2]
        note = originals._note(generation)
        place = file.relative_to(house.folder / "data" / "originals")
        note.write_text(f"{place}\n{house.place.bucket}/{name}")
        assert house.reconcile(EVERY_WAY[2])
        assert note.exists()
        running.components.pipeline.lease = 0.0
        running.call(running.components.uploads.recover())
        assert not note.exists()
    assert house.place.listed() == {"legacy", "legacy/s/250", "legacy/s/100"}
