"""DELETE and /purge: for holders of an admin secret, at once, and for good."""

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from . import pictures, servers, wire

BEARER = {"Authorization": f"Bearer {servers.ADMIN}"}


def purge(web: servers.Client, **selection: object) -> httpx.Response:
    """The answer to a purge by an admin."""
    return web.post("/purge", content=json.dumps(selection), headers=BEARER)


@pytest.mark.parametrize("extension", ["", ".jpg", ".png"])
def test_a_deleted_picture_is_gone_at_once(
    server: servers.Running, name: str, extension: str
) -> None:
    """Original, facts, renditions, redirects, objects, files; its id is free."""
    web = server.client
    web.put_in(name, pictures.jpeg())
    web.get(f"/{name}_20_0.jpg")
    server.published()
    place = web.get(f"/{name}_20_0.jpg").headers["Location"]
    answer = web.delete(f"/{name}{extension}", headers=BEARER)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers
    for path in (f"/{name}", f"/{name}.json", f"/{name}_20_0.jpg", f"/{name}_21_0.jpg", place):
        assert web.get(path).status_code == 404
        assert web.head(path).status_code == 404
    assert not any(path.name.startswith(f"{name}~") for path in server.originals)
    assert web.delete(f"/{name}", headers=BEARER).status_code == 404
    second = pictures.jpeg(48, 64)
    web.put_in(name, second)
    assert web.get(f"/{name}").content == second


def test_a_render_in_flight_cannot_bring_a_deleted_picture_back(
    server: servers.Running, name: str
) -> None:
    """It is answered to whom it was promised, and kept nowhere."""
    web, workers = server.client, server.components.workers
    web.put_in(name, pictures.jpeg())
    run, begun, gate = workers.run, threading.Event(), threading.Event()

    async def slow(*given: Any, **more: Any) -> object:
        rendered = await run(*given, **more)
        begun.set()
        await server.waiting(gate)
        return rendered

    with servers.replaced(workers, "run", slow), wire.Wire(server.port) as connection:
        connection.send(wire.request(f"/{name}_20_0.jpg"))
        assert begun.wait(servers.PATIENCE)
        assert web.delete(f"/{name}", headers=BEARER).status_code == 204
        gate.set()
        assert connection.reply().status in (200, 404)
    server.published()
    assert web.get(f"/{name}_20_0.jpg").status_code == 404
    assert not list((server.data / "renditions").rglob(f"*{name}*"))
    assert not list((server.data / "spool").iterdir())


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {servers.ADMIN}",
        f"Bearer {servers.ADMIN} ",
        servers.ADMIN,
        "Bearer \xe9\xff",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("DELETE", "/{name}"), ("POST", "/purge")])
def test_whoever_has_no_admin_secret_is_refused(
    server: servers.Running, name: str, method: str, path: str, header: str | None
) -> None:
    """401, before anything is looked at; no other origin may read it."""
    server.client.put_in(name, pictures.jpeg())
    headers = {} if header is None else {"Authorization": header}
    body = b'{"prefix": "cat"}' if method == "POST" else b""
    reply = wire.ask(server.port, path.format(name=name), method, body, **headers)
    if header is not None and header.rstrip() == f"Bearer {servers.ADMIN}":
        assert reply.status in (200, 204)  # HTTP takes spaces off the ends of a header
        return
    assert (reply.status, json.loads(reply.body)["code"]) == (401, "secret_refused")
    assert "`admin.secrets`" in json.loads(reply.body)["error"]
    assert reply.headers["www-authenticate"] == "Bearer"
    assert "access-control-allow-origin" not in reply.headers
    assert server.client.get(f"/{name}").status_code == 200


def test_any_of_the_secrets_will_do(web: servers.Client, name: str) -> None:
    """They can be changed one at a time; the word Bearer has no case."""
    web.put_in(name, pictures.jpeg())
    headers = {"Authorization": "bearer another admin"}
    assert web.delete(f"/{name}", headers=headers).status_code == 204


def test_nothing_is_deleted_where_no_secret_is_configured(bare: servers.Running, name: str) -> None:
    """403 whoever asks, and with whatever."""
    bare.client.put_in(name, pictures.jpeg())
    for header in (BEARER, {"Authorization": "Bearer"}, {}):
        for answer in (
            bare.client.delete(f"/{name}", headers=header),
            bare.client.post("/purge", json={"id": name}, headers=header),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "admin_disabled")
    assert bare.client.get(f"/{name}").status_code == 200


