"""How connections of HTTP/2 end: nobody's request is lost on the way."""

import asyncio
import contextlib
import signal
from collections.abc import Callable

import pytest

from . import http2_client, pictures, servers
from .conftest import Events
from .http2_client import EVERY_ID, NO_ERROR, REFUSED_STREAM, Http2Wire

PICTURE = pictures.png(200, 150)

Spawn = Callable[..., servers.Process]
Launch = Callable[..., servers.Running]


def begin_upload(process: servers.Process, connection: Http2Wire, name: str) -> int:
    """The stream of an upload that goes on for as long as the test wants."""
    token = process.client.token(name)
    number = connection.open(f"/{name}", "POST", end=False, X_Token=token, Content_Type="image/png")
    connection.data(number, PICTURE[:100])
    return number


def told_to_stop(process: servers.Process) -> None:
    """SIGTERM, and it knows."""
    process.process.send_signal(signal.SIGTERM)
    servers.until(lambda: process.lines("server_stopping"))


def lasts(connection: Http2Wire) -> list[int]:
    """The last streams that GOAWAY has said will be answered, all of it without an error."""
    assert {each.error_code for each in connection.goaways} <= {NO_ERROR}
    return [each.last_stream_id for each in connection.goaways]


def test_what_is_under_way_is_finished(spawn: Spawn) -> None:
    """GOAWAY at once, and again when nobody can have missed it; then new ones are refused."""
    process = spawn(http2_cleartext=True, drain__delay=0)
    with Http2Wire(process.port) as connection:
        upload = begin_upload(process, connection, "cat")
        connection.settled()
        told_to_stop(process)
        connection.until(lambda: connection.goaways)
        assert lasts(connection) == [EVERY_ID]
        late = connection.open("/_live")  # sent before GOAWAY came, for all the server knows
        assert connection.answer(late).status == 200
        connection.until(lambda: len(connection.goaways) == 2)
        assert lasts(connection) == [EVERY_ID, late]
        refused = connection.answer(connection.open("/_live"))
        assert (refused.status, refused.reset) == (0, REFUSED_STREAM)
        connection.body(upload, PICTURE[100:])
        answer = connection.answer(upload)
        assert answer.status == 200
        assert b'"status": "OK"' in answer.body
        assert connection.rest() == NO_ERROR
    assert process.process.wait(servers.PATIENCE) == 0
    assert [line for line in process.lines() if line["level"] == "error"] == []
    again = spawn(http2_cleartext=True)
    assert again.client.get("/cat.png").content == PICTURE


def test_an_idle_connection_is_told_too(spawn: Spawn) -> None:
    """It is closed once no request can be on its way."""
    process = spawn(http2_cleartext=True, drain__delay=60)
    with Http2Wire(process.port) as connection:
        assert connection.ask("/_live").status == 200
        told_to_stop(process)
        assert connection.rest() == NO_ERROR
        assert lasts(connection) == [EVERY_ID, 1]


def test_who_comes_late_is_answered_once(spawn: Spawn) -> None:
    """Connected before SIGTERM without a request, or after it, while balancers are told."""
    process = spawn(http2_cleartext=True, drain__delay=60)
    with Http2Wire(process.port) as before:
        before.settled()
        told_to_stop(process)
        with Http2Wire(process.port) as after:
            for connection in (before, after):
                assert connection.ask("/_ready").status == 503
                assert connection.rest() == NO_ERROR
                assert lasts(connection) == [1]


def test_whoever_is_in_a_hurry_does_not_wait(spawn: Spawn) -> None:
    """A second SIGTERM ends connections as they are."""
    process = spawn(http2_cleartext=True, drain__delay=60)
    with Http2Wire(process.port) as connection:
        begin_upload(process, connection, "cat")
        connection.settled()
        told_to_stop(process)
        process.process.terminate()
        connection.rest()
    assert process.process.wait(servers.PATIENCE) == 0
    assert [line for line in process.lines() if line["level"] == "error"] == []


