"""kill -9 at each step of a picture's end: hidden first, and deleted a day later.

Whatever the step, the next server does what is left, once; nothing comes back that expired.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from storage import worlds
from web import servers

from liveresize.storage.index import schema

from .scenes import ADMIN, Scene, died, scene
from .test_hidden import is_hidden
from .test_steps import NEW, OLD, is_served, on

pytestmark = pytest.mark.long

HIDING = (
    *("before:hide", "after:hide", "before:expire", "after:insert-expire", "after:expire"),
    *("before:hide-here", "after:hide-here", "before:clear-hidden", "after:clear-hidden"),
)
HIDING_SHARED = ("before:retire-shared", "after:retire-shared")
ENDING = (
    *("before:end-expired", "after:insert-end", "after:end-expired"),
    *("before:retire", "before:retire-here", "after:retire-here", "after:retire"),
)


@pytest.fixture
def place(tmp_path: Path, shared: bool) -> Iterator[Scene]:
    """An installation on one disk, or with everything shared."""
    with scene(tmp_path, shared=shared) as one:
        yield one


def due(place: Scene) -> None:
    """Let the next step of the picture be due."""
    table = schema.originals

    async def run() -> None:
        async with worlds.raw(place.backends.database) as engine:
            await engine.run(
                lambda connection: connection.execute(sa.update(table).values(due_at=1.0))
            )

    asyncio.run(run())


def told(place: Scene) -> list[str]:
    """The kinds of all events but uploads."""
    table = schema.events
    query = sa.select(table.c.kind).order_by(table.c.serial)

    async def run() -> list[str]:
        async with worlds.raw(place.backends.database) as engine:
            return await engine.run(lambda connection: list(connection.scalars(query)))

    return [kind for kind in asyncio.run(run()) if kind != "picture.uploaded"]


def expired(client: servers.Client) -> bool:
    """Whether the picture is hidden because its time is over."""
    answer = client.get("/cat.json", headers=ADMIN)
    return answer.status_code == 200 and answer.json()["state"] == "expired"


@on({False: HIDING, True: HIDING + HIDING_SHARED})
def test_killed_while_it_is_hidden(place: Scene, step: str) -> None:
    """It is hidden in the end, and whoever claims it then has it back."""
    first = place.server()
    first.client.put_in("cat", OLD, claim_within=600)
    is_served(place, first.client, OLD)
    first.kill()
    doomed = place.server(step)
    due(place)
    died(doomed)
    client = place.server().client
    servers.until(lambda: expired(client))
    is_hidden(place, client, OLD)
    assert told(place) == ["picture.changed"]
    claimed = client.patch("/cat", json={"claimed": True}, headers=ADMIN)
    assert claimed.json()["state"] == "public"
    is_served(place, client, OLD)


def starting(place: Scene, step: str) -> servers.Process | None:
    """A server that dies at `step`; None if it did before it had started, over the hiding that it
    heard of again."""
    try:
        return place.server(step)
    except AssertionError:
        return None


@on({False: ENDING, True: ENDING + HIDING_SHARED})
def test_killed_while_it_is_deleted(place: Scene, step: str) -> None:
    """It is gone in the end, from every place, and its id is free."""
    first = place.server()
    first.client.put_in("cat", OLD, claim_within=600)
    due(place)
    servers.until(lambda: expired(first.client))
    place.in_order()
    first.kill()
    doomed = starting(place, step)
    due(place)
    if doomed is not None:
        died(doomed)
    client = place.server().client
    servers.until(lambda: client.get("/cat.json", headers=ADMIN).status_code == 404)
    place.in_order()
    assert place.rows.originals == {}
    assert told(place) == ["picture.changed", "picture.expired"]
    client.put_in("cat", NEW)
    is_served(place, client, NEW)