@pytest.mark.parametrize("selector", ["id", "prefix", "rendered_before", "engine_before"])
def test_purged_renditions_are_made_again(
    launch: Callable[..., servers.Running], selector: str
) -> None:
    """Links go at once; the objects stay for browsers that hold redirects to them."""
    running = launch(admin__secrets=[servers.ADMIN])
    web = running.client
    for each in ("cat", "catfish", "dog"):
        web.put_in(each, pictures.jpeg())
        web.get(f"/{each}_20_0.jpg")
    running.published()
    place = web.get("/cat_20_0.jpg").headers["Location"]
    selections: dict[str, tuple[object, int]] = {
        "id": ("cat", 1),
        "prefix": ("cat", 2),
        "rendered_before": ("2999-01-01T00:00:00Z", 3),
        "engine_before": ("999", 3),
    }
    value, count = selections[selector]
    answer = purge(web, **{selector: value})
    assert (answer.status_code, answer.json()) == (200, {"purged": count})
    assert purge(web, **{selector: value}).json() == {"purged": 0}
    assert web.get("/cat_20_0.jpg").headers["X-Cache"] == "MISS"
    assert web.get(place).status_code == 200
    assert web.get("/cat").status_code == 200


def test_a_purge_has_a_limit(launch: Callable[..., servers.Running]) -> None:
    """As many as asked for, and the rest the next time."""
    running = launch(admin__secrets=[servers.ADMIN])
    running.client.put_in("cat", pictures.jpeg())
    for width in range(10, 15):
        running.client.get(f"/cat_{width}_0.jpg")
    running.published()
    purged = [purge(running.client, prefix="c", limit=3).json()["purged"] for _ in range(3)]
    assert purged == [3, 2, 0]


def test_what_is_in_use_is_not_purged_as_unused(launch: Callable[..., servers.Running]) -> None:
    """A redirect that was given out just now leads somewhere; the least time is in the contract."""
    running = launch(admin__secrets=[servers.ADMIN], redirect_cache_timeout=3600)
    running.client.put_in("cat", pictures.jpeg())
    running.client.get("/cat_20_0.jpg")
    running.published()
    contract = running.client.get("/openapi.json").json()
    fields = contract["components"]["schemas"]["PurgeRequest"]["properties"]
    least = fields["unused_for"]["minimum"]
    assert least == 3600 + 60 + 600
    assert purge(running.client, unused_for=least).json() == {"purged": 0}
    refused = purge(running.client, unused_for=least - 1)
    assert refused.status_code == 400
    assert f"at least {least} seconds" in refused.json()["error"]


@pytest.mark.parametrize(
    "selection",
    [
        {},
        {"id": ""},
        {"prefix": ""},
        {"id": None},
        {"id": 7},
        {"id": ["a"]},
        {"id": "a", "prefix": "b"},
        {"id": "\ud800"},
        {"prefix": "\udfff"},
        {"id": "\0"},
        {"prefix": "a\0"},
        {"rendered_before": "yesterday"},
        {"rendered_before": "2024-01-01T00:00:00"},
        {"rendered_before": True},
        {"rendered_before": -1},
        {"rendered_before": 1e400},
        {"engine_before": "new"},
        {"engine_before": 7},
        {"engine_before": "1.2-rc1"},
        {"unused_for": 86_400},
        {"unused_for": "90d"},
        {"prefix": "a", "limit": 0},
        {"prefix": "a", "limit": -5},
        {"prefix": "a", "limit": "all"},
        {"prefix": "a", "limit": 1e9},
    ],
)
def test_a_purge_of_nothing_clear_is_400(web: servers.Client, selection: dict[str, object]) -> None:
    """Nothing is purged by mistake."""
    answer = purge(web, **selection)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_body")


def test_a_purge_that_is_no_json_is_400(web: servers.Client) -> None:
    """And one that is too long is 413."""
    assert web.post("/purge", content=b"cat", headers=BEARER).status_code == 400
    assert web.post("/purge", content=b" " * 70_000, headers=BEARER).status_code == 413
