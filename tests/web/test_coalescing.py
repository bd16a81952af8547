"""Many clients, one rendition: it is made once. Here server and clients share a loop."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.ioloop import IOLoop

from liveresize import config
from liveresize.app.server import Server

from . import pictures, servers

CLIENTS = 200


@pytest.fixture
def shared(io_loop: IOLoop, tmp_path: Path) -> Iterator[Server]:
    """A server in the loop of the test."""
    keys = {"cache__link_ttl": 0, "limits__client_renders": 100, "limits__client_burst": 1}
    one = Server(config.load(servers.environ(tmp_path, **keys), directory=tmp_path))
    io_loop.run_sync(one.start, timeout=servers.PATIENCE)
    yield one
    io_loop.run_sync(one.stop, timeout=servers.PATIENCE)


@pytest.fixture
def client(io_loop: IOLoop) -> Iterator[AsyncHTTPClient]:
    """A client for as many requests at once as a test likes."""

    async def make() -> AsyncHTTPClient:
        return AsyncHTTPClient(force_instance=True, max_clients=CLIENTS * 2)

    one = io_loop.run_sync(make)
    yield one
    one.close()


async def put_in(server: Server, client: AsyncHTTPClient, name: str) -> str:
    """Upload a picture; returns where the server is."""
    url = f"http://127.0.0.1:{server.addresses[0][1]}"
    data = pictures.jpeg(640, 480)
    answer = await client.fetch(f"{url}/token", method="POST", body=f'{{"id": "{name}"}}')
    token = answer.body.decode().split('"')[3]
    headers = {"X-Token": token, "Content-Type": "image/jpeg"}
    await client.fetch(f"{url}/{name}", method="POST", body=data, headers=headers)
    return url


async def crowd(client: AsyncHTTPClient, url: str) -> list[HTTPResponse]:
    """The answers to as many simultaneous requests as there are clients."""
    request = HTTPRequest(url, request_timeout=servers.PATIENCE, follow_redirects=False)
    return await asyncio.gather(*(client.fetch(request, raise_error=False) for _ in range(CLIENTS)))


@pytest.mark.gen_test(timeout=60)
@pytest.mark.parametrize("delayed", [False, True])
async def test_two_hundred_clients_cost_one_render(
    shared: Server, client: AsyncHTTPClient, delayed: bool
) -> None:
    """Even when the index takes its time, each time another; all get the same bytes."""
    parts, dice = shared.components, random.Random(20)
    link = parts.index.links.find

    async def slow(*given: Any) -> Any:
        await asyncio.sleep(dice.uniform(0.0005, 0.02))
        return await link(*given)

    url = await put_in(shared, client, "cat")
    if delayed:
        parts.index.links.find = slow  # type: ignore[method-assign, assignment]
    answers = await crowd(client, f"{url}/cat_300_0.jpg?proxy=true")
    caches = Counter(answer.headers["X-Cache"] for answer in answers)
    assert parts.renditions.renders == 1
    assert caches["MISS"] == 1
    assert caches["COALESCED"] > 0
    assert set(caches) <= {"MISS", "COALESCED", "HIT-MEMORY", "HIT"}
    assert {answer.code for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.gen_test(timeout=60)
async def test_spellings_of_one_rendition_are_joined(
    shared: Server, client: AsyncHTTPClient
) -> None:
    """Equal variants are one job, however their URLs are written."""
    url = await put_in(shared, client, "cat")
    spellings = ("cat_300_0.jpg", "cat_150_0_2x.jpeg?quality=auto", "cat_0300_00.JPE?x=1")
    answers = await asyncio.gather(
        *(client.fetch(f"{url}/{spelling}", follow_redirects=False) for spelling in spellings)
    )
    assert shared.components.renditions.renders == 1
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.gen_test(timeout=60)
async def test_an_error_is_everybodys(
    shared: Server, client: AsyncHTTPClient, tmp_path: Path
) -> None:
    """One attempt fails once for all who wait for it, and the next one may succeed."""
    url = await put_in(shared, client, "cat")
    (path,) = (each for each in tmp_path.rglob("cat~*"))
    data = path.read_bytes()
    path.write_bytes(b"garbage")
    answers = await crowd(client, f"{url}/cat_300_0.jpg")
    assert {answer.code for answer in answers} <= {415, 422, 429}
    assert shared.components.renditions.renders < CLIENTS // 10
    path.write_bytes(data)
    async with asyncio.timeout(servers.PATIENCE):
        code = 429
        while code == 429:  # until the rate lets one more render through
            code = (await client.fetch(f"{url}/cat_300_0.jpg", raise_error=False)).code
    assert code == 200
