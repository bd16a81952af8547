"""A database that is restored or replaced under servers, and instances that were off."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from maintenance import test_stories
from storage import worlds
from web import pictures, servers

from . import restores
from .cluster import Cluster, needs_pgserver

pytestmark = [pytest.mark.long, needs_pgserver]

ADMIN = {"Authorization": f"Bearer {servers.ADMIN}"}
HEARD = 30.0
"""Seconds in which a deletion gets around: it is asked after every 5."""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL that runs."""
    with Cluster() as made:
        made.start()
        yield made


@contextlib.contextmanager
def instance(folder: Path, **keys: object) -> Iterator[servers.Running]:
    """A server in this process."""
    folder.mkdir(exist_ok=True)
    with servers.Running(folder, admin__secrets=[servers.ADMIN], **keys) as running:
        yield running


def copied(one: servers.Running, other: servers.Running) -> None:
    """Give the other instance the originals of the first, as a mirror would."""
    source, target = (each.data / "originals" / "_main" for each in (one, other))
    shutil.copytree(source, target, dirs_exist_ok=True)


def names(running: servers.Running) -> set[str]:
    """The pictures whose originals lie where they belong."""
    return {path.name.partition("~")[0] for path in running.originals}


def delete(running: servers.Running, name: str) -> None:
    """Delete a picture."""
    assert running.client.delete(f"/{name}", headers=ADMIN).status_code == 204


def heard(running: servers.Running, *left: str) -> None:
    """Return when no other originals than these are left there."""
    servers.until(lambda: names(running) == set(left), HEARD)


def settled(running: servers.Running) -> None:
    """Have it hear of everything, and do what that asks for."""
    for chore in ("listen", "tidy", "listen"):
        running.call(getattr(running.components.purge, chore)())


def looked(running: servers.Running) -> None:
    """Have it look for originals without a row, however young."""
    strays = running.components.strays
    strays._grace = 0.0
    strays._walked = None
    running.call(strays.look())


def test_deletions_after_a_restore_reach_every_instance(tmp_path: Path, cluster: Cluster) -> None:
    """Their serials lie below those that were heard before, and nobody is restarted."""
    keys = {"postgresql__url": cluster.url}
    with instance(tmp_path / "one", **keys) as one, instance(tmp_path / "two", **keys) as two:
        for shade, name in enumerate(("first", "second", "third", "kept")):
            one.client.put_in(name, pictures.jpeg(shade=shade))
        copied(one, two)
        for name in ("first", "second", "third", "kept"):
            assert two.client.get(f"/{name}.jpg").status_code == 200
        restore = restores.of_cluster(cluster, tmp_path / "index.dump")
        delete(one, "second")
        delete(one, "third")
        heard(two, "first", "kept")
        restore()
        delete(one, "first")
        heard(two, "kept")
        assert two.client.get("/first.jpg").status_code == 404
        assert two.client.get("/kept.jpg").status_code == 200
        assert two.components.deletions.restores == 1


def test_what_a_restored_database_lacks_is_forgotten(tmp_path: Path, cluster: Cluster) -> None:
    """Also where nothing was ever deleted: memory goes by rows that are no more, and its
    names are free for other pictures."""
    keys = {"postgresql__url": cluster.url}
    with instance(tmp_path / "one", **keys) as one, instance(tmp_path / "two", **keys) as two:
        restore = restores.of_cluster(cluster, tmp_path / "index.dump")
        one.client.put_in("cat", pictures.jpeg(shade=1))
        assert one.client.get("/cat.jpg").status_code == 200
        restore()
        new = pictures.jpeg(shade=200)
        two.client.put_in("cat", new)
        servers.until(lambda: one.components.deletions.restores == 1, HEARD)
        assert one.client.get("/cat.jpg").status_code == 503  # the other one has it
        copied(two, one)
        assert one.client.get("/cat.jpg").content == new


def test_another_database_behind_the_address_is_noticed(tmp_path: Path, cluster: Cluster) -> None:
    """It has serials of its own, and rows of its own; the first one is there again later."""
    keys = {"postgresql__url": cluster.url}
    with instance(tmp_path / "one", **keys) as one:
        one.client.put_in("cat", pictures.jpeg())
        one.client.put_in("dog", pictures.jpeg())
        delete(one, "dog")
        settled(one)
        cluster.ask("ALTER SCHEMA public RENAME TO aside")
        cluster.ask("CREATE SCHEMA public")
        one.call(one.components.index.migrate())
        servers.until(lambda: one.components.deletions.restores == 1, HEARD)
        assert one.client.get("/cat.jpg").status_code == 404
        cluster.ask("DROP SCHEMA public CASCADE")
        cluster.ask("ALTER SCHEMA aside RENAME TO public")
        servers.until(lambda: one.components.deletions.restores == 2, HEARD)
        assert one.client.get("/cat.jpg").status_code == 200
        assert names(one) == {"cat"}


