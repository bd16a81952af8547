"""The probes, and what robots and browsers ask every site for."""

import socket
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from liveresize import errors
from liveresize.app import lifecycle

from . import metering, pictures, servers, wire


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/_health", "/_live"])
def test_a_healthy_server_says_so(server: servers.Running, method: str, path: str) -> None:
    """200 `OK`, which nobody may keep."""
    reply = wire.ask(server.port, path, method)
    assert reply.status == 200
    assert reply.body == (b"OK" if method == "GET" else b"")
    assert reply.headers["content-length"] == "2"
    assert reply.headers["cache-control"] == "no-store"


def test_health_is_500_without_a_database(server: servers.Running) -> None:
    """In the words of the published contract; the server lives on."""

    async def silent() -> None:
        raise errors.IndexUnavailable

    with servers.replaced(server.components.site, "ping", silent):
        answer = server.client.get("/_health")
        assert (answer.status_code, answer.text) == (500, "No database connection")
        assert server.client.get("/_live").status_code == 200
    assert server.client.get("/_health").text == "OK"


def test_ready_tells_operators_of_each_part(server: servers.Running) -> None:
    """Slots, queue, backlog; JSON that nobody keeps."""
    answer = server.client.get("/_ready")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    said = answer.json()
    assert (said["status"], said["degraded"]) == ("ready", [])
    assert set(said["parts"]) >= {"database", "writes", "disk", "store", "workers"}
    assert all(part["ok"] for part in said["parts"].values())
    assert said["parts"]["workers"]["slots"] == 1
    assert server.client.head("/_ready").status_code == 200


