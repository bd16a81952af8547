"""The access line: one for every request, in a server as an operator runs it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from liveresize.core import tokens

from . import pictures, servers, tus, wire

COMMON = {
    "@timestamp",
    "@version",
    "level",
    "logger_name",
    "message",
    "event",
    "host",
    "pid",
    "request_id",
    "http.method",
    "url.path",
    "http.status",
    "client.ip",
    "duration_ms",
    "bytes",
}

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Process]:
    """A server whose log is read."""
    folder = tmp_path_factory.mktemp("logged")
    with servers.Process(folder, fallback={"avatar-": "somebody"}) as one:
        yield one


def test_a_fallback_is_logged_as_the_missing_picture_that_it_is(process: servers.Process) -> None:
    """With what was shown; also from memory, and if there is nothing to show."""
    for shown in (False, True, True):
        answer = process.client.get("/avatar-1_20_0.jpg")
        line = process.line_of(answer.headers["X-Request-Id"])
        assert (line["http.status"], line["error"]) == (404, "original_missing")
        assert line["bytes"] == len(answer.content)
        assert line.get("fallback") is (True if shown else None)
        assert line.get("image_id") == ("somebody" if shown else None)
        if not shown:
            assert line["error_detail"] == "no fallback: original_missing"
            process.client.put_in("somebody", pictures.jpeg())
    assert line["cache"] == "HIT-MEMORY"


def test_a_render_is_logged_with_what_it_took(process: servers.Process, name: str) -> None:
    """Where the answer came from, of which picture, and the time of every step."""
    process.client.put_in(name, pictures.jpeg())
    answer = process.client.get(f"/{name}_20_0.jpg?quality=70", headers={"X-Request-Id": name})
    line = process.line_of(name)
    steps = {"queue_ms", "decode_ms", "resize_ms", "encode_ms"}
    assert line.keys() == COMMON | {"cache", "image_id", "variant"} | steps
    assert STAMP.fullmatch(line["@timestamp"])
    assert (line["@version"], line["level"], line["event"]) == ("1", "info", "access")
    assert line["pid"] == process.process.pid
    assert (line["http.method"], line["http.status"]) == ("GET", 200)
    assert line["url.path"] == f"/{name}_20_0.jpg"
    assert line["client.ip"] == "127.0.0.1"
    assert line["bytes"] == len(answer.content)
    assert (line["cache"], line["image_id"], line["variant"]) == ("MISS", name, "20x0-q70-jpeg")
    assert 0 < sum(line[step] for step in steps) < line["duration_ms"] + 1


@pytest.mark.parametrize(
    ("path", "method", "status", "more"),
    [
        ("/{name}_20_0.jpg?proxy=true", "GET", 200, {"cache": "HIT-MEMORY", "image_id": "{name}"}),
        ("/{name}.jpg", "GET", 200, {"variant": "original"}),
        ("/{name}_20_0.jpg", "HEAD", 200, {"bytes": 0, "http.method": "HEAD"}),
        ("/nobody_20_0.jpg", "GET", 404, {"error": "original_missing"}),
        ("/{name}_0_0.jpg", "GET", 400, {"error": "malformed_url"}),
        ("/{name}_9000_0.jpg", "GET", 307, {"bytes": 0}),
        ("/{name}", "POST", 403, {"error": "token_refused", "cause": "unknown"}),
        ("/{name}", "DELETE", 403, {"error": "admin_disabled"}),
        ("/{name}", "BREW", 405, {}),
        ("/robots.txt", "GET", 200, {}),
        ("/_live", "BREW", 405, {}),
    ],
)
def test_every_request_has_one_line(
    process: servers.Process,
    name: str,
    path: str,
    method: str,
    status: int,
    more: dict[str, object],
) -> None:
    """Hits, errors and failed probes as well, each with what there is to say of it."""
    process.client.put_in(name, pictures.jpeg())
    process.client.get(f"/{name}_20_0.jpg")
    wire.ask(process.port, path.format(name=name), method, X_Request_Id=name)
    line = process.line_of(name)
    assert line.keys() >= COMMON
    assert line["http.status"] == status
    for field, value in more.items():
        assert line[field] == (value.format(name=name) if isinstance(value, str) else value)


def test_probes_are_logged_at_debug_unless_they_fail(
    process: servers.Process, name: str, tmp_path: Path
) -> None:
    """Balancers and Prometheus send them every few seconds."""
    probes = ("/_health", "/_live", "/_ready", "/_metrics?x=1", "/ping")
    for number, path in enumerate(probes):
        answer = process.client.get(path, headers={"X-Request-Id": f"{name}-{number}"})
        assert answer.status_code == 200
    wire.ask(process.port, "/robots.txt", "GET", X_Request_Id=name)
    assert process.line_of(name)["level"] == "info"
    assert f"{name}-" not in process.log.read_text()
    with servers.Process(tmp_path, log__debug=True) as talkative:
        talkative.client.get("/_live", headers={"X-Request-Id": name})
        line = talkative.line_of(name)
    assert line.keys() == COMMON
    assert line["level"] == "debug"


@pytest.mark.parametrize(
    "target",
    [
        '/x","event":"forged","y":"',
        "/x%0a%7B%22event%22%3A%22forged%22%7D",
        "/x\\n{}",
        "/x\x85\xa0",
        "/x\xe2\x80\xa8\xe2\x80\xa9",
        "/x\x1b[31mred\x9b31m",
        "/\xff\xfe",
    ],
)
def test_a_hostile_path_cannot_forge_a_line(
    process: servers.Process, name: str, target: str
) -> None:
    """Whatever stands in it, it stays inside its field, on its line."""
    reply = b""
    with wire.Wire(process.port) as connection:
        connection.send(wire.request(target, X_Request_Id=name, Connection="close"))
        reply = connection.rest()
    if name.encode() not in reply:  # Tornado did not take it for HTTP: there is no request
        assert reply.startswith(b"HTTP/1.1 400 ")
        return
    line = process.line_of(name)
    assert line["url.path"] == target
    assert line["event"] == "access"
    raw = process.log.read_bytes()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xe2\x80[\xa8\xa9]|\xc2[\x80-\x9f]", raw)


def test_a_client_that_left_is_logged_as_gone(process: servers.Process, name: str) -> None:
    """499, as nginx has it: its answer was never sent."""
    process.client.put_in(name, pictures.noise(1000, 1000))
    connection = wire.Wire(process.port)
    connection.send(wire.request(f"/{name}_2000_2000.avif?quality=100", X_Request_Id=name))
    servers.until(lambda: process.client.get("/_ready").json()["parts"]["workers"]["busy"])
    connection.vanish()
    assert process.line_of(name)["http.status"] == 499
    servers.until(lambda: not process.client.get("/_ready").json()["parts"]["workers"]["busy"])


def test_an_upload_that_was_broken_off_is_logged_as_gone(
    process: servers.Process, name: str
) -> None:
    """It has its line as well, although nobody waits for an answer."""
    connection = wire.Wire(process.port)
    connection.send(
        wire.request(
            f"/{name}",
            "POST",
            X_Request_Id=name,
            X_Token=process.client.token(name),
            Content_Type="image/png",
            Content_Length="5000",
        )
    )
    staging = process.folder / "data" / "originals" / "_staging"
    servers.until(lambda: list(staging.iterdir()))
    connection.vanish()
    line = process.line_of(name)
    assert (line["http.method"], line["http.status"]) == ("POST", 499)


def test_nothing_was_logged_as_an_error(process: servers.Process) -> None:
    """Whatever clients have done to it so far."""
    assert [line for line in process.lines() if line["level"] in ("error", "critical")] == []


def test_the_log_has_no_url_of_an_upload_in_parts(process: servers.Process, name: str) -> None:
    """Whoever knows it may go on with the upload: the log has its file instead."""
    client = tus.Tus(process.client)
    url = client.begun(name, process.client.token(name), 100)
    assert client.patch(url, 0, b"x", X_Request_Id=name).status_code == 204
    id_ = url.rpartition("/")[2]
    assert process.line_of(name)["url.path"] == f"/_uploads/{name}/~{tokens.digest(id_)[:8]}"
    assert id_ not in process.log.read_text()
