"""Which of several answers comes first (RFC 9218)."""

import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from liveresize.core.ports import JobHandle, Priority

from . import buckets, http2_client, pictures, servers
from .buckets import Gallery
from .http2_client import Http2Wire

ROOM = 1 << 24


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server for balancers, with a picture of some 300 KB that memory has."""
    with Gallery(tmp_path_factory.mktemp("gallery"), http2_cleartext=True) as running:
        running.client.put_in("cat", pictures.noise(600, 500))
        answer = running.client.get("/cat_600_500.png?proxy=true")
        assert answer.status_code == 200
        assert len(answer.content) > 200_000
        running.published()
        yield running


@pytest.fixture
def connection(gallery: Gallery) -> Iterator[Http2Wire]:
    """A connection whose window is used up, though those of its streams are not."""
    with Http2Wire(gallery.port, settings={http2_client.INITIAL_WINDOW: ROOM}) as one:
        one.takes = False
        number = one.open("/cat_600_500.png?proxy=true")
        one.until(lambda: len(one.answers[number].body) == 65_535)
        one.reset(number)
        one.settled()
        one.arrivals.clear()
        yield one


def wanted(gallery: Gallery, connection: Http2Wire, *priorities: str) -> list[int]:
    """Streams of the same picture with these priorities; all their answers wait."""
    numbers = [
        connection.open("/cat_600_500.png?proxy=true", end=True, priority=each)
        for each in priorities
    ]

    def queued() -> bool:
        waiting = {each.number for each in http2_client.exchanges(gallery) if each.queued}
        return waiting.issuperset(numbers)

    servers.until(queued)
    return numbers


def order(connection: Http2Wire, numbers: list[int]) -> list[int]:
    """The streams in the order in which their data comes, as soon as there is room."""
    connection.more(0, ROOM)
    for number in numbers:
        assert connection.answer(number).status == 200
    return [number for number, _ in connection.arrivals]


def test_the_urgent_come_first(gallery: Gallery, connection: Http2Wire) -> None:
    """Whenever they were asked for; three is for those that say nothing."""
    numbers = wanted(gallery, connection, "u=5", "", "u=1", "u=7", "u=0, i")
    fifth, plain, first, last, zeroth = numbers
    came = order(connection, numbers)
    assert list(dict.fromkeys(came)) == [zeroth, first, plain, fifth, last]
    assert came == sorted(came, key=[zeroth, first, plain, fifth, last].index)


def test_equals_come_one_after_the_other(gallery: Gallery, connection: Http2Wire) -> None:
    """A picture is of use when it is whole."""
    numbers = wanted(gallery, connection, "u=2", "u=2", "u=2")
    came = order(connection, numbers)
    assert came == sorted(came)


def test_those_that_show_as_they_come_take_turns(gallery: Gallery, connection: Http2Wire) -> None:
    """`i`: a little of each."""
    numbers = wanted(gallery, connection, "u=2, i", "u=2, i", "i, u=2")
    came = order(connection, numbers)
    middle = came[3 : len(came) - 6]
    assert len(middle) > 6
    assert all(one != other for one, other in pairwise(middle))
    assert set(came[:3]) == set(numbers)


def test_a_client_may_change_its_mind(gallery: Gallery, connection: Http2Wire) -> None:
    """PRIORITY_UPDATE, of one answer that waits."""
    numbers = wanted(gallery, connection, "u=1", "u=2", "u=6")
    first, second, third = numbers
    for number, text in ((third, b"u=0"), (first, b"u=7"), (second, b""), (1001, b"u=0")):
        body = number.to_bytes(4) + text
        connection.send(len(body).to_bytes(3) + b"\x10\0\0\0\0\0" + body)
    connection.settled()
    came = order(connection, numbers)
    assert list(dict.fromkeys(came)) == [third, second, first]


def test_an_urgent_one_that_comes_late_is_put_first(
    gallery: Gallery, connection: Http2Wire
) -> None:
    """In the middle of others."""
    (slow,) = wanted(gallery, connection, "u=6")
    connection.more(0, 20_000)
    connection.until(lambda: sum(size for _, size in connection.arrivals) == 20_000)
    (late,) = wanted(gallery, connection, "u=0")
    connection.arrivals.clear()
    came = order(connection, [slow, late])
    assert list(dict.fromkeys(came)) == [late, slow]


def test_what_is_made_ahead_holds_no_picture_up(gallery: Gallery) -> None:
    """Warm-up waits in the background; a picture that is asked for is made meanwhile."""
    path = gallery.put(pictures.jpeg(640, 480))
    workers, gate = gallery.components.workers, threading.Event()
    run, held = workers.run, threading.Semaphore(0)

    async def slow(job: Any, *, handle: JobHandle | None = None) -> object:
        if handle is not None and handle.priority is not Priority.INTERACTIVE:
            held.release()
            await gallery.waiting(gate)
        return await run(job, handle=handle)

    try:
        with servers.replaced(workers, "run", slow), Http2Wire(gallery.port) as connection:
            asked = connection.ask(
                f"{path}/warmup",
                "POST",
                X_Vip_Token=buckets.TOKEN,
                X_Vip_Warmup=",".join(f"s={width}" for width in range(100, 120)),
            )
            assert asked.status == 202
            assert held.acquire(timeout=servers.PATIENCE)
            assert connection.ask(f"{path}?s=333").status == 200
            assert gallery.components.warmup.pending
    finally:
        gate.set()
    servers.until(lambda: not gallery.components.warmup.pending)
