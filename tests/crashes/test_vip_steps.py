"""kill -9 at each step of an upload into a bucket, and of taking one over from vip.

Whatever dies and whatever clears up after it: what vip left in the bucket stays as it is.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import preloaded
import pytest
from storage import s3worlds
from web import servers, wire

from .buckets import LEGACY, NAMES, NEW, THEIRS, TOKEN, Town, town
from .scenes import ADMIN, ON_DISK, SHARED, died, while_it_dies
from .test_steps import on

pytestmark = [pytest.mark.long, s3worlds.needs_moto]

MOVING = ("before:clean", "after:clean", "before:keep", "after:keep")
COMMITTING = ("before:mirror", "after:mirror", "before:adopt", "after:insert-adopt")
STORED = ("after:adopt", "before:settle", "after:settle", "after:finish")
TAKING = ("before:take", "after:take", "before:take-over")
TAKEN = ("after:take-over", "before:restore", "after:restore")
INHERITING = (
    "before:look",
    "after:look",
    "before:inherit",
    "after:insert-inherit",
    "after:inherit",
)
PUBLISHING = ("after:spool", "before:store-vip", "after:store-vip", "before:link", "after:link")
DELETING = ("after:retire-here", "before:unmirror", "after:unmirror", "before:remove-picture")
DELETED = ("after:delete", *DELETING, "after:remove-picture", "after:retire")


@pytest.fixture
def place(tmp_path: Path, shared: bool) -> Iterator[Town]:
    """An installation on one disk, or with everything shared, and a bucket of vip's."""
    with town(tmp_path, shared=shared) as one:
        yield one


@on({False: MOVING + COMMITTING, True: COMMITTING[1::2]})
def test_killed_before_the_commit(place: Town, step: str) -> None:
    """Nothing of the upload is left once its lease has run out, in the bucket neither."""
    doomed = place.server(step)
    assert while_it_dies(lambda: place.upload(doomed.client)) is None
    died(doomed)
    client = place.server().client
    place.in_order()
    assert place.scene.rows.originals == {}
    assert place.originals() == LEGACY
    name = place.deposited(client)
    assert place.get(client, name) == NEW
    place.in_order()
    place.untouched()