def test_an_idle_connection_ends(launch: Launch) -> None:
    """After `limits.header_timeout`, with GOAWAY; one that is busy does not."""
    running = launch(http2_cleartext=True, limits__header_timeout=0.3, limits__body_grace=60)
    token = running.client.token("cat")
    with Http2Wire(running.port) as idle, Http2Wire(running.port) as busy:
        number = busy.open("/cat", "POST", end=False, X_Token=token, Content_Type="image/png")
        assert idle.ask("/_live").status == 200
        assert idle.rest() == NO_ERROR
        assert lasts(idle) == [1]
        busy.body(number, PICTURE)
        assert busy.answer(number).status == 200
        assert busy.rest() == NO_ERROR
    servers.until(lambda: running.server.listener.connections == 0)


def test_pings_alone_keep_no_connection(launch: Launch) -> None:
    """Nor do windows: requests do."""
    running = launch(http2_cleartext=True, limits__header_timeout=0.3)
    with Http2Wire(running.port) as connection:
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                connection.settled()
                connection.socket.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    connection.read()
                connection.socket.settimeout(servers.PATIENCE)
        assert lasts(connection) == [0]


def test_idle_connections_make_room(launch: Launch, events: Events) -> None:
    """At `limits.max_connections` the longest idle goes, and whoever is busy stays."""
    running = launch(http2_cleartext=True, limits__max_connections=8)
    token = running.client.token("cat")
    with contextlib.ExitStack() as stack:
        busy = stack.enter_context(Http2Wire(running.port))
        upload = busy.open("/cat", "POST", end=False, X_Token=token, Content_Type="image/png")
        busy.data(upload, PICTURE[:100])
        busy.settled()
        idlers = [stack.enter_context(Http2Wire(running.port)) for _ in range(20)]
        last = stack.enter_context(Http2Wire(running.port))
        assert last.ask("/_live").status == 200
        assert idlers[0].rest() in (None, NO_ERROR)
        busy.body(upload, PICTURE[100:])
        assert busy.answer(upload).status == 200
    assert [each["event"] for each in events].count("connections_full") == 1


def test_nothing_is_left_of_a_connection(launch: Launch) -> None:
    """No task, no exchange, whatever was going on and however it ended."""
    running = launch(http2_cleartext=True)
    running.client.put_in("cat", pictures.noise(1200, 900))

    async def tasks() -> int:
        return len(asyncio.all_tasks())

    before = running.call(tasks())
    for index in range(5):
        name = f"dog-{index}"
        token = running.client.token(name)
        with Http2Wire(running.port) as connection:
            upload = connection.open(
                f"/{name}", "POST", end=False, X_Token=token, Content_Type="image/png"
            )
            connection.data(upload, PICTURE[:100])
            connection.open("/cat.jpg")
            connection.open(f"/cat_50{index}_0.webp?quality=100")
            connection.open("/_live", end=False)
            connection.settled()
    servers.until(lambda: not running.server._http._speaking)
    servers.until(lambda: running.staged == [])
    servers.until(lambda: running.call(tasks()) <= before)


@pytest.mark.parametrize("kind", ["a request", "an upload"])
def test_leaving_is_no_error(launch: Launch, kind: str, events: Events) -> None:
    """A client that vanishes in the middle of anything is nobody's fault here."""
    running = launch(http2_cleartext=True)
    running.client.put_in("cat", pictures.noise(1200, 900))
    for _ in range(5):
        with Http2Wire(running.port) as connection:
            if kind == "a request":
                connection.open("/cat.jpg")
            else:
                connection.open("/cat", "POST", end=False, X_Token="x", Content_Type="image/png")
            connection.socket.setsockopt(*http2_client.ABORT)
    servers.until(lambda: running.server.listener.connections <= 1)
    assert running.client.get("/_live").status_code == 200
    assert [each for each in events if each["log_level"] not in ("debug", "info")] == []
