"""Two instances with disks of their own, one PostgreSQL and one S3 that is slow to take."""

import contextlib
import functools
import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from storage import s3worlds
from storage.s3worlds import Faulty
from web import pictures, servers, wire

from .scenes import ADMIN, KEYS, PATIENCE, Scene, needs_cloud, picture, scene

pytestmark = [pytest.mark.long, *needs_cloud]

SLOW = 2.0
"""Seconds that S3 takes for a PUT."""

SLOWEST = 60
"""Seconds that an upload waits for the mirror: more than that takes on a busy machine."""

HEARD = 15.0
"""Seconds in which a deletion gets around: it is asked after every 5."""

OLD, NEW = pictures.noise(900, 700), pictures.noise(800, 800)


@pytest.fixture
def relay() -> Iterator[Faulty]:
    """What stands in front of S3."""
    with Faulty(s3worlds.shared("moto").address) as one:
        one.delay_puts(SLOW)
        yield one


@pytest.fixture
def place(tmp_path: Path, relay: Faulty) -> Iterator[Scene]:
    """An installation of two servers, none of which runs yet."""
    with scene(tmp_path, shared=True) as one:
        one.backends = one.backends.behind(relay.address)
        yield one


@pytest.fixture
def instances(place: Scene) -> Iterator[list[servers.Running]]:
    """Two instances in this process, so that what they remember can be seen."""
    with contextlib.ExitStack() as stack:
        running = []
        for folder in place.folders:
            folder.mkdir()
            keys = KEYS | place.backends.keys | {"originals__mirror_wait": SLOWEST}
            running.append(stack.enter_context(servers.Running(folder, **keys)))
        yield running


def at_once(*deeds: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """The answers to requests that leave together."""
    barrier = threading.Barrier(len(deeds))

    def do(deed: Callable[[], httpx.Response]) -> httpx.Response:
        barrier.wait(servers.PATIENCE)
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(do, deeds))


def remembered(running: servers.Running) -> set[str]:
    """Every generation that an instance has anything of in its memory."""
    memory = running.components.memory
    keys = [*memory._images, *memory._links]
    originals = {original.generation for original in memory._originals.values()}
    return {generation for generation, _ in keys} | originals | set(memory._variants)


def test_what_one_takes_the_other_serves_at_once(place: Scene) -> None:
    """And goes on to, byte for byte, when the first is killed and its disk is gone."""
    one, other = (place.server(number=n, originals__mirror_wait=SLOWEST) for n in (0, 1))
    uploads = {f"cat{number}": pictures.jpeg(300 + number, 200, number) for number in range(6)}
    statuses: list[int] = []

    def live(name: str) -> None:
        with servers.Client(one.url, servers.SECRET) as here, servers.Client(other.url) as there:
            here.put_in(name, uploads[name])
            wanted = (f"/{name}.jpg", f"/{name}_50_0.jpg", f"/{name}.json")
            statuses.extend(there.get(path).status_code for path in wanted)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(live, uploads))
    assert set(statuses) == {200}
    last = one.client.put_in("last", OLD)
    one.kill()
    shutil.rmtree(one.folder)
    assert hashlib.sha256(OLD).hexdigest() == last["sha256"]
    for name, data in {**uploads, "last": OLD}.items():
        assert picture(other.client, f"/{name}.jpg").content == data
        assert pictures.opened(picture(other.client, f"/{name}_60_0.png").content).width == 60
    place.in_order()


@pytest.mark.parametrize("late", [False, True], ids=["before it hears", "after it heard"])
def test_deleted_here_while_it_is_rendered_there(
    place: Scene, instances: Sequence[servers.Running], late: bool
) -> None:
    """Then another picture takes the id: the old one is in neither memory, on neither disk,
    in no spool and in no bucket, whether its render ends before or after that is heard."""
    one, other = instances
    one.client.put_in("cat", OLD)
    assert picture(other.client, "/cat.jpg").content == OLD
    for each in instances:
        picture(each.client, "/cat_40_0.png")
    old = one.components.memory._originals["cat"].generation
    assert old in remembered(other)
    with slow_render(other, "/cat_70_0.png") as finish:
        picture(one.client, "/cat_60_0.png")  # on its way to the bucket, slowly
        assert one.client.delete("/cat", headers=ADMIN).status_code == 204
        assert one.client.get("/cat.jpg").status_code == 404
        one.client.put_in("cat", NEW)
        if late:
            servers.until(lambda: other.client.get("/cat.jpg").content == NEW, HEARD)
        assert finish().status == 200
    servers.until(lambda: other.client.get("/cat.jpg").content == NEW, HEARD)
    for each in instances:
        for width in (40, 60, 70):
            small = picture(each.client, f"/cat_{width}_0.png").content
            assert pictures.opened(small).size == (width, width)
    servers.until(lambda: old not in remembered(one) | remembered(other), HEARD)
    place.in_order()
    assert old not in place.rows.originals


