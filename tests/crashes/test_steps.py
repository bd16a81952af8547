"""kill -9 at each step of an upload, of publishing a rendition, and of a deletion.

Real servers, one of which is made to kill itself just before or after the step; another
one then takes over what it left.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from web import pictures, servers

from .scenes import (
    ADMIN,
    ON_DISK,
    SHARED,
    Scene,
    died,
    half_sent,
    needs_cloud,
    picture,
    scene,
    while_it_dies,
)

pytestmark = pytest.mark.long

OLD, NEW = pictures.noise(900, 700), pictures.noise(1200, 900)
"""Of so many bytes that a body is written before it is whole."""

UNCLAIMED = ("before:claim",)
RECEIVED = ("after:claim", "after:body", "before:clean")
MOVING = ("after:clean", "before:rename", "after:sync", "after:keep")
MIRRORING = ("before:mirror", "after:mirror")
COMMITTING = ("before:commit", "after:insert")
REFUSED = ("after:withdraw", "after:abort")
STORED = ("after:commit", "after:settle", "after:finish")
RETIRED = ("before:retire", "after:retire-here", "after:retire")
RETIRED_SHARED = ("before:retire-shared", "after:retire-shared")

PUBLISHED_DISK = ("after:link", "after:insert-link")
PUBLISHED_SHARED = (
    *("after:spool", "before:store-s3", "after:store-s3", "before:link"),
    *("after:link", "after:insert-link", "before:unspool", "after:unspool"),
)
FORGOTTEN_DISK = ("before:store-disk", "before:rename", "after:store-disk", "before:link")
FORGOTTEN_SHARED = ("before:spool", "before:rename")
NOTED = ("before:note-stores", "before:note-here")
DELETED = ("after:delete", "after:retire-here", "after:retire")


def on(steps: dict[bool, tuple[str, ...]]) -> pytest.MarkDecorator:
    """The steps to try on one disk (False), and with what is shared (True).

    Steps of both are tried on one of them in turn: what is done after a death is the same.
    With LIVERESIZE_EVERY_STEP in the environment they are tried on both.
    """
    both = [step for step in steps.get(False, ()) if step in steps.get(True, ())]
    spared = set() if "LIVERESIZE_EVERY_STEP" in os.environ else set(enumerate(both))
    return pytest.mark.parametrize(
        ("shared", "step"),
        [
            pytest.param(
                shared,
                step,
                id=f"{'postgresql+s3' if shared else 'sqlite+disk'}-{step}",
                marks=needs_cloud if shared else (),
            )
            for shared, names in steps.items()
            for step in names
            if not any(step == each and bool(turn % 2) != shared for turn, each in spared)
        ],
    )


@pytest.fixture
def place(tmp_path: Path, shared: bool) -> Iterator[Scene]:
    """An installation on one disk, or with everything shared."""
    with scene(tmp_path, shared=shared) as one:
        yield one


def killed_in_upload(place: Scene, step: str, **fields: object) -> str:
    """Upload NEW as `cat` to a server that dies at `step`; returns the token."""
    doomed = place.server(step)
    token = doomed.client.token("cat", **fields)
    answer = while_it_dies(lambda: doomed.client.upload("cat", NEW, token, "image/jpeg"))
    assert answer is None  # nothing was acknowledged
    died(doomed)
    return token


def is_served(place: Scene, client: servers.Client, data: bytes) -> None:
    """The original is `data`, and its renditions are stored and led to."""
    assert picture(client, "/cat.jpg").content == data
    small = picture(client, "/cat_90_0.png")
    assert pictures.opened(small.content).width == 90
    servers.until(lambda: client.get("/cat_90_0.png").status_code == 303)
    assert picture(client, "/cat_90_0.png").content == small.content
    place.in_order()


def put_in_again(client: servers.Client, data: bytes) -> None:
    """The id is free, at once or soon, and takes another upload."""
    wanted = {"id": "cat", "secret": servers.SECRET}
    answers = servers.until(
        lambda: [a for a in [client.post("/token", json=wanted)] if a.status_code == 200]
    )
    answer = client.upload("cat", data, answers[0].json()["token"], "image/jpeg")
    assert answer.status_code == 200, answer.text


@on({False: UNCLAIMED, True: UNCLAIMED})
def test_killed_before_the_claim(place: Scene, step: str) -> None:
    """The token is as good as new."""
    token = killed_in_upload(place, step)
    client = place.server().client
    assert client.upload("cat", NEW, token, "image/jpeg").status_code == 200
    is_served(place, client, NEW)


@on({False: RECEIVED + MOVING + COMMITTING, True: RECEIVED + MOVING + MIRRORING + COMMITTING})
def test_killed_before_the_commit(place: Scene, step: str) -> None:
    """Nothing is left of it once its lease has run out; the token is spent, the id free."""
    token = killed_in_upload(place, step)
    client = place.server().client
    assert client.get("/cat.jpg").status_code == 404
    assert client.upload("cat", NEW, token, "image/jpeg").status_code == 403
    place.in_order()
    assert place.rows.originals == {}
    put_in_again(client, OLD)
    is_served(place, client, OLD)


@on({False: REFUSED, True: REFUSED})
def test_killed_after_the_commit_was_refused(place: Scene, step: str) -> None:
    """The id was deleted while bytes arrived: neither file nor copy is left."""
    doomed = place.server(step)
    token = doomed.client.token("cat")
    with half_sent(doomed, "cat", NEW, token) as connection:
        assert doomed.client.delete("/cat", headers=ADMIN).status_code == 404
        connection.send(NEW[len(NEW) // 2 :])
        died(doomed)
    client = place.server().client
    place.in_order()
    put_in_again(client, OLD)
    is_served(place, client, OLD)


@on({False: STORED, True: STORED})
def test_killed_after_the_commit(place: Scene, step: str) -> None:
    """It is uploaded although nobody was told; the token gives the answer that was lost."""
    token = killed_in_upload(place, step)
    client = place.server().client
    is_served(place, client, NEW)
    wanted = {"id": "cat", "secret": servers.SECRET}
    assert client.post("/token", json=wanted).status_code == 403
    repeated = client.upload("cat", NEW, token, "image/jpeg")
    assert (repeated.status_code, repeated.json()["id"]) == (200, "cat")
    place.in_order()


@on({False: ("after:keep", *COMMITTING), True: ("after:mirror", *COMMITTING)})
def test_killed_before_the_commit_of_an_overwrite(place: Scene, step: str) -> None:
    """The picture that was there is there still, and its renditions with it."""
    first = place.server()
    first.client.put_in("cat", OLD)
    is_served(place, first.client, OLD)
    first.kill()
    killed_in_upload(place, step, overwrite=True)
    is_served(place, place.server().client, OLD)


@on({False: ("after:commit", *RETIRED), True: ("after:commit", *RETIRED, *RETIRED_SHARED)})
def test_killed_after_the_commit_of_an_overwrite(place: Scene, step: str) -> None:
    """The new picture is served, and nothing of the old one is left anywhere."""
    first = place.server()
    first.client.put_in("cat", OLD)
    is_served(place, first.client, OLD)
    first.kill()
    killed_in_upload(place, step, overwrite=True)
    is_served(place, place.server().client, NEW)
    assert len(place.rows.originals) == 1


@on({False: PUBLISHED_DISK, True: PUBLISHED_SHARED})
def test_killed_while_publishing(place: Scene, step: str) -> None:
    """What was spooled is stored and linked by the next server, without being asked for; so is
    what the disk has stored and linked."""
    doomed = place.server(step)
    doomed.client.put_in("cat", NEW)
    while_it_dies(lambda: doomed.client.get("/cat_90_0.png"))
    died(doomed)
    client = place.server().client
    servers.until(lambda: place.rows.links)
    place.in_order()
    is_served(place, client, NEW)
    assert len(place.rows.links) == 1


@on({False: FORGOTTEN_DISK, True: FORGOTTEN_SHARED})
def test_killed_before_it_is_kept(place: Scene, step: str) -> None:
    """In the spool, or on the disk with its link: the rendition is made again, and nothing is
    left of the first one."""
    if step == "before:rename":  # an upload renames too
        first = place.server()
        first.client.put_in("cat", NEW)
        first.kill()
        doomed = place.server(step)
    else:
        doomed = place.server(step)
        doomed.client.put_in("cat", NEW)
    while_it_dies(lambda: doomed.client.get("/cat_90_0.png"))
    died(doomed)
    client = place.server().client
    place.in_order()
    assert place.rows.links == {}
    is_served(place, client, NEW)


@pytest.mark.parametrize("shared", [ON_DISK])
def test_what_a_crash_has_damaged_is_made_again(place: Scene) -> None:
    """A rendition on disk is never synced: a machine that goes down may lose its bytes."""
    first = place.server()
    first.client.put_in("cat", NEW)
    is_served(place, first.client, NEW)
    small = picture(first.client, "/cat_90_0.png").content
    first.kill()
    (stored,) = (first.folder / "data" / "renditions").rglob("*.png")
    stored.write_bytes(bytes(len(small)))
    client = place.server().client
    assert picture(client, "/cat_90_0.png").content == small
    servers.until(lambda: stored.read_bytes() == small)
    place.in_order()


def is_noted(place: Scene, client: servers.Client, generation: str) -> bool:
    """Whether the receipt of an erasure says that everything is gone."""
    receipt = client.get(f"/_erasures/{generation}", headers=ADMIN).json()
    assert (receipt["renditions"] is not None) == place.shared
    stores = [receipt["renditions"], receipt["mirror"]] if place.shared else []
    gone = [each["gone_at"] for each in (*receipt["instances"], *stores)]
    return bool(receipt["instances"]) and None not in gone


@on({False: DELETED + NOTED, True: DELETED + NOTED + RETIRED_SHARED})
def test_killed_while_deleting(place: Scene, step: str) -> None:
    """Once its row is gone, so is the rest of it soon; the id takes another picture."""
    first = place.server()
    first.client.put_in("cat", OLD)
    is_served(place, first.client, OLD)
    first.kill()
    (generation,) = place.rows.originals
    doomed = place.server(step)
    answer = while_it_dies(lambda: doomed.client.delete("/cat", headers=ADMIN))
    assert (answer is None) == (step != "before:note-here")
    died(doomed)
    client = place.server().client
    assert client.get("/cat.jpg").status_code == 404
    place.in_order()
    servers.until(lambda: is_noted(place, client, generation))
    put_in_again(client, NEW)
    is_served(place, client, NEW)


@pytest.mark.parametrize("shared", [ON_DISK, SHARED])
def test_killed_again_while_clearing_up(place: Scene) -> None:
    """A server that dies over what a dead one left hides nothing from the third."""
    killed_in_upload(place, "before:commit")
    second = place.server("after:settle", upload__lease=600)
    for left in (second.folder / "data" / "originals" / "_staging").iterdir():
        os.utime(left, (0, 0))
    died(second)
    client = place.server().client
    place.in_order()
    put_in_again(client, OLD)
    is_served(place, client, OLD)
