"""Two instances with separate disks, one PostgreSQL and one S3, behind one nginx."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

import httpx
import pytest
from storage import s3worlds
from web import pictures, servers

from . import fleet
from .nginx import Client, Nginx, needs_nginx

pytestmark = [pytest.mark.long, needs_nginx, s3worlds.needs_rclone]

UPLOADS = 150
AT_ONCE = 48
SLOW = 2.0
"""Seconds that every PUT to the buckets waits."""


def test_uploads_are_read_at_once_from_anywhere(tmp_path: Path) -> None:
    """Each is read through nginx and from both instances as soon as it is acknowledged,
    long before its renditions are in the bucket: no 404, and the bytes that were sent."""
    with ExitStack() as stack:
        server = stack.enter_context(s3worlds.Server("rclone"))
        relay = stack.enter_context(s3worlds.Faulty(server.address))
        renditions = stack.enter_context(s3worlds.place_on(server))
        originals = stack.enter_context(s3worlds.place_on(server))
        relay.delay_puts(SLOW)
        both = stack.enter_context(
            fleet.instances(
                tmp_path,
                2,
                delivery="presign",
                aws__bucket=renditions.bucket,
                aws__originals_bucket=originals.bucket,
                aws__endpoint_url=relay.address,
                aws__access_key=s3worlds.ACCESS_KEY,
                aws__secret_key=s3worlds.SECRET_KEY,
                aws__concurrency=2 * AT_ONCE,
                originals__mirror_wait=60,
            )
        )
        folder = tmp_path / "nginx"
        folder.mkdir()
        nginx = stack.enter_context(Nginx(folder, [each.port for each in both]))
        clients: SimpleQueue[Client] = SimpleQueue()
        for _ in range(AT_ONCE):  # one each: threads that share a TLS session garble it
            clients.put(stack.enter_context(nginx.client()))
        direct = [stack.enter_context(servers.Client(each.url)) for each in both]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            seen = list(pool.map(lambda number: _visit(number, clients, direct), range(UPLOADS)))
        statuses = sum(seen, Counter[int]())
        assert statuses == {200: 6 * UPLOADS}
        assert (
            len(
                list(
                    originals.client.get_paginator("list_objects_v2")
                    .paginate(Bucket=originals.bucket)
                    .search("Contents[].Key")
                )
            )
            == UPLOADS
        )


def _visit(number: int, clients: SimpleQueue[Client], direct: list[servers.Client]) -> Counter[int]:
    """Upload a picture of its own, and read it in every way; the statuses of all that."""
    nginx = clients.get()
    try:
        return _read_everywhere(number, nginx, direct)
    finally:
        clients.put(nginx)


def _read_everywhere(number: int, nginx: Client, direct: list[servers.Client]) -> Counter[int]:
    name = f"picture-{number}"
    data = pictures.png(32 + number % 7, 24 + number // 7 % 150, number)
    statuses = Counter({nginx.upload(name, data, nginx.token(name)).status_code: 1})
    for client in (nginx, *direct):
        answer = _read(client, f"/{name}")
        assert answer.status_code != 200 or answer.content == data, name
        statuses[answer.status_code] += 1
    for client, size in ((nginx, "8_6"), (direct[number % 2], "6_8")):
        answer = _read(client, f"/{name}_{size}.png")
        statuses[answer.status_code] += 1
    return statuses


def _read(client: servers.Client, target: str) -> httpx.Response:
    """The answer, redirects followed; a busy machine that says `Retry-After` is asked again."""
    answers: list[httpx.Response] = []

    def settled() -> bool:
        answers.append(client.get(target, follow_redirects=True))
        return answers[-1].status_code != 503

    servers.until(settled)
    return answers[-1]
