"""kill -9 at each step of a hold, of a release, and of an upload that is held from the start.

Nothing that was held is public, and nothing is lost.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from web import pictures, servers

from .scenes import ADMIN, Scene, died, picture, scene, while_it_dies
from .test_steps import NEW, OLD, is_served, on, put_in_again

pytestmark = pytest.mark.long

PATHS = ("/cat", "/cat.json", "/cat.jpg", "/cat_90_0.png", "/cat_91_0.png")

UNHELD = ("before:hide", "after:hide", "before:change", "after:insert-change")
HELD = ("after:change", "before:hide-here", "after:hide-here", "before:clear-hidden")
CLEARED = ("after:clear-hidden",)
CLEARED_SHARED = ("before:retire-shared", "after:retire-shared")
UNRELEASED = ("before:change", "after:insert-change")
RELEASED = ("after:change", "before:show", "after:show")
UNCOMMITTED = ("before:hide", "after:hide", "before:commit", "after:insert")
COMMITTED = ("after:commit", "after:settle", "after:finish")


@pytest.fixture
def place(tmp_path: Path, shared: bool) -> Iterator[Scene]:
    """An installation on one disk, or with everything shared."""
    with scene(tmp_path, shared=shared) as one:
        yield one


def killed_in_change(place: Scene, step: str, *, held: bool) -> None:
    """Hold or release the picture on a server that dies at `step`."""
    doomed = place.server(step)
    change = {"held": held}
    answer = while_it_dies(lambda: doomed.client.patch("/cat", json=change, headers=ADMIN))
    assert answer is None
    died(doomed)


def is_hidden(place: Scene, client: servers.Client, data: bytes) -> None:
    """Nobody but an admin gets it, no rendition is left, and its file is noted."""
    for path in PATHS:
        assert client.get(path).status_code == 404
    assert client.get("/cat", headers=ADMIN).content == data
    small = client.get("/cat_90_0.png", headers=ADMIN)
    assert small.headers["Cache-Control"] == "no-store"
    assert pictures.opened(small.content).width == 90
    place.in_order()
    assert place.rows.links == {}
    assert len(place.rows.hidden) == 1
    for path in PATHS:
        assert client.get(path).status_code == 404


@on({False: UNHELD, True: UNHELD})
def test_killed_before_the_commit_of_a_hold(place: Scene, step: str) -> None:
    """It is as public as before; whoever asked has no answer, and asks again."""
    first = place.server()
    first.client.put_in("cat", OLD)
    is_served(place, first.client, OLD)
    first.kill()
    killed_in_change(place, step, held=True)
    client = place.server().client
    is_served(place, client, OLD)
    assert client.patch("/cat", json={"held": True}, headers=ADMIN).status_code == 200
    is_hidden(place, client, OLD)


@on({False: HELD + CLEARED, True: HELD + CLEARED + CLEARED_SHARED})
def test_killed_after_the_commit_of_a_hold(place: Scene, step: str) -> None:
    """It is held, and the next server removes what is left of its renditions."""
    first = place.server()
    first.client.put_in("cat", OLD)
    is_served(place, first.client, OLD)
    first.kill()
    killed_in_change(place, step, held=True)
    is_hidden(place, place.server().client, OLD)


@on({False: UNRELEASED + RELEASED, True: UNRELEASED + RELEASED})
def test_killed_while_releasing(place: Scene, step: str) -> None:
    """Held before the commit, and public after it."""
    first = place.server()
    first.client.put_in("cat", OLD, held=True)
    is_hidden(place, first.client, OLD)
    first.kill()
    killed_in_change(place, step, held=False)
    client = place.server().client
    if step in UNRELEASED:
        is_hidden(place, client, OLD)
        assert client.patch("/cat", json={"held": False}, headers=ADMIN).status_code == 200
    is_served(place, client, OLD)


@on({False: UNCOMMITTED + COMMITTED, True: UNCOMMITTED + COMMITTED})
def test_killed_in_an_upload_that_is_held(place: Scene, step: str) -> None:
    """Nothing is left of it before the commit, not even a note; after it, it is held."""
    doomed = place.server(step)
    token = doomed.client.token("cat", held=True)
    answer = while_it_dies(lambda: doomed.client.upload("cat", NEW, token, "image/jpeg"))
    assert answer is None
    died(doomed)
    client = place.server().client
    assert client.get("/cat.jpg").status_code == 404
    if step in COMMITTED:
        is_hidden(place, client, NEW)
        return
    place.in_order()
    assert place.rows.originals == {}
    put_in_again(client, OLD)
    assert picture(client, "/cat.jpg").content == OLD
    place.in_order()
