"""An upgrade from 1.0.0, one instance after the other, on one PostgreSQL and one bucket."""

import asyncio
import contextlib
import hashlib
import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from storage import s3worlds, worlds
from web import pictures, servers
from web.buckets import BEARER

from . import production

RELEASE = "863fa263e5e617831227f8e12beb103a49939523"
"""The commit of 1.0.0."""


def archive() -> bytes:
    """The package of 1.0.0 as a tar file; nothing where the history does not go back to it."""
    command = ["git", "-C", str(servers.ROOT), "archive", RELEASE, "liveresize"]
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True, check=False).stdout
    return b""


pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not archive(), reason="fetch the history back to 1.0.0"),
]


@pytest.fixture
def release(tmp_path: Path) -> tuple[str, ...]:
    """What a command begins with that runs 1.0.0."""
    with tarfile.open(fileobj=io.BytesIO(archive())) as tar:
        tar.extractall(tmp_path / "1.0.0", filter="data")
    return "env", f"PYTHONPATH={tmp_path / '1.0.0'}"


def uncovered() -> bytes:
    """A GIF whose only frame covers a quarter of it: what 1.0.0 calls opaque."""
    frame = io.BytesIO()
    Image.new("P", (4, 4), 1).save(frame, "GIF")
    screen = (8).to_bytes(2, "little") * 2
    data = frame.getvalue()
    return data[:6] + screen + data[10:]


