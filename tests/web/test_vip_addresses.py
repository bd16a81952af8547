"""Which addresses there are in buckets, what may be done with them, and how they end."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from . import buckets, pictures, servers, wire
from .buckets import BEARER, Gallery


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server as vip's operators have it, and with an admin."""
    folder = tmp_path_factory.mktemp("gallery")
    with Gallery(folder, admin__secrets=[servers.ADMIN], secret=servers.SECRET) as running:
        yield running


def test_a_picture_is_found_in_its_bucket_alone(gallery: Gallery) -> None:
    """Not in another, not in the main namespace, nor the other way round."""
    path = gallery.put(pictures.png(), "pics")
    name = path.rpartition("/")[2]
    gallery.client.put_in("cat", pictures.png(shade=1))
    for target in (f"/other/{name}", f"/{name}", f"/{name}_10_10.png", "/pics/cat", "/other/cat"):
        assert (target, gallery.get(target).status_code) == (target, 404)
    gallery.client.put_in("other", pictures.png(shade=2))
    assert gallery.get("/other").content == pictures.png(shade=2)
    assert gallery.get("/cat").content == pictures.png(shade=1)
    assert gallery.get(path).content == pictures.png()


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/pics", 404),
        ("/pics/", 404),
        ("/pics/a/b", 404),
        ("/pics/{id}/", 404),
        ("/pics/{id}/s/250", 404),
        ("/pics/{id}.jpg", 404),
        ("/pics/{id}.json", 404),
        ("/pics/{id}_10_10.jpg", 404),
        ("/pics/" + "0" * 32 + "-64x48", 404),
        ("/PICS/{id}", 404),
        ("/p%69cs/{id}", 404),
        ("/pics%2f{id}", 400),
        ("/_pics/{id}", 404),
        ("/upload/{id}", 405),
        ("/pics/..", 400),
        ("/pics/%2e%2e%2fsecret", 400),
        ("/pics/%00", 400),
        ("/pics/%zz", 400),
        ("/pics/" + "a" * 256, 400),
    ],
)
def test_other_addresses_are_refused(gallery: Gallery, target: str, status: int) -> None:
    """404 for what is not there, 400 for what can be no picture's address."""
    name = gallery.put(pictures.png()).rpartition("/")[2]
    for method in ("GET", "HEAD"):
        reply = wire.ask(gallery.port, target.replace("{id}", name), method)
        assert (method, reply.status) == (method, status)
        assert reply.headers["cache-control"] == "no-store"


def test_an_id_may_be_escaped(gallery: Gallery) -> None:
    """It is one picture, however its address is written."""
    path = gallery.put(pictures.png())
    assert wire.ask(gallery.port, path.replace("-64x48", "%2D64%784%38")).status == 200


METHODS = [
    ("/ping", "PUT", "GET, HEAD"),
    ("/upload/pics", "GET", "POST, OPTIONS"),
    ("/upload/pics", "PUT", "POST, OPTIONS"),
    ("/upload/pics", "HEAD", "POST, OPTIONS"),
    ("/pics/id", "POST", "GET, HEAD, DELETE"),
    ("/pics/id", "PUT", "GET, HEAD, DELETE"),
    ("/pics/id", "OPTIONS", "GET, HEAD, DELETE"),
    ("/pics/id/warmup", "GET", "POST, OPTIONS"),
    ("/pics/id/warmup", "DELETE", "POST, OPTIONS"),
]


@pytest.mark.parametrize(("target", "method", "takes"), METHODS)
def test_other_methods_are_405(gallery: Gallery, target: str, method: str, takes: str) -> None:
    """And say which would do."""
    reply = wire.ask(gallery.port, target, method)
    assert reply.status == 405
    assert reply.headers["allow"].startswith(takes)


def test_ping_is_answered_with_pong(gallery: Gallery) -> None:
    """As vip's health checks expect it."""
    answer = gallery.get("/ping")
    assert (answer.status_code, answer.text) == (200, "pong")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Cache-Control"] == "no-store"
    assert gallery.client.head("/ping").status_code == 200