@contextlib.contextmanager
def slow_render(running: servers.Running, path: str) -> Iterator[Callable[[], wire.Reply]]:
    """`path` is being rendered inside; what is yielded lets it end, and is its answer."""
    workers = running.components.workers
    run, begun, gate = workers.run, threading.Event(), threading.Event()

    async def slow(*given: Any, **more: Any) -> object:
        result = await run(*given, **more)
        begun.set()
        await running.waiting(gate)
        return result

    def finish() -> wire.Reply:
        gate.set()
        return connection.reply()

    with wire.Wire(running.port) as connection:
        try:
            with servers.replaced(workers, "run", slow):
                connection.send(wire.request(path))
                assert begun.wait(servers.PATIENCE)
            yield finish
        finally:
            gate.set()


def test_a_focus_is_heard_by_the_other(place: Scene, instances: Sequence[servers.Running]) -> None:
    """At once where it was changed, and there when it is heard; both keep the same pixels."""
    one, other = instances
    one.client.put_in("cat", OLD)
    crop = "/cat_40_80.png?fit=crop"
    before = [picture(each.client, crop).content for each in instances]
    assert before[0] == before[1]
    wanted = picture(one.client, f"{crop}&gravity=0.1,0.5").content
    assert wanted != before[0]
    change = one.client.patch("/cat", json={"focus": [0.1, 0.5]}, headers=ADMIN)
    assert change.status_code == 200
    assert picture(one.client, crop).content == wanted
    servers.until(lambda: picture(other.client, crop).content == wanted, HEARD)
    for each in instances:
        assert each.client.get("/cat.json").json()["focus"] == [0.1, 0.5]
        assert picture(each.client, f"{crop}&gravity=center").content == before[0]


def test_a_purge_is_heard_by_the_other(place: Scene, instances: Sequence[servers.Running]) -> None:
    """It renders anew; whoever holds the old redirect still finds the picture."""
    one, other = instances
    one.client.put_in("cat", OLD)
    before = picture(one.client, "/cat_40_0.png").content
    for each in instances:
        servers.until(lambda each=each: each.client.get("/cat_40_0.png").status_code == 303)  # type: ignore[misc]
    location = other.client.get("/cat_40_0.png").headers["Location"]
    purged = one.client.post("/purge", json={"id": "cat"}, headers=ADMIN)
    assert (purged.status_code, purged.json()) == (200, {"purged": 1})
    renders = other.renders
    servers.until(lambda: other.client.get("/cat_40_0.png").status_code == 200, HEARD)
    assert other.renders == renders + 1
    assert httpx.get(location, trust_env=False).content == before
    servers.until(lambda: other.client.get("/cat_40_0.png").status_code == 303, PATIENCE)
    assert one.client.post("/purge", json={"id": "cat"}, headers=ADMIN).json() == {"purged": 1}
    assert one.client.delete("/cat", headers=ADMIN).status_code == 204
    servers.until(lambda: other.client.get("/cat_40_0.png").status_code == 404, HEARD)
    place.in_order()


def test_one_id_is_asked_for_on_both(place: Scene, relay: Faulty) -> None:
    """One of them gives a token, the other says that the id is taken."""
    relay.pass_on()
    one, other = (place.server(number=n).client for n in (0, 1))
    for number in range(10):
        ask = functools.partial(
            servers.Client.post, url="/token", json={"id": f"cat{number}", "secret": servers.SECRET}
        )
        answers = at_once(functools.partial(ask, one), functools.partial(ask, other))
        assert sorted(answer.status_code for answer in answers) == [200, 403]


def test_one_token_is_used_on_both(place: Scene, relay: Faulty) -> None:
    """One upload is stored and both serve it; the other is refused and leaves nothing."""
    relay.pass_on()
    one, other = (place.server(number=n).client for n in (0, 1))
    for number in range(10):
        name = f"cat{number}"
        fields = {"token": one.token(name), "kind": "image/jpeg"}
        answers = at_once(
            functools.partial(one.upload, name, OLD, **fields),
            functools.partial(other.upload, name, NEW, **fields),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 403]
        winner = OLD if answers[0].status_code == 200 else NEW
        for client in (one, other):
            assert picture(client, f"/{name}.jpg").content == winner
    place.in_order()