class Fleet:
    """Instances of two releases, and what all of them have stored."""

    def __init__(
        self, folder: Path, url: str, places: production.Buckets, release: tuple[str, ...]
    ) -> None:
        self.url, self.places, self._folder, self._release = url, places, folder, release

    def old(self, name: str) -> contextlib.AbstractContextManager[servers.Process]:
        """An instance of 1.0.0 with the folder of that name."""
        return self._instance(name, *self._release, warnings="default")

    def new(self, name: str, **keys: object) -> contextlib.AbstractContextManager[servers.Process]:
        """An instance of this release with the folder of that name, and these settings."""
        return self._instance(name, **keys)

    def _instance(
        self, name: str, *prefix: str, **keys: object
    ) -> contextlib.AbstractContextManager[servers.Process]:
        settings = {**self.places.settings, **keys}
        return production.instance(self._folder / name, self.url, *prefix, **settings)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a statement finds in the database."""

        async def ask() -> list[tuple[Any, ...]]:
            async with worlds.raw(self.url) as engine:
                return await engine.run(
                    lambda connection: [
                        tuple(row) for row in connection.exec_driver_sql(statement).all()
                    ]
                )

        return asyncio.run(ask())

    def change(self, statement: str) -> None:
        """Execute a statement in the database."""

        async def change() -> None:
            async with worlds.raw(self.url) as engine:
                await engine.run(lambda connection: connection.exec_driver_sql(statement).close())

        asyncio.run(change())

    def objects(self) -> dict[str, str]:
        """The SHA-256 of every rendition in the bucket, by its key."""
        bucket = self.places.renditions
        keys = {key for key in self.places.keys(bucket) if key.endswith(".jpg")}
        read = {key: self.places.client.get_object(Bucket=bucket, Key=key) for key in keys}
        return {
            key: hashlib.sha256(answer["Body"].read()).hexdigest() for key, answer in read.items()
        }

    def check(self) -> None:
        """Fail unless every link in use leads to the bytes that it describes."""
        links = self.rows("SELECT key, etag FROM renditions WHERE purged_at IS NULL")
        stored = self.objects()
        assert {key: stored.get(key) for key, _ in links} == dict(links)

    def facts(self) -> dict[str, int | None]:
        """The version of the facts of each original."""
        return dict(self.rows("SELECT name, facts_version FROM originals"))


@pytest.fixture
def fleet(tmp_path: Path, release: tuple[str, ...]) -> Iterator[Fleet]:
    """A fleet without instances."""
    with worlds.postgresql_url() as url, production.buckets("moto") as places:
        yield Fleet(tmp_path, url, places, release)


def kept(process: servers.Process, target: str) -> str:
    """The file that a rendition is redirected to, once it is stored."""
    return location(process, target).rpartition("/")[2]


def location(process: servers.Process, target: str) -> str:
    """Where a rendition is redirected to, once it is stored."""

    def redirected() -> str:
        answer = process.client.get(target)
        assert answer.status_code in (200, 303)
        return answer.headers.get("Location", "")

    return servers.until(redirected)


@worlds.needs_postgresql
@s3worlds.needs_moto
def test_both_releases_serve_what_either_has_stored(fleet: Fleet) -> None:
    """No key gets the bytes of both engines, and going back is possible at any time."""
    file = "{}x0-qa82-jpeg{}.jpg"
    with fleet.old("one") as old, fleet.old("two") as gone:
        old.client.put_in("cat", pictures.jpeg())
        gone.client.put_in("dog", pictures.jpeg())
        gone.client.put_in("fox", uncovered())
        assert gone.client.get("/fox.json").json()["has_alpha"] is False
        assert kept(old, "/cat_20_0.jpg") == file.format(20, "")
        before = fleet.objects()
        gone.process.terminate()
        gone.process.wait()
        with fleet.new("two") as new:
            # Links of the old engine stay in use, and each uses those of the other.
            assert kept(new, "/cat_20_0.jpg") == file.format(20, "")
            assert kept(new, "/cat_21_0.jpg") == file.format(21, "~2")
            assert kept(old, "/cat_21_0.jpg") == file.format(21, "~2")
            assert kept(old, "/dog_22_0.jpg") == file.format(22, "")
            assert kept(new, "/dog_22_0.jpg") == file.format(22, "")
            new.client.put_in("cow", pictures.jpeg())
            old.client.put_in("hen", pictures.jpeg())
            for instance in (old, new):
                for name in ("cow", "hen"):
                    assert instance.client.get(f"/{name}.json").json()["frames"] == 1
            # The files of `dog` and `fox` are on the disk of the new instance.
            servers.until(lambda: fleet.facts()["dog"] == fleet.facts()["fox"] == 2)
            assert fleet.facts() == {"cat": None, "cow": 2, "dog": 2, "fox": 2, "hen": None}
            servers.until(lambda: new.client.get("/fox.json").json()["has_alpha"])
            # Old renditions are purged: the new ones have other keys, and the old ones stay.
            answer = new.client.post("/purge", json={"engine_before": "2"}, headers=BEARER)
            assert answer.json() == {"purged": 2}
            servers.until(lambda: kept(new, "/cat_20_0.jpg") == file.format(20, "~2"))
            servers.until(lambda: kept(old, "/cat_20_0.jpg") == file.format(20, "~2"))
            fleet.check()
            assert before.items() <= fleet.objects().items()
            production.well(new)
        with fleet.old("two") as back:
            assert kept(back, "/cat_21_0.jpg") == file.format(21, "~2")
            assert back.client.get("/cow_23_0.jpg").status_code == 200
            assert back.client.get("/fox.json").json()["has_alpha"] is True
            production.well(back)
    with fleet.new("one"), fleet.new("two"):
        servers.until(lambda: set(fleet.facts().values()) == {2})
    fleet.check()


@worlds.needs_postgresql
@s3worlds.needs_moto
def test_a_link_that_1_0_0_gives_out_does_not_end(fleet: Fleet) -> None:
    """It notes uses, too; of what has ended it makes a link again, or removes the object."""
    bounds: dict[str, object] = {"cache__object_age": 1, "redirect_cache_timeout": 0}
    grace = 60 + 600
    widths = (20, 21, 22)
    with fleet.old("one") as old:
        old.client.put_in("cat", pictures.jpeg())
        used, again, gone = (kept(old, f"/cat_{width}_0.jpg") for width in widths)
        age = f"UPDATE renditions SET used_at = used_at - {10 * grace}"
        noted = "SELECT key FROM renditions WHERE used_at > rendered_at - 60"
        fleet.change(age)
        servers.until(lambda: len(fleet.rows(noted)) == 3, production.RECOVERY)
        fleet.change(age)
        assert old.client.get("/cat_20_0.jpg").status_code in (200, 303)
        servers.until(lambda: len(fleet.rows(noted)) == 1, production.RECOVERY)
        ended = "SELECT key FROM renditions WHERE purged_at IS NOT NULL"
        with fleet.new("two", **bounds) as new:
            servers.until(lambda: len(fleet.rows(ended)) == 2, production.RECOVERY)
            assert kept(new, "/cat_20_0.jpg") == used
            fleet.check()
            # The other one hears of it, and makes the rendition again under the same key.
            servers.until(
                lambda: kept(old, "/cat_21_0.jpg") == again and len(fleet.rows(ended)) == 1
            )
            fleet.change(f"UPDATE renditions SET purged_at = purged_at - {10 * grace}")
            servers.until(lambda: not fleet.rows(ended), production.RECOVERY)
            servers.until(lambda: not any(gone in key for key in fleet.objects()))
            fleet.check()
            assert len(fleet.objects()) == 2


@worlds.needs_postgresql
@s3worlds.needs_moto
def test_a_token_that_was_given_back_is_a_failed_one_to_1_0_0(fleet: Fleet) -> None:
    """1.0.0 refuses it, and issues the next one for its id; a token of either works at both."""
    data = pictures.jpeg()
    with fleet.old("one") as old, fleet.new("two") as new:
        token = old.client.token("cat")
        assert new.client.upload("cat", b"", token).status_code == 400
        refused = old.client.upload("cat", data, token)
        assert (refused.status_code, refused.json()["code"]) == (403, "token_refused")
        assert new.client.upload("cat", b"", token).status_code == 400
        replacement = old.client.token("cat")
        assert new.client.upload("cat", data, token).json()["cause"] == "unknown"
        assert old.client.upload("cat", b"", replacement).status_code == 400
        assert new.client.upload("cat", data, replacement).json()["cause"] == "used"
        last = old.client.token("cat")
        assert new.client.upload("cat", b"", last).status_code == 400
        receipt = new.client.upload("cat", data, last)
        assert receipt.status_code == 200
        assert old.client.upload("cat", data, last).content == receipt.content


@worlds.needs_postgresql
@s3worlds.needs_moto
def test_nothing_is_held_while_an_instance_of_1_0_0_would_show_it(fleet: Fleet) -> None:
    """Everything else can be recorded; once it has stopped, pictures can be held, and with its
    next start no more are."""
    held = {"held": True}
    with fleet.old("one") as old, fleet.new("two") as new:
        old.client.put_in("cat", pictures.jpeg())
        asked = new.client.patch("/cat", json=held, headers=BEARER)
        assert (asked.status_code, asked.json()["code"]) == (409, "older_instance")
        for fields in (held, {"claim_within": 60}):
            assert new.client.post("/token", json={"id": "dog", **fields}).status_code == 409
        focus = {"focus": [0, 0.5], "keep_until": "2100-01-01T00:00:00Z", "held": False}
        assert new.client.patch("/cat", json=focus, headers=BEARER).status_code == 200
        token = new.client.token("dog", meta={"a": 1})
        assert old.client.upload("dog", pictures.jpeg(), token).status_code == 200
        assert new.client.get("/dog.json", headers=BEARER).json()["meta"] is None
        old.process.terminate()
        old.process.wait()
        servers.until(
            lambda: new.client.patch("/cat", json=held, headers=BEARER).status_code == 200
        )
        assert new.client.get("/cat").status_code == 404
        with fleet.old("one"):
            again = new.client.patch("/dog", json=held, headers=BEARER)
            assert again.status_code == 409
            released = new.client.patch("/cat", json={"held": False}, headers=BEARER)
            assert released.status_code == 200


def test_going_back_to_1_0_0_on_one_disk(tmp_path: Path, release: tuple[str, ...]) -> None:
    """1.0.0 knows the keys of its own engine alone: it serves everything once the links of this
    one are purged, as the page on upgrades says."""
    folder = tmp_path / "server"
    keys: dict[str, object] = {"admin__secrets": [servers.ADMIN]}
    with servers.Process(folder, *release, warnings="default", **keys) as old:
        old.client.put_in("cat", pictures.jpeg())
        first = location(old, "/cat_20_0.jpg")
        made = old.client.get(first).content
    with servers.Process(folder, **keys) as new:
        assert location(new, "/cat_20_0.jpg") == first
        assert new.client.get(first).content == made
        second = location(new, "/cat_21_0.jpg")
        assert "immutable" in new.client.get(second).headers["Cache-Control"]
    with servers.Process(folder, *release, warnings="default", **keys) as back:
        assert location(back, "/cat_20_0.jpg") == first
        assert location(back, "/cat_21_0.jpg") == second
        assert back.client.get(second).status_code == 404
        answer = back.client.post("/purge", json={"engine_before": "3"}, headers=BEARER)
        assert answer.json() == {"purged": 2}
        for target in ("/cat_20_0.jpg", "/cat_21_0.jpg"):
            assert back.client.get(location(back, target)).status_code == 200
