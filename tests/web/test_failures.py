"""What fails behind the web, and what clients are told of it."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tornado.web import HTTPError

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.http import failures
from liveresize.uploads import pipeline

from . import pictures, servers, wire
from .conftest import Events


def refused(answer: httpx.Response, status: int, code: str) -> None:
    """Whether `answer` is that error, in the shape that all errors have."""
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert list(answer.json()) == ["error", "code", "request_id"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Expires" not in answer.headers
    assert "Traceback" not in answer.text


def stored(folder: Path) -> Path:
    """The only original in `folder`."""
    (path,) = (each for each in folder.rglob("*~*") if each.is_file())
    return path


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("broken", ["serve", "known", "read"])
def test_an_unexpected_error_is_a_json_500(
    server: servers.Running, events: Events, method: str, broken: str
) -> None:
    """It says nothing of what went wrong; the log does, under the same id."""

    def boom(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret of the inside")

    site = server.components.site
    owner = site.request_parser if broken == "read" else site.pictures
    with servers.replaced(owner, broken, boom):
        reply = wire.ask(server.port, "/cat_10_10.jpg", method, X_Request_Id="find-me")
    if (method, broken) in (("GET", "known"), ("HEAD", "serve")):
        assert reply.status == 404
        return
    assert reply.status == 500
    assert reply.headers["cache-control"] == "no-store"
    assert int(reply.headers["content-length"]) > 0
    if method == "GET":
        said = json.loads(reply.body)
        assert (said["code"], said["request_id"]) == ("internal", "find-me")
        assert b"secret" not in reply.body
    (logged,) = (each for each in events if each["log_level"] == "error")
    events.remove(logged)
    assert (logged["event"], logged["request_id"]) == ("unexpected_error", "find-me")
    assert isinstance(logged["exc_info"], ZeroDivisionError)


def test_an_unexpected_error_in_an_upload_is_a_json_500(
    server: servers.Running, name: str, events: Events
) -> None:
    """While the body arrives, or as it is stored; it leaves nothing, like other failures."""

    async def boom(*_: object) -> None:
        raise ZeroDivisionError

    for owner, method in (
        (pipeline.StagedUpload, "write"),
        (server.components.originals, "keep"),
    ):
        token = server.client.token(name)
        with servers.replaced(owner, method, boom):
            answer = server.client.upload(name, pictures.png(), token)
        refused(answer, 500, "internal")
        servers.until(lambda: server.staged == [])
        (logged,) = (each for each in events if each["log_level"] == "error")
        events.remove(logged)
        assert logged["event"] == "unexpected_error"


def test_a_render_over_its_deadline_is_504_and_stopped(
    launch: Callable[..., servers.Running],
) -> None:
    """The worker is killed and replaced; the server goes on."""
    with launch() as before:
        before.client.put_in("cat", pictures.jpeg())
    running = launch(timeout__conversion=1)
    (worker,) = running.components.workers.stats.pids
    refused(running.client.get("/cat_20_0.jpg"), 504, "render_timeout")
    servers.until(lambda: not Path(f"/proc/{worker}").exists())
    assert running.client.get("/cat.jpg").status_code == 200


@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_an_original_that_went_bad_is_422(
    launch: Callable[..., servers.Running], damage: str
) -> None:
    """The disk may have changed it since it was taken."""
    running = launch()
    running.client.put_in("cat", pictures.jpeg(200, 150))
    path = stored(running.data)
    path.write_bytes(path.read_bytes()[:900] if damage == "cut" else b"garbage")
    answer = running.client.get("/cat_20_0.jpg")
    assert answer.status_code == 422
    refused(answer, 422, answer.json()["code"])


def test_an_original_too_large_to_decode_is_422(launch: Callable[..., servers.Running]) -> None:
    """A limit that was lowered since it was taken."""
    with launch() as before:
        before.client.put_in("cat", pictures.jpeg(200, 150))
    running = launch(constraints__max_decode=0.02)
    refused(running.client.get("/cat_20_0.jpg"), 422, "image_too_large")


def test_an_original_that_is_elsewhere_is_503(launch: Callable[..., servers.Running]) -> None:
    """Known to the index, and not here just now: worth asking again."""
    running = launch()
    running.client.put_in("cat", pictures.jpeg())
    stored(running.data).unlink()
    for path in ("/cat_20_0.jpg", "/cat.jpg"):
        answer = running.client.get(path)
        refused(answer, 503, "original_elsewhere")
        assert answer.headers["Retry-After"] == "1"
    assert running.client.get("/cat.json").status_code == 200  # its row says all of that


def test_a_full_queue_is_503(launch: Callable[..., servers.Running]) -> None:
    """Whoever comes first is served; the others are told when to come again."""
    running = launch(workers__queue=1)
    running.client.put_in("cat", pictures.jpeg(400, 300))
    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(lambda width: running.client.get(f"/cat_{width}_0.avif"), range(1000, 1012))
        )
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 503}
    for answer in answers:
        if answer.status_code == 503:
            refused(answer, 503, "queue_full")
            assert answer.headers["Retry-After"] == "1"


def test_a_client_over_its_rate_is_429(launch: Callable[..., servers.Running]) -> None:
    """Only new renditions count; another client is not held up."""
    running = launch(
        limits__client_renders=0.001, limits__client_burst=1, trusted_proxies=["127.0.0.0/8"]
    )
    running.client.put_in("cat", pictures.jpeg())
    assert running.client.get("/cat_20_0.jpg").status_code == 200
    over = running.client.get("/cat_21_0.jpg")
    refused(over, 429, "rate_limited")
    assert over.headers["Retry-After"] == "1"
    assert running.client.get("/cat_20_0.jpg?proxy=true").status_code == 200
    other = running.client.get("/cat_21_0.jpg", headers={"X-Forwarded-For": "10.9.8.7"})
    assert other.status_code == 200


def test_without_its_database_pictures_are_served_and_uploads_wait(
    server: servers.Running, name: str
) -> None:
    """What is on disk is rendered; tokens and uploads are 503 with `Retry-After`."""
    web, index = server.client, server.components.index
    web.put_in(name, pictures.jpeg())
    token = web.token(f"{name}-new")

    async def down(*_: Any, **__: Any) -> None:
        raise errors.IndexUnavailable("", "connection refused")

    with (
        servers.replaced(index.tokens, "issue", down),
        servers.replaced(index.tokens, "claim", down),
        servers.replaced(index.rows, "find", down),
        servers.replaced(index.links, "find", down),
    ):
        server.components.memory.forget(ImageId(name))
        assert web.get(f"/{name}_20_0.jpg").status_code == 200
        assert web.get(f"/{name}").status_code == 200
        refused(web.get(f"/{name}-none_20_0.jpg"), 503, "index_unavailable")
        for answer in (
            web.post("/token", json={"id": name, "secret": servers.SECRET}),
            web.upload(f"{name}-new", pictures.png(), token),
        ):
            refused(answer, 503, "index_unavailable")
            assert answer.headers["Retry-After"] == "1"
            assert "connection refused" not in answer.text
    assert web.upload(f"{name}-new", pictures.png(), token).status_code == 200


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("abc-123_~.Z", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("", False),
        ("two words", False),
        ("<script>", False),
        ("a,b", False),
        ("\xe9", False),
        ('"', False),
    ],
)
@pytest.mark.parametrize(
    "path", ["/_live", "/nothing", "/cat_0_0.jpg", "/a/b", "/{name}_20_0.jpg?proxy=true"]
)
def test_a_request_id_is_the_callers_if_it_is_sane(
    server: servers.Running, name: str, path: str, sent: str, kept: bool
) -> None:
    """On every answer, hits and errors included; else it is one of ours."""
    server.client.put_in(name, pictures.jpeg())
    for _ in range(2):  # the second one is a hit
        reply = wire.ask(server.port, path.format(name=name), X_Request_Id=sent)
        given = reply.headers["x-request-id"]
        assert (given == sent) == kept
        assert given.isascii()
        assert 0 < len(given) <= 64
        if reply.status >= 400:
            assert json.loads(reply.body)["request_id"] == given


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HTTPError(404), "not_found"),
        (HTTPError(405), "method_not_allowed"),
        (HTTPError(400), "http_error"),
        (errors.OriginalMissing(), "original_missing"),
        (ValueError("who would have thought"), "internal"),
    ],
)
def test_the_log_calls_an_error_what_its_answer_calls_it(error: Exception, code: str) -> None:
    """Only what nobody expected is `internal`."""
    assert failures.code_of(error) == code