def test_a_deleted_picture_is_gone_with_all_its_renditions(gallery: Gallery) -> None:
    """For holders of an admin secret alone; a second time there is nothing to delete."""
    kept, path = gallery.put(pictures.jpeg()), gallery.put(pictures.jpeg())
    for query in ("", "?s=20", "?c=true"):
        assert gallery.get(path + query).status_code == 200
    gallery.published()
    for headers in ({}, {"Authorization": "Bearer x"}, {"X-Vip-Token": buckets.TOKEN}):
        assert gallery.client.delete(path, headers=headers).status_code == 401
    assert gallery.get(path).status_code == 200
    assert gallery.client.delete(path, headers=BEARER).status_code == 204
    for query in ("", "?s=20", "?c=true", "?s=21"):
        assert gallery.get(path + query).status_code == 404
        assert gallery.client.head(path + query).status_code == 404
    name = path.rpartition("/")[2]
    assert not [file for file in gallery.data.rglob("*") if name in str(file)]
    assert gallery.client.delete(path, headers=BEARER).status_code == 404
    assert gallery.get(kept).status_code == 200


def test_a_purged_rendition_is_made_again(gallery: Gallery) -> None:
    """By `bucket/id`; the picture itself stays, and so do others of that bucket."""
    kept, path = gallery.put(pictures.jpeg()), gallery.put(pictures.jpeg())
    for target in (kept, path):
        gallery.get(f"{target}?s=20")
    gallery.published()
    answer = gallery.client.post("/purge", json={"id": path[1:]}, headers=BEARER)
    assert (answer.status_code, answer.json()) == (200, {"purged": 1})
    assert gallery.get(path).status_code == 200
    assert gallery.get(f"{path}?s=20").headers["X-Cache"] == "MISS"
    assert gallery.get(f"{kept}?s=20").headers["X-Cache"] == "HIT-MEMORY"


def test_a_render_in_flight_cannot_bring_a_deleted_picture_back(gallery: Gallery) -> None:
    """It is answered to whom it was promised, and kept nowhere."""
    workers = gallery.components.workers
    path = gallery.put(pictures.jpeg())
    run, begun, gate = workers.run, threading.Event(), threading.Event()

    async def slow(*given: Any, **more: Any) -> object:
        rendered = await run(*given, **more)
        begun.set()
        await gallery.waiting(gate)
        return rendered

    with servers.replaced(workers, "run", slow), wire.Wire(gallery.port) as connection:
        connection.send(wire.request(f"{path}?s=20"))
        assert begun.wait(servers.PATIENCE)
        assert gallery.client.delete(path, headers=BEARER).status_code == 204
        gate.set()
        assert connection.reply().status in (200, 404)
    gallery.published()
    assert gallery.get(f"{path}?s=20").status_code == 404


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/pics/id"),
        ("HEAD", "/pics/id?s=3"),
        ("POST", "/upload/pics"),
        ("POST", "/pics/id/warmup"),
        ("OPTIONS", "/upload/pics"),
        ("DELETE", "/pics/id"),
    ],
)
def test_without_buckets_the_routes_are_off(
    server: servers.Running, method: str, target: str
) -> None:
    """404 for everybody; only /ping is still answered."""
    headers: dict[str, Any] = {
        "X_Vip_Token": buckets.TOKEN,
        "Authorization": f"Bearer {servers.ADMIN}",
    }
    reply = wire.ask(server.port, target, method, **headers)
    assert reply.status == 404
    assert server.client.get("/ping").text == "pong"


def test_originals_that_are_not_public_are_404_and_renditions_are_not(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """`originals.public: false`, from memory too; a square of full size is a rendition."""
    with Gallery(tmp_path_factory.mktemp("private"), originals__public=False) as private:
        path = private.put(pictures.jpeg())
        for _ in range(2):
            for query, status in (("", 404), ("?s=0", 404), ("?s=20", 200), ("?c=true", 200)):
                assert private.get(path + query).status_code == status
                assert private.client.head(path + query).status_code == status
