"""Renditions that are made before anyone asks: by header on an upload, and by route."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from liveresize.core.ports import Priority

from . import buckets, pictures, servers, wire
from .buckets import BEARER, TOKEN, Gallery


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server as vip's operators have it."""
    folder = tmp_path_factory.mktemp("gallery")
    with Gallery(folder, admin__secrets=[servers.ADMIN]) as running:
        yield running


@pytest.fixture
def cat(gallery: Gallery) -> str:
    """The address of a picture of 640×480 pixels that nothing was made of."""
    return gallery.put(pictures.jpeg(640, 480))


def warm(gallery: Gallery, path: str, entries: str, token: str = TOKEN) -> httpx.Response:
    """The answer to a wish for those entries."""
    headers = {"X-Vip-Warmup": entries, "X-Vip-Token": token}
    return gallery.client.post(f"{path}/warmup", headers=headers)


def fates(answer: httpx.Response) -> list[tuple[str, str]]:
    """What becomes of each entry."""
    assert answer.status_code == 202, answer.text
    return [(each["entry"], each["fate"]) for each in answer.json()["warmup"]]


def warmed(gallery: Gallery) -> None:
    """Return when nothing is left to be made."""
    servers.until(lambda: not gallery.components.warmup.pending)


def hits(gallery: Gallery, path: str, queries: list[str]) -> list[str]:
    """Those of the queries that memory answers."""
    found = [(query, gallery.get(f"{path}?{query}")) for query in queries]
    assert {answer.status_code for _, answer in found} <= {200}
    return [query for query, answer in found if answer.headers["X-Cache"] == "HIT-MEMORY"]


@contextlib.contextmanager
def held_up(gallery: Gallery) -> Iterator[threading.Semaphore]:
    """Renders wait inside this block, until a test lets them go; yields a count of begun ones."""
    workers = gallery.components.workers
    run, gate, begun = workers.run, threading.Event(), threading.Semaphore(0)

    async def slow(*given: Any, **more: Any) -> object:
        begun.release()
        await gallery.waiting(gate)
        return await run(*given, **more)

    with servers.replaced(workers, "run", slow):
        try:
            yield begun
        finally:
            gate.set()
    warmed(gallery)