def older(cluster: Cluster, days: float) -> None:
    """Let so many days pass for what is recorded of deletions."""
    cluster.ask(f"UPDATE purges SET at = at - {days * 86_400}")


def test_a_deleted_picture_stays_deleted_on_an_instance_that_was_off(
    tmp_path: Path, cluster: Cluster
) -> None:
    """For a week, during which others were deleted; then the database goes away."""
    keys = {"postgresql__url": cluster.url}
    with instance(tmp_path / "one", **keys) as one:
        with instance(tmp_path / "two", **keys) as two:
            for name in ("cat", "dog", "kept"):
                one.client.put_in(name, pictures.jpeg())
            copied(one, two)
        delete(one, "cat")
        older(cluster, 7)
        delete(one, "dog")
        settled(one)
        with instance(tmp_path / "two", **keys) as two:
            heard(two, "kept")
            cluster.stop()
            for name in ("cat", "dog"):
                assert two.client.get(f"/{name}.jpg").status_code == 503
            assert two.client.get("/kept.jpg").status_code == 200


def test_what_is_no_longer_remembered_is_not_served_either(
    tmp_path: Path, cluster: Cluster
) -> None:
    """After two months nobody knows whether it was deleted; it is kept, and set aside when
    it has been like that for a month more."""
    keys = {"postgresql__url": cluster.url}
    with instance(tmp_path / "one", **keys) as one:
        with instance(tmp_path / "two", **keys) as two:
            one.client.put_in("cat", pictures.jpeg())
            one.client.put_in("kept", pictures.jpeg())
            copied(one, two)
        delete(one, "cat")
        older(cluster, 60)
        one.client.put_in("dog", pictures.jpeg())
        delete(one, "dog")
        older(cluster, 31)
        one.components.purge._rounds = 0  # an hour has gone by
        settled(one)
        with instance(tmp_path / "two", **keys) as two:
            settled(two)
            looked(two)
            assert names(two) == {"cat", "kept"}
            cluster.stop()
            assert two.client.get("/cat.jpg").status_code == 503
            assert two.client.get("/kept.jpg").status_code == 200
            cluster.start()
            servers.until(lambda: two.client.get("/cat.jpg").status_code == 404, HEARD)
            strays = two.components.strays
            strays._lost_after = 0.0
            looked(two)
            assert names(two) == {"kept"}
            (aside,) = (two.data / "originals" / "_lost").rglob("cat~*")
            assert aside.read_bytes()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_upload_that_a_backup_lacks_is_kept_and_adopted(
    tmp_path: Path, cluster: Cluster, kind: str
) -> None:
    """It was acknowledged: through starts, looks and a month without a row it is not deleted."""
    folder, backup = tmp_path / "one", tmp_path / "backup"
    keys: dict[str, Any] = {"originals__lost_days": 1}
    if kind == "postgresql":
        keys["postgresql__url"] = cluster.url
    data = pictures.jpeg(shade=9)
    with instance(folder, **keys) as one:
        one.client.put_in("old", pictures.jpeg())
        if kind == "postgresql":
            restore = restores.of_cluster(cluster, backup)
        else:
            restore = restores.of_file(one.data / "liveresize.sqlite", backup)
        one.client.put_in("gone", pictures.jpeg())
        one.client.put_in("new", data)
        delete(one, "gone")
        settled(one)
    restore()
    with instance(folder, **keys) as one:
        settled(one)
        assert one.components.deletions.restores == 1
        looked(one)
        assert names(one) == {"old", "new"}
        assert one.client.get("/new.jpg").status_code == 404
    with instance(folder, **keys) as one:
        settled(one)
        assert one.components.deletions.restores == 0
        strays = one.components.strays
        strays._lost_after = 0.0
        looked(one)
        assert names(one) == {"old"}
    house = test_stories.House(folder, cluster.url)
    house.keys = keys
    assert house.reconcile().left == 0
    with instance(folder, **keys) as one:
        assert one.client.get("/new.jpg").content == data
        settled(one)
        looked(one)
        assert names(one) == {"old", "new"}


def test_two_databases_have_two_identities(tmp_path: Path, cluster: Cluster) -> None:
    """And one that was restored from its own dump has another than before; a restart of
    the server changes nothing."""
    url = worlds.engines.parse_url(cluster.url)
    cluster.ask("CREATE DATABASE other")
    with instance(tmp_path / "one", postgresql__url=cluster.url) as one:
        before = one.call(one.components.index.purges.identity())
        other = url.set(database="other").render_as_string(hide_password=False)
        with instance(tmp_path / "two", postgresql__url=other) as two:
            assert two.call(two.components.index.purges.identity()) != before
        cluster.stop()
        cluster.start()
        assert one.call(one.components.index.purges.identity()) == before
        restores.of_cluster(cluster, tmp_path / "index.dump")()
        assert one.call(one.components.index.purges.identity()) != before
