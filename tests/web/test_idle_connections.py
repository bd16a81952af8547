"""Clients that ask for large pictures and read nothing of them: what that costs, and whom."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
import tiers
from PIL import Image

from liveresize.http.handlers import base
from liveresize.http.transport import unsent

from . import certificates, http2_client, metering, pictures, secure, servers, wire
from .conftest import Events
from .http2_client import Http2Wire

_BANDS = [pictures.grain(width, 1300).resize((1400, 1300)) for width in (1400, 1399, 1398)]

NOISE = pictures.encoded(Image.merge("RGB", _BANDS), compress_level=0)

CAT, BIRD = "/cat_1390_0.png?proxy=true", "/cat_1389_0.png?proxy=true"
DOG = "/dog_1390_0.png?proxy=true"
"""Renditions that are larger than what any socket takes of them for a client that reads
nothing, and small enough to be answered from memory."""

FISH = "/cat_1380_0.png"
"""Another one, which is asked for where it is stored as well."""

SMALL = 4096
"""Bytes of a receive buffer."""

IDLERS = 5


class Gallery(servers.Running):
    """A server with large pictures in memory; `bodies` are their bytes, by their targets."""

    def __enter__(self) -> Self:
        try:
            self._fill()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _fill(self) -> None:
        for name in ("cat", "dog"):
            self.client.put_in(name, NOISE)
        self.bodies = {target: self.client.get(target).content for target in (CAT, BIRD, DOG)}
        self.size = len(self.bodies[CAT])
        assert 4_000_000 < self.size < 8_000_000
        self.client.get(FISH)
        self.published()
        self.object = self.client.get(FISH).headers["Location"].removeprefix(self.url)
        self.client.get("/cat_20_0.png?proxy=true")


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """One that speaks HTTP/1.1 and HTTP/2."""
    folder = tmp_path_factory.mktemp("idle")
    with Gallery(folder, http2_cleartext=True, freshness=servers.FRESHNESS) as running:
        yield running


@pytest.fixture(autouse=True)
def let_go(gallery: Gallery) -> Iterator[None]:
    """Whatever a test does, nothing is held after it, and no refusal keeps from the next look."""
    with servers.replaced(unsent, "_PAUSE", 0.0):
        yield
    servers.until(lambda: gallery.components.unsent.bytes == 0)


def sizes(running: servers.Running) -> list[int]:
    """The sizes of all buffers that are held."""
    return sorted(each.size for each in tuple(running.components.unsent._buffers.values()))


def holds(running: servers.Running) -> int:
    """How many connections and streams hold one."""
    buffers = tuple(running.components.unsent._buffers.values())
    return sum(len(each.holds) for each in buffers)


@contextlib.contextmanager
def idling(
    running: servers.Running, *targets: str, source: str = "", **headers: str
) -> Iterator[list[wire.Wire]]:
    """A connection for each of `targets`, which has read the head of its answer."""
    with contextlib.ExitStack() as stack:
        idlers = []
        for target in targets:
            idler = wire.Wire(running.port, buffer=SMALL, source=source)
            idlers.append(stack.enter_context(idler))
            idler.begin(target, **headers)
        servers.until(lambda: holds(running) >= len(targets))
        yield idlers


@contextlib.contextmanager
def room_for(running: Gallery, pictures: float) -> Iterator[None]:
    """So many of the large ones may be unsent at once."""
    with servers.replaced(running.components.unsent, "limit", int(pictures * running.size)):
        yield


def nobody_stalls() -> contextlib.AbstractContextManager[None]:
    """However long somebody takes nothing, on a slow machine."""
    return servers.replaced(unsent, "_STALLED", 3600.0)


def everybody_stalls() -> contextlib.AbstractContextManager[None]:
    """Whoever has not taken all of an answer at once."""
    return servers.replaced(unsent, "_STALLED", 0.0)


WAYS: dict[str, tuple[str, dict[str, str]]] = {
    "rendition": (CAT, {}),
    "its end": (CAT, {"Range": "bytes=7-"}),
    "object": ("", {}),
    "part of it": ("", {"Range": "bytes=1-3999999"}),
    "past the hits": (CAT, {"Content_Length": "0"}),
}


@pytest.mark.parametrize("way", tiers.rows(WAYS, "its end"))
def test_a_picture_is_held_once_however_many_have_yet_to_take_it(
    gallery: Gallery, way: str
) -> None:
    """Without a copy of it, whole or in part, by either way out; and it arrives as it is."""
    target, headers = WAYS[way]
    target = target or gallery.object
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    whole = gallery.client.get(target).content
    wanted = gallery.client.get(target, headers=named)
    assert wanted.status_code == (206 if "Range" in headers else 200)
    with idling(gallery, *[target] * IDLERS, **headers) as idlers:
        assert sizes(gallery) == [len(whole)]
        assert idlers[0].reply().body == wanted.content
        assert idlers[0].ask("/_live").body == b"OK"
        assert sizes(gallery) == [len(whole)]


def test_what_has_just_been_rendered_is_held_without_a_copy(gallery: Gallery) -> None:
    """It has gone through the Application."""
    with idling(gallery, CAT, Freshness_Token=servers.FRESHNESS) as (idler,):
        assert sizes(gallery) == [gallery.size]
        assert idler.reply().body == gallery.bodies[CAT]


@pytest.mark.long
def test_a_picture_is_held_once_over_tls(tmp_path: Path) -> None:
    """Encrypted a record at a time, when the client has room for it."""
    pair = certificates.make(tmp_path / "tls")
    keys = {"tls__certificate": str(pair.certificate), "tls__key": str(pair.key), "http2": False}
    context = certificates.trusting(pair.certificate)
    with Gallery(tmp_path, **keys) as running, contextlib.ExitStack() as stack:
        idlers = [
            stack.enter_context(secure.SecureWire(running.port, context, buffer=SMALL))
            for _ in range(IDLERS)
        ]
        for idler in idlers:
            idler.begin(CAT)
        servers.until(lambda: holds(running) >= IDLERS)
        assert sizes(running) == [running.size]
        assert idlers[0].reply().body == running.bodies[CAT]


def test_a_picture_is_held_once_over_http2(gallery: Gallery) -> None:
    """Whatever the number of streams; of what is framed, each connection has its own."""
    settings = {http2_client.INITIAL_WINDOW: 0}
    with Http2Wire(gallery.port, settings=settings) as one:
        numbers = [one.open(CAT) for _ in range(IDLERS)]
        servers.until(lambda: holds(gallery) >= IDLERS)
        assert sizes(gallery) == [gallery.size]
        one.more(numbers[0], gallery.size)
        assert one.answer(numbers[0]).body == gallery.bodies[CAT]
        assert holds(gallery) == IDLERS - 1


def test_idle_connections_cost_the_process_nothing_like_their_pictures(
    spawn: Callable[..., servers.Process],
) -> None:
    """Sixty of them, six megabytes each."""
    process = spawn()
    process.client.put_in("cat", NOISE)
    size = len(process.client.get(CAT).content)
    before = process.resident
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            idler = stack.enter_context(wire.Wire(process.port, buffer=SMALL))
            idler.begin(CAT)
        assert process.client.get("/_live").status_code == 200
        assert process.resident - before < 10 * size


def test_a_large_picture_is_refused_where_there_is_no_room(gallery: Gallery) -> None:
    """By an error that says so; what is small, held already or has no body is answered."""
    client = gallery.client
    etag = client.get(DOG).headers["ETag"]
    with room_for(gallery, 2.5), nobody_stalls(), idling(gallery, CAT, BIRD):
        for target in (DOG, f"{FISH}?proxy=true", gallery.object):
            refused = client.get(target)
            assert (refused.status_code, refused.json()["code"]) == (503, "unsent_full")
            assert refused.headers["Retry-After"] == "1"
            assert refused.headers["Access-Control-Allow-Origin"] == "*"
            assert "ETag" not in refused.headers
        assert client.get(CAT).content == gallery.bodies[CAT]
        assert client.head(DOG).headers["Content-Length"] == str(len(gallery.bodies[DOG]))
        assert client.get(DOG, headers={"If-None-Match": etag}).status_code == 304
        part = client.get(DOG, headers={"Range": "bytes=9-99"})
        assert (part.status_code, part.content) == (206, gallery.bodies[DOG][9:100])
        assert client.get("/cat_20_0.png?proxy=true").status_code == 200
        assert client.get(FISH).status_code == 303
        assert client.get("/dog_30_0.png").status_code == 200
        assert client.get("/openapi.json").status_code == 200
    assert client.get(DOG).content == gallery.bodies[DOG]


def test_a_stream_is_refused_where_there_is_no_room(gallery: Gallery) -> None:
    """The connection goes on."""
    with (
        room_for(gallery, 2.5),
        nobody_stalls(),
        idling(gallery, CAT, BIRD),
        Http2Wire(gallery.port) as connection,
    ):
        answer = connection.ask(DOG)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert b"unsent_full" in answer.body
        assert connection.ask(CAT).body == gallery.bodies[CAT]


def test_refusals_are_counted_and_told_once(gallery: Gallery, events: Events) -> None:
    """With what is held, and how much there is room for."""
    before = metering.Reading.of(gallery.client)
    with (
        room_for(gallery, 2.5),
        servers.replaced(gallery.components.unsent, "_warn_again_at", 0.0),
        nobody_stalls(),
        idling(gallery, CAT, BIRD),
    ):
        for _ in range(3):
            assert gallery.client.get(DOG).status_code == 503
        after = metering.Reading.of(gallery.client)
    moved = after.since(before, "answers_refused_total", "answers_broken_off_total")
    assert moved == {metering.series("answers_refused_total"): 3}
    held = sum(len(gallery.bodies[each]) for each in (CAT, BIRD))
    assert after[metering.series("unsent_bytes")] == held
    assert after[metering.series("unsent_bytes_limit")] == int(2.5 * gallery.size)
    assert [each["event"] for each in events].count("unsent_full") == 1


def test_whoever_takes_nothing_gives_way(gallery: Gallery) -> None:
    """Its connection is closed, and others get their pictures."""
    with room_for(gallery, 2.5), idling(gallery, CAT, BIRD) as idlers:
        with everybody_stalls():
            assert gallery.client.get(DOG).content == gallery.bodies[DOG]
        assert len(idlers[0].rest()) < gallery.size


def test_a_stream_that_nobody_takes_gives_way(gallery: Gallery) -> None:
    """It is reset; its connection goes on."""
    settings = {http2_client.INITIAL_WINDOW: 0}
    with room_for(gallery, 2.5), Http2Wire(gallery.port, settings=settings) as connection:
        stalled = connection.open(CAT)
        servers.until(lambda: holds(gallery) == 1)
        connection.open(BIRD)
        servers.until(lambda: holds(gallery) == 2)
        with everybody_stalls():
            assert gallery.client.get(DOG).content == gallery.bodies[DOG]
        assert connection.answer(stalled).reset == http2_client.CANCEL
        taken = connection.open(CAT)
        connection.more(taken, gallery.size)
        assert connection.answer(taken).body == gallery.bodies[CAT]


@pytest.mark.long
@pytest.mark.parametrize("proxied", [True, False], ids=["behind a proxy", "by its address"])
def test_the_client_that_holds_most_gives_way(tmp_path: Path, proxied: bool) -> None:
    """To one that holds less, though it takes what it gets; not to itself."""
    third = f"{FISH}?proxy=true"
    source = "" if proxied else "127.0.0.2"
    greedy = {"X_Forwarded_For": "192.0.2.1"} if proxied else {}
    modest = {"X_Forwarded_For": "192.0.2.2"} if proxied else {}
    with (
        Gallery(tmp_path, trusted_proxies=["127.0.0.1"] if proxied else []) as running,
        room_for(running, 2.5),
        nobody_stalls(),
        idling(running, CAT, DOG, source=source, **greedy) as idlers,
    ):
        with wire.Wire(running.port, source=source) as again:
            assert again.ask(third, **greedy).status == 503
        assert wire.ask(running.port, third, **modest).status == 200
        servers.until(lambda: holds(running) == 1)
        assert running.components.unsent.broken_off == 1
        assert len(idlers[0].rest()) < running.size
        assert idlers[1].reply().body == running.bodies[DOG]


def test_files_and_what_comes_from_a_store_are_refused_too(
    launch: Callable[..., servers.Running],
) -> None:
    """Before anything of them is read; what the store has begun is closed."""
    running = launch(cache__memory_bytes=0)
    running.client.put_in("cat", NOISE)
    running.client.get(FISH)
    running.published()
    location = running.client.get(FISH).headers["Location"]
    begun: list[Any] = []
    store, begin = running.components.store, running.components.store.open

    async def noted(*given: Any) -> Any:
        begun.append(await begin(*given))
        return begun[-1]

    with (
        servers.replaced(running.components.unsent, "make_room", lambda size, client: False),
        servers.replaced(store, "open", noted),
    ):
        for target in ("/cat.png", location):
            refused = running.client.get(target)
            assert (refused.status_code, refused.json()["code"]) == (503, "unsent_full")
        assert running.client.head("/cat.png").status_code == 200
    assert begun
    servers.until(lambda: all(body._file.closed for body in begun))
    assert running.client.get("/cat.png").content == NOISE


def test_little_of_a_file_is_read_at_a_time_while_there_is_no_room(
    launch: Callable[..., servers.Running],
) -> None:
    """An answer that is under way goes on, in small pieces."""
    running = launch(cache__memory_bytes=0)
    running.client.put_in("cat", NOISE)
    read: list[int] = []

    def pread(number: int, size: int, start: int) -> bytes:
        read.append(size)
        return os_pread(number, size, start)

    os_pread = os.pread
    with servers.replaced(base.os, "pread", pread):
        assert running.client.get("/cat.png").content == NOISE
        assert max(read) == base.CHUNK
        read.clear()
        room = running.components.unsent.has_room

        def until_admitted(size: int) -> bool:
            return size in (0, base.CHUNK) and room(size)

        with servers.replaced(running.components.unsent, "has_room", until_admitted):
            assert running.client.get("/cat.png").content == NOISE
        assert max(read) == 32 << 10


def test_a_request_that_is_yet_to_arrive_holds_no_picture(gallery: Gallery) -> None:
    """Its body may take as long as it likes: the picture is looked up when it is there."""
    before = metering.Reading.of(gallery.client)
    with wire.Wire(gallery.port) as connection, Http2Wire(gallery.port) as other:
        connection.send(wire.request(CAT, Content_Length="1"))
        number = other.open(CAT, end=False)
        other.settled()
        connection.send(b"x")
        other.data(number, b"x", end=True)
        assert connection.reply().body == gallery.bodies[CAT]
        assert other.answer(number).body == gallery.bodies[CAT]
    moved = metering.Reading.of(gallery.client).since(before, "requests_total")
    routes = {dict(labels).get("route"): by for (_, labels), by in moved.items()}
    assert routes["rendition"] == 2
    assert "hit" not in routes