@pytest.mark.parametrize("shared", [ON_DISK])
def test_killed_while_a_body_comes(place: Town) -> None:
    """The half that has come is swept."""
    doomed = place.server()
    staging = doomed.folder / "data" / "originals" / "_staging"
    with wire.Wire(doomed.port) as connection:
        head = wire.request(
            f"/upload/{place.place.bucket}",
            "POST",
            X_Vip_Token=TOKEN["X-Vip-Token"],
            Content_Length=str(len(NEW)),
        )
        connection.send(head + NEW[: len(NEW) // 2])
        servers.until(lambda: any(path.stat().st_size for path in staging.iterdir()))
        doomed.kill()
    place.server()
    place.in_order()
    assert place.originals() == LEGACY


@on({False: STORED, True: STORED[:1]})
def test_killed_after_the_commit(place: Town, step: str) -> None:
    """It is uploaded although nobody was told: whole, and nothing beside it."""
    doomed = place.server(step)
    assert while_it_dies(lambda: place.upload(doomed.client)) is None
    died(doomed)
    client = place.server().client
    ((name, _),) = place.scene.rows.originals.values()
    assert place.get(client, name) == NEW
    assert place.originals() == {**LEGACY, name: NEW}
    place.in_order()
    place.untouched()


@pytest.mark.parametrize("shared", [ON_DISK])
def test_killed_again_while_clearing_up(place: Town) -> None:
    """A server that dies over what a dead one left hides nothing from the third, whether
    it died before the object was gone or after."""
    doomed = place.server("before:adopt")
    assert while_it_dies(lambda: place.upload(doomed.client)) is None
    died(doomed)
    for step in ("before:unmirror", "after:unmirror", "after:remove-picture"):
        staged = list((doomed.folder / "data" / "originals" / "_staging").iterdir())
        for left in staged:
            os.utime(left)  # else the next one dies before it can say that it has started
        second = place.server(step, upload__lease=600)
        for left in staged:
            os.utime(left, (0, 0))
        died(second)
    place.server()
    place.in_order()
    assert place.originals() == LEGACY
    place.untouched()


@on({False: TAKING, True: TAKING[1:2]})
def test_killed_before_it_is_taken_over(place: Town, step: str) -> None:
    """It was never there, but for a staged file that is swept; it is taken by the next."""
    doomed = place.server(step)
    assert while_it_dies(lambda: doomed.client.get(place.path("legacy"))) is None
    died(doomed)
    place.untouched()
    client = place.server().client
    place.served(client)
    place.in_order()


@on({False: TAKEN, True: TAKEN[:2]})
def test_killed_when_it_is_taken_over(place: Town, step: str) -> None:
    """Its row stands, so the bucket supplies its bytes where they did not come to the disk."""
    doomed = place.server(step)
    assert while_it_dies(lambda: doomed.client.get(place.path("legacy"))) is None
    died(doomed)
    assert len(place.scene.rows.originals) == 1
    place.untouched()
    (generation,) = place.scene.rows.originals
    client = place.server().client
    place.served(client)
    assert generation in place.scene.rows.originals
    place.in_order()


@on({False: INHERITING, True: ("after:insert-inherit",)})
def test_killed_over_a_rendition_of_vip(place: Town, step: str) -> None:
    """Its bytes are answered as they are, linked or not."""
    doomed = place.server(step)
    assert while_it_dies(lambda: doomed.client.get(place.path("legacy", "?s=250"))) is None
    died(doomed)
    place.untouched()
    place.served(place.server().client)
    place.in_order()


@on({False: PUBLISHING, True: PUBLISHING[-2:-1]})
def test_killed_while_publishing(place: Town, step: str) -> None:
    """What was made is stored under vip's key by the next, and linked."""
    doomed = place.server(step)
    while_it_dies(lambda: doomed.client.get(place.path("legacy", "?s=90")))
    died(doomed)
    client = place.server().client
    servers.until(lambda: place.scene.rows.links)
    place.in_order()
    assert "legacy/s/90" in place.place.listed()
    assert place.get(client, "legacy", "?s=90") == place.place.bytes("legacy/s/90")
    place.served(client)


@on({False: DELETED, True: DELETED[::3]})
def test_killed_while_deleting(place: Town, step: str) -> None:
    """DELETE alone takes from the bucket, and all of it in the end; its neighbour stays."""
    first = place.server()
    place.served(first.client)
    servers.until(lambda: len(place.scene.rows.links) == 4)
    first.kill()
    doomed = place.server(step)
    path = place.path("legacy")
    assert while_it_dies(lambda: doomed.client.delete(path, headers=ADMIN)) is None
    died(doomed)
    client = place.server().client
    assert client.get(path).status_code == 404

    def gone() -> bool:
        return not [key for key in place.place.listed() if key.partition("/")[0] == "legacy"]

    servers.until(gone)
    assert client.get(path).status_code == 404
    assert client.get(place.path("legacy", "?s=250")).status_code == 404
    place.in_order()
    assert place.get(client, "older") == LEGACY["older"]
    assert place.get(client, "older", "?s=250") == THEIRS["older"]


@on({False: ("before:evict", "after:evict", "before:fetch", "after:fetch")})
def test_killed_while_room_is_made(place: Town, step: str) -> None:
    """Files come and go; the bucket supplies them and keeps them."""
    first = place.server()
    place.served(first.client)
    name = place.deposited(first.client)
    first.kill()
    for path in (first.folder / "data" / "originals" / "_bucket").rglob("*~*"):
        path.unlink()
    doomed = place.server(step, originals__cache_bytes=1)
    while_it_dies(lambda: doomed.client.get(place.path("legacy")))
    died(doomed)
    client = place.server(originals__cache_bytes=1).client
    for _ in range(3):
        place.served(client)
        assert place.get(client, name) == NEW
    place.in_order()
    assert place.originals() == {**LEGACY, name: NEW}


@pytest.mark.parametrize("shared", [ON_DISK, SHARED])
def test_whatever_is_reconciled_the_bucket_stays(place: Town) -> None:
    """After kills in the middle of it all, with the database lost and files without rows."""
    for step in ("after:take", "after:take-over", "after:insert-inherit"):
        doomed = place.server(step)
        while_it_dies(lambda doomed=doomed: doomed.client.get(place.path("older", "?s=250")))  # type: ignore[misc]
        died(doomed)
    first = place.server()
    place.served(first.client)
    name = place.deposited(first.client)
    servers.until(lambda: len(place.scene.rows.links) == 4)
    first.kill()
    everything = place.originals()
    assert everything == {**LEGACY, name: NEW}
    if not place.scene.shared:
        for path in (first.folder / "data").glob("liveresize.sqlite*"):
            path.unlink()
    for strays in ((), ("--adopt",), ("--remove",), ("--adopt",)):
        told = reconcile(first, *strays)
        assert told["complete"], told
        assert place.originals() == everything
        place.untouched()
    client = place.server().client
    place.served(client)
    assert place.get(client, name) == NEW
    assert place.originals() == everything


def reconcile(process: servers.Process, *strays: str) -> dict[str, object]:
    """What the command tells that reconciles the installation of a server."""
    ran = preloaded.run(
        ["reconcile", "--repair", "--json", "--grace=0", "--this-is-all", *strays],
        cwd=process.folder,
        env=process.environ,
        timeout=servers.PATIENCE,
    )
    assert ran.returncode in (0, 1), ran.stderr
    told: dict[str, object] = json.loads(ran.stdout.splitlines()[-1])
    return told


def test_the_pictures_of_vip_are_all_different() -> None:
    """Or these tests would show nothing."""
    assert len({*LEGACY.values(), *THEIRS.values(), NEW}) == 2 * len(NAMES) + 1
