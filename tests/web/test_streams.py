"""Renditions too large to be held: they pass from their store to the client as they come."""

from collections.abc import Iterator
from typing import Any

import pytest

from . import pictures, servers, wire

LARGE = pictures.noise(1200, 900, quality=95)


@pytest.fixture
def made(server: servers.Running, name: str) -> Iterator[tuple[str, bytes]]:
    """(URL, bytes) of a rendition of more than a megabyte that only its store has."""
    server.client.put_in(name, LARGE)
    url = f"/{name}_1200_900.png?proxy=true"
    data = server.client.get(url).content
    assert len(data) > 1 << 20
    server.published()
    server.let_go()
    yield url, data
    assert server.components.memory._images == {}


@pytest.fixture
def bodies(server: servers.Running) -> Iterator[list[Any]]:
    """Every body that the store begins; all of them must be closed."""
    store, begun = server.components.store, []
    begin = store.open

    async def noted(*given: Any) -> Any:
        body = await begin(*given)
        begun.append(body)
        return body

    with servers.replaced(store, "open", noted):
        yield begun
    servers.until(lambda: all(body._file.closed for body in begun))


def test_a_large_rendition_is_streamed(
    server: servers.Running, made: tuple[str, bytes], bodies: list[Any]
) -> None:
    """Whole, with everything that is known of it, and not held."""
    url, data = made
    answer = server.client.get(url)
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["X-Cache"] == "HIT"
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert len(bodies) == 1
    redirect = server.client.get(url.partition("?")[0])
    stored = server.client.get(redirect.headers["Location"])
    assert (stored.status_code, stored.content) == (200, data)
    assert stored.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [("bytes=5-99", 206, 5, 100), ("bytes=-7", 206, -7, None), ("bytes=0-", 206, 0, None)],
)
def test_a_part_is_a_part(
    server: servers.Running,
    made: tuple[str, bytes],
    bodies: list[Any],
    asked: str,
    status: int,
    start: int,
    end: int | None,
) -> None:
    """The store is asked for it alone."""
    url, data = made
    answer = server.client.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, data[start:end])
    assert answer.headers["Content-Range"].endswith(f"/{len(data)}")


def test_what_a_client_has_is_not_sent_again(
    server: servers.Running, made: tuple[str, bytes], bodies: list[Any]
) -> None:
    """304 by its ETag, 416 past its end; the store is let go."""
    url, data = made
    tag = server.client.get(url).headers["ETag"]
    assert server.client.get(url, headers={"If-None-Match": tag}).status_code == 304
    beyond = server.client.get(url, headers={"Range": f"bytes={len(data)}-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "range_not_satisfiable")


def test_a_client_that_leaves_lets_go_of_the_store(
    server: servers.Running, made: tuple[str, bytes], bodies: list[Any]
) -> None:
    """In the middle of the bytes."""
    url, _ = made
    with wire.Wire(server.port, buffer=4096) as connection:
        connection.send(wire.request(url))
        servers.until(lambda: bodies)
        connection.vanish()
    assert server.client.get("/_live").status_code == 200


def test_a_part_whose_object_went_meanwhile_is_503(
    server: servers.Running, made: tuple[str, bytes]
) -> None:
    """The next request finds it gone, and renders."""
    url, data = made
    store = server.components.store
    begin, count = store.open, []

    async def once(*given: Any) -> Any:
        count.append(given)
        return await begin(*given) if len(count) == 1 else None

    with servers.replaced(store, "open", once):
        answer = server.client.get(url, headers={"Range": "bytes=5-9"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert server.client.get(url).content == data
