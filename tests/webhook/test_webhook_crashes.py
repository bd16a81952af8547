"""The webhook of servers that are killed, and of several that share a PostgreSQL."""

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from crashes import scenes
from crashes.scenes import ON_DISK, SHARED, Scene
from storage import worlds
from web import pictures, servers

from liveresize.notifications import messages
from liveresize.storage.index.sql_index import DatabaseIndex

from .receivers import Receiver

pytestmark = pytest.mark.long

SECRET = "a secret of many bytes"

TAKEN = 60.0
"""Seconds in which a lease has surely run out: it is 16 here, and the machine may be busy."""

UPLOADS = 100


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One that confirms whatever it hears."""
    with Receiver() as one:
        yield one


@pytest.fixture(params=[ON_DISK, SHARED])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """An installation on one disk, or with everything shared."""
    with scenes.scene(tmp_path, shared=request.param) as one:
        yield one


def keys(receiver: Receiver, **more: object) -> dict[str, Any]:
    """The settings of a server that tells this receiver."""
    return {"webhook__url": receiver.url, "webhook__secrets": [SECRET], **more}


def unannounced(place: Scene) -> int:
    """How many uploads are yet to be told of, as the rows say."""

    async def count() -> int:
        index = DatabaseIndex(worlds.patient_database(place.backends.database))
        try:
            return await index.deliveries.count("webhook:", messages.kinds([messages.UPLOAD]))
        finally:
            await index.close()

    return asyncio.run(count())


def killed(place: Scene, step: str, receiver: Receiver) -> None:
    """Upload `cat` to a server that dies at `step`."""
    doomed = place.server(step, **keys(receiver, webhook__timeout=1))
    token = doomed.client.token("cat")
    scenes.while_it_dies(lambda: doomed.client.upload("cat", pictures.png(), token))
    scenes.died(doomed)


@pytest.mark.parametrize("step", ["after:commit", "after:settle", "before:announce"])
def test_killed_before_the_webhook_was_told(place: Scene, step: str, receiver: Receiver) -> None:
    """The next server tells it: at once, or when the lease of the dead one has run out."""
    killed(place, step, receiver)
    assert receiver.heard == []
    assert unannounced(place) == 1
    place.server(**keys(receiver))
    (heard,) = receiver.hears(1, TAKEN)
    assert (heard.said["id"], heard.genuine(SECRET)) == ("cat", True)
    servers.until(lambda: not unannounced(place))
    place.in_order()
    assert len(receiver.heard) == 1


def test_killed_before_it_was_noted(place: Scene, receiver: Receiver) -> None:
    """It is told twice, as the same delivery; of the two only the signature differs."""
    killed(place, "before:announced", receiver)
    receiver.hears(1)
    place.server(**keys(receiver))
    first, second = receiver.hears(2, TAKEN)
    assert first.body == second.body
    assert first.headers["x-liveresize-delivery"] == second.headers["x-liveresize-delivery"]
    assert first.headers["x-liveresize-signature"] != second.headers["x-liveresize-signature"]
    servers.until(lambda: not unannounced(place))


def test_killed_after_it_was_noted(place: Scene, receiver: Receiver) -> None:
    """It is not told again; what comes next is."""
    killed(place, "after:announced", receiver)
    assert unannounced(place) == 0
    place.server(**keys(receiver)).client.put_in("dog", pictures.png())
    heard = receiver.hears(2)
    assert [each.said["id"] for each in heard] == ["cat", "dog"]


@worlds.needs_postgresql
def test_two_instances_tell_each_upload_once(tmp_path: Path, receiver: Receiver) -> None:
    """A hundred uploads through both at once, and not one message too many."""
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(worlds.postgresql_url())
        instances = [
            stack.enter_context(
                servers.Process(tmp_path / name, **keys(receiver, postgresql__url=url))
            )
            for name in ("one", "other")
        ]

        def upload(number: int) -> None:
            with servers.Client(instances[number % 2].url) as client:
                client.put_in(f"cat{number}", pictures.png(shade=number))

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(upload, range(UPLOADS)))
        heard = receiver.hears(UPLOADS, TAKEN)
        assert {each.said["id"] for each in heard} == {f"cat{n}" for n in range(UPLOADS)}

        def backlog(instance: servers.Process) -> int:
            waiting: int = instance.client.get("/_ready").json()["parts"]["webhook"]["backlog"]
            return waiting

        servers.until(lambda: not any(map(backlog, instances)), TAKEN)
        with servers.Client(instances[0].url) as client:
            client.put_in("last", pictures.png())
        receiver.hears(UPLOADS + 1)
        assert len(receiver.heard) == UPLOADS + 1
        for instance in instances:
            assert not instance.lines("webhook_failing")


@worlds.needs_postgresql
def test_the_other_instance_tells_what_a_dead_one_has_taken(
    tmp_path: Path, receiver: Receiver
) -> None:
    """The disk of the dead one is not asked for: the row says it all, and it is told once."""
    with scenes.scene(tmp_path, shared=True) as place:
        killed(place, "before:announce", receiver)
        other = place.server(number=1, **keys(receiver))
        (heard,) = receiver.hears(1, TAKEN)
        assert heard.said["id"] == "cat"
        servers.until(lambda: not unannounced(place))
        assert not other.lines("webhook_failing")