HEADERS: dict[str, list[str]] = {
    "one": ["s=250"],
    "a list": ["s=250&c=true,s=500,s=1024"],
    "spaces": ["  s=250 ,\ts=500&c=true  ,, "],
    "several headers": ["s=250", "s=500,c=true"],
    "with question marks": ["?s=250,?s=100&c=true"],
    "an animation": ["s=250&animate=true"],
    "bad among good": ["s=abc,s=250,,%%%,s=-1,c=maybe,s=100,\xff\xfe,="],
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
def test_an_upload_says_what_to_make(gallery: Gallery, headers: list[str]) -> None:
    """The answer does not wait for it; afterwards memory has all that can be made."""
    lines = "".join(f"X-Vip-Warmup: {each}\r\n" for each in headers).encode("latin-1")
    request = wire.request("/upload/pics", "POST", pictures.jpeg(640, 480), X_Vip_Token=TOKEN)
    with wire.Wire(gallery.port) as connection:
        connection.send(request.replace(b"Host: test\r\n", b"Host: test\r\n" + lines))
        reply = connection.reply()
    path = buckets.address(httpx.Response(reply.status, content=reply.body))
    warmed(gallery)
    before = gallery.renders
    good = ["s=250", "s=500", "s=1024", "s=100", "s=250&c=true", "s=500&c=true"]
    good += ["c=true", "s=100&c=true", "s=250&animate=true"]
    entries = [each.strip(" \t?") for line in headers for each in line.split(",")]
    wanted = [query for query in good if query in entries]
    assert wanted
    assert hits(gallery, path, wanted) == wanted
    assert gallery.renders == before


def test_an_upload_does_not_wait_for_what_it_warms(gallery: Gallery) -> None:
    """201 while the renders have not even begun."""
    with servers.replaced(gallery.components.warmup, "_hire", lambda: None):
        path = gallery.put(pictures.jpeg(), X_Vip_Warmup="s=20,s=30")
        assert gallery.components.warmup.pending == 2
    gallery.call(hire(gallery))
    warmed(gallery)
    assert hits(gallery, path, ["s=20", "s=30"]) == ["s=20", "s=30"]


async def hire(gallery: Gallery) -> None:
    """Begin with what is queued, in the loop of the server."""
    gallery.components.warmup._hire()


def test_an_upload_that_fails_warms_nothing(gallery: Gallery) -> None:
    """There is nothing to make it of."""
    answer = gallery.send(b"no picture", X_Vip_Warmup="s=20")
    assert answer.status_code == 415
    assert not gallery.components.warmup.pending


def test_the_route_tells_what_becomes_of_each_entry(gallery: Gallery, cat: str) -> None:
    """In order; what has been made already is ready, what asks for nothing invalid."""
    gallery.get(f"{cat}?s=100")
    answer = warm(gallery, cat, "s=100, s=250&c=true,s=abc,s=0100,, s=300&utm=1,c=1")
    assert fates(answer) == [
        ("s=100", "ready"),
        ("s=250&c=true", "queued"),
        ("s=abc", "invalid"),
        ("s=0100", "ready"),
        ("s=300&utm=1", "queued"),
        ("c=1", "invalid"),
    ]
    assert answer.headers["Cache-Control"] == "no-store"
    warmed(gallery)
    made = ["s=100", "s=250&c=true", "s=300"]
    assert hits(gallery, cat, made) == made
    assert {fate for _, fate in fates(warm(gallery, cat, ",".join(made)))} == {"ready"}


def test_what_is_asked_for_twice_is_made_once(gallery: Gallery, cat: str) -> None:
    """In one list, in two, and under two names."""
    before = gallery.renders
    with held_up(gallery):
        assert fates(warm(gallery, cat, "s=90,s=90,s=090")) == [
            ("s=90", "queued"),
            ("s=90", "queued"),
            ("s=090", "queued"),
        ]
        assert fates(warm(gallery, cat, "s=90")) == [("s=90", "queued")]
        assert gallery.components.warmup.pending == 1
    assert gallery.renders - before == 1


def test_more_than_twenty_entries_are_dropped(gallery: Gallery, cat: str) -> None:
    """And said to be; bad ones do not count."""
    entries = [f"s={width}" for width in range(101, 126)]
    told = fates(warm(gallery, cat, "s=bad," + ",".join(entries)))
    assert [fate for _, fate in told] == ["invalid"] + ["queued"] * 20 + ["dropped"] * 5
    warmed(gallery)
    assert hits(gallery, cat, entries[:20]) == entries[:20]
    assert hits(gallery, cat, entries[20:]) == []


def test_a_live_request_joins_what_is_being_warmed(gallery: Gallery, cat: str) -> None:
    """And hurries it: one render in all, for the warm-up and for all who ask meanwhile."""
    before = gallery.renders
    with contextlib.ExitStack() as stack:
        with held_up(gallery) as begun:
            warm(gallery, cat, "s=222")
            assert begun.acquire(timeout=servers.PATIENCE)
            (call,) = gallery.components.renditions._jobs._calls.values()
            priorities = [call.priority]
            live = [stack.enter_context(wire.Wire(gallery.port)) for _ in range(3)]
            for connection in live:
                connection.send(wire.request(f"{cat}?s=222"))
            servers.until(lambda: call.clients.total() == 4)
            priorities.append(call.priority)
        replies = [connection.reply() for connection in live]
    assert priorities == [Priority.BACKGROUND, Priority.INTERACTIVE]
    assert {reply.status for reply in replies} == {200}
    assert {reply.headers["x-cache"] for reply in replies} == {"COALESCED"}
    assert gallery.renders - before == 1
    assert hits(gallery, cat, ["s=222"]) == ["s=222"]


def test_a_request_for_something_else_does_not_wait_for_the_queue(gallery: Gallery) -> None:
    """Live traffic goes first: it is answered while others are still waiting to be warmed."""
    busy = gallery.put(pictures.noise(1600, 1200, "PNG"))
    other = gallery.put(pictures.jpeg(640, 480))
    warm(gallery, busy, ",".join(f"s={width}" for width in range(701, 721)))
    assert gallery.get(f"{other}?s=10").status_code == 200
    assert gallery.components.warmup.pending > 1
    assert gallery.client.delete(busy, headers=BEARER).status_code == 204
    warmed(gallery)


def test_who_may_not_upload_may_not_warm(gallery: Gallery, cat: str) -> None:
    """401 for others, and nothing is made; pages of allowed origins may."""
    before = gallery.renders
    for token in ("", "wrong"):
        answer = warm(gallery, cat, "s=20", token)
        assert (answer.status_code, answer.json()["code"]) == (401, "secret_refused")
    assert gallery.renders == before
    assert not gallery.components.warmup.pending
    headers = {"X-Vip-Warmup": "s=20", "Origin": buckets.ORIGIN}
    allowed = gallery.client.post(f"{cat}/warmup", headers=headers)
    assert fates(allowed) == [("s=20", "queued")]
    assert allowed.headers["Access-Control-Allow-Origin"] == "*"
    warmed(gallery)


@pytest.mark.parametrize("bucket", ["pics", "elsewhere", "_x", "upload"])
def test_a_picture_that_there_is_not_is_404(gallery: Gallery, bucket: str) -> None:
    """Or a bucket."""
    answer = warm(gallery, f"/{bucket}/{'0' * 32}-64x48", "s=20")
    assert answer.status_code == 404


def test_a_warm_up_without_entries_is_400(gallery: Gallery, cat: str) -> None:
    """One that has none but empty ones, too; a body says nothing."""
    for headers in ({}, {"X-Vip-Warmup": ""}, {"X-Vip-Warmup": ", ,"}):
        answer = gallery.client.post(
            f"{cat}/warmup", content=b"s=20", headers={"X-Vip-Token": TOKEN, **headers}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_body")
    assert not gallery.components.warmup.pending


def test_a_deleted_picture_is_not_warmed(gallery: Gallery) -> None:
    """What was queued for it comes to nothing, and the next in the queue is made."""
    gone, kept = gallery.put(pictures.jpeg(640, 480)), gallery.put(pictures.jpeg(640, 480))
    with servers.replaced(gallery.components.warmup, "_hire", lambda: None):
        warm(gallery, gone, "s=20,s=21")
        warm(gallery, kept, "s=20")
    assert gallery.client.delete(gone, headers=BEARER).status_code == 204
    gallery.call(hire(gallery))
    warmed(gallery)
    assert gallery.get(f"{gone}?s=20").status_code == 404
    assert hits(gallery, kept, ["s=20"]) == ["s=20"]