def test_ready_tells_strangers_nothing_more(launch: Callable[..., servers.Running]) -> None:
    """Outside `admin.networks` there are no details."""
    running = launch(admin__networks=["10.0.0.0/8"])
    assert running.client.get("/_ready").json() == {"status": "ready"}


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_database_that_hangs_does_not_hold_up_the_start(
    silent: int,
    launch: Callable[..., servers.Running],
    events: list[dict[str, object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It serves what goes without, says that it is degraded, and stops when told to."""
    monkeypatch.setattr(lifecycle, "_DATABASE_PATIENCE", 0.1)
    running = launch(postgresql__host="127.0.0.1", postgresql__port=silent)
    said = running.client.get("/_ready").json()
    assert (said["status"], said["degraded"]) == ("degraded", ["database", "writes"])
    assert running.client.get("/_live").status_code == 200
    (unavailable,) = [each for each in events if each["log_level"] == "error"]
    assert unavailable["event"] == "database_unavailable"
    events.clear()


@pytest.mark.long
@pytest.mark.parametrize("strict", [False, True])
def test_ready_while_nothing_can_be_written(
    launch: Callable[..., servers.Running], events: list[dict[str, object]], strict: bool
) -> None:
    """Operators read why; pictures are served, tokens refused, and it is over by itself."""
    running = launch(ready__strict=strict)
    running.client.put_in("cat", pictures.jpeg())
    database = sqlite3.connect(running.data / "liveresize.sqlite", isolation_level=None)
    database.execute(
        "CREATE TRIGGER refused BEFORE INSERT ON upload_tokens BEGIN "
        "SELECT RAISE(ABORT, 'attempt to write a readonly database'); END"
    )
    refused = running.client.post("/token", json={"id": "dog"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    servers.until(lambda: running.client.get("/_ready").json()["degraded"] == ["writes"])
    answer = running.client.get("/_ready")
    assert answer.status_code == (503 if strict else 200)
    assert "readonly" in answer.json()["parts"]["writes"]["error"]
    assert metering.Reading.of(running.client)[metering.series("index_writable")] == 0
    assert running.client.get("/cat_20_0.jpg").status_code == 200
    database.execute("DROP TRIGGER refused")
    database.close()
    servers.until(lambda: running.client.get("/_ready").json()["degraded"] == [])
    assert running.client.get("/_ready").json()["parts"]["writes"] == {"ok": True}
    assert metering.Reading.of(running.client)[metering.series("index_writable")] == 1
    said = [each["event"] for each in events if each["log_level"] == "error"]
    assert said == ["index_not_writable"]
    events.clear()


def test_ready_while_a_disk_is_below_its_reserve(
    launch: Callable[..., servers.Running],
) -> None:
    """Which folder, and what is free there."""
    running = launch(disk__reserve=1 << 60)
    servers.until(lambda: running.client.get("/_ready").json()["degraded"] == ["disk"])

    def folders() -> dict[str, Any]:
        found: dict[str, Any] = running.client.get("/_ready").json()["parts"]["disk"]["folders"]
        return found

    servers.until(lambda: set(folders()) == {"originals", "spool", "renditions"})
    assert all(not each["ok"] and each["free_bytes"] > 0 for each in folders().values())
    short = metering.series("disk_short", folder="originals")
    assert metering.Reading.of(running.client)[short] == 1


@pytest.mark.parametrize("strict", [False, True])
def test_ready_while_the_store_suffers(
    launch: Callable[..., servers.Running], strict: bool
) -> None:
    """`degraded` and 200, since pictures are still served; 503 by `ready.strict`."""
    running = launch(ready__strict=strict)
    running.components.store.healthy = False
    answer = running.client.get("/_ready")
    assert answer.status_code == (503 if strict else 200)
    assert answer.json()["status"] == ("unavailable" if strict else "degraded")
    assert answer.json()["degraded"] == ["store"]


def test_ready_is_503_from_the_beginning_of_the_drain(
    launch: Callable[..., servers.Running],
) -> None:
    """Everything else goes on until the balancer has noticed."""
    running = launch()
    running.components.site.ready = False
    answer = running.client.get("/_ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert running.client.get("/_live").status_code == 200
    assert running.client.get("/_health").status_code == 200


@pytest.mark.parametrize(("allowed", "rule"), [(False, "Disallow: /"), (True, "Disallow:")])
def test_robots_are_let_in_or_not(
    launch: Callable[..., servers.Running], allowed: bool, rule: str
) -> None:
    """By `allow_indexing`."""
    answer = launch(allow_indexing=allowed).client.get("/robots.txt")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text.splitlines() == ["User-agent: *", rule]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_there_is_no_favicon(server: servers.Running, method: str) -> None:
    """Browsers are told so for a day."""
    reply = wire.ask(server.port, "/favicon.ico", method, Accept="image/avif,image/*,*/*;q=0.8")
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["cache-control"] == "public, max-age=86400"
    assert "content-type" not in reply.headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"])
@pytest.mark.parametrize("path", ["//", "/_nothing", "/a/b/c", "/_renditions"])
def test_an_unknown_route_is_404(server: servers.Running, method: str, path: str) -> None:
    """Whatever the method, as JSON."""
    reply = wire.ask(server.port, path, method)
    assert reply.status == 404
    if method != "HEAD":
        assert b'"code": "not_found"' in reply.body


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/_live", "GET, HEAD"),
        ("OPTIONS", "/", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
        ("GET", "/token", "POST, DELETE"),
        ("PUT", "/favicon.ico", "GET, HEAD, POST, DELETE, PATCH, OPTIONS"),
        ("DELETE", "/_health", "GET, HEAD"),
        ("OPTIONS", "/_ready", "GET, HEAD"),
        ("PUT", "/_renditions/x", "GET, HEAD"),
        ("PUT", "/cat.jpg", "GET, HEAD, POST, DELETE, PATCH, OPTIONS"),
        ("PUT", "/cat_10_10.jpg", "GET, HEAD, POST, DELETE, PATCH, OPTIONS"),
        ("BREW", "/cat.jpg", "GET, HEAD, POST, DELETE, PATCH, OPTIONS"),
        ("BREW", "/_live", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405_and_told_what_would_do(
    server: servers.Running, method: str, path: str, allow: str
) -> None:
    """`Allow` names the methods of that address."""
    reply = wire.ask(server.port, path, method)
    assert reply.status == 405
    assert reply.headers["allow"] == allow
    assert b'"code": "method_not_allowed"' in reply.body
    assert reply.headers["cache-control"] == "no-store"
