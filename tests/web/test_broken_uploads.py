"""Uploads that go wrong on the way: forms that are none, clients that leave or dawdle."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from liveresize.http.handlers import uploads

from . import forms, pictures, servers, wire
from .conftest import Events

PICTURE = pictures.png(200, 150)

BROKEN = {
    "no closing boundary": forms.part(PICTURE),
    "cut off inside the image": forms.part(PICTURE)[:-500],
    "two images": forms.form(forms.part(PICTURE), forms.part(PICTURE)),
    "no image": forms.form(forms.part(PICTURE, "picture")),
    "no field at all": forms.END,
    "nothing": b"",
    "an empty image": forms.form(forms.part(b"")),
    "not a form": PICTURE,
    "a field name of 1 MB": forms.form(forms.part(PICTURE, "x" * (1 << 20))),
    "a header of 1 MB": forms.form(forms.part(PICTURE, extra="; x=" + "y" * (1 << 20))),
    "too many headers": forms.form(forms.part(PICTURE, extra="\r\nX-A: b" * 50)),
    "mostly something else": forms.form(forms.part(bytes(100_000), "note"), forms.part(PICTURE)),
    "a boundary of its own": forms.form(forms.part(PICTURE)).replace(b"frontier", b"elsewhere"),
}


@pytest.fixture(autouse=True)
def nothing_is_left(server: servers.Running, name: str) -> object:
    """Whatever happened: no file, and a new token for the id."""
    yield
    servers.until(lambda: server.staged == [])
    assert not any(path.name.startswith(f"{name}~") for path in server.originals)
    assert server.client.token(name)


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_a_form_that_is_none_is_400(server: servers.Running, name: str, body: bytes) -> None:
    """One clear sentence, and nothing left."""
    web = server.client
    headers = {"X-Token": web.token(name), "Content-Type": forms.CONTENT_TYPE}
    answer = web.post(f"/{name}", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_upload")
    assert answer.json()["error"].endswith(".")


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 5000,
        'multipart/form-data; boundary="',
        "multipart/form-data; boundary=\xff\xfe",
    ],
)
def test_a_form_without_a_usable_boundary_is_400(
    server: servers.Running, name: str, kind: str
) -> None:
    """It cannot be read, whatever is in it."""
    token = server.client.token(name)
    body = forms.form(forms.part(PICTURE))
    answer = wire.ask(server.port, f"/{name}", "POST", body, Content_Type=kind, X_Token=token)
    assert answer.status == 400
    assert b'"bad_upload"' in answer.body
    assert server.client.upload(name, b"x", token).status_code in (403, 415)


@pytest.mark.parametrize("sent", [0, 10, 300, 70_000])
@pytest.mark.parametrize("kind", ["image/png", forms.CONTENT_TYPE])
def test_a_client_that_goes_away_leaves_nothing(
    server: servers.Running, name: str, kind: str, sent: int
) -> None:
    """In the middle of its body, by closing or by crashing."""
    body = bytes(100_000) if kind == "image/png" else forms.form(forms.part(bytes(100_000)))
    for leave in ("close", "crash"):
        token = server.client.token(name)
        connection = wire.Wire(server.port)
        head = wire.request(
            f"/{name}", "POST", X_Token=token, Content_Type=kind, Content_Length=str(len(body))
        )
        connection.send(head + body[:sent])
        servers.until(lambda: server.staged != [])
        if leave == "close":
            connection.socket.close()
        else:
            connection.vanish()
        servers.until(lambda: server.staged == [])
    servers.until(lambda: server.call(requests()) == 0)


def test_a_refusal_reaches_whoever_sends_all_of_it_first(
    server: servers.Running, name: str
) -> None:
    """More than is read for a refused token, by a client that reads nothing until the end:
    the answer is not lost to a connection that is reset."""
    size = 40 << 20
    head = wire.request(
        f"/{name}", "POST", X_Token="spent", Content_Type="image/png", Content_Length=str(size)
    )
    for _ in range(5):
        with wire.Wire(server.port) as connection:
            connection.send(head)
            for _ in range(size >> 20):
                connection.send(bytes(1 << 20))
            answer = connection.reply()
        assert (answer.status, b'"token_refused"' in answer.body) == (403, True)


async def requests() -> int:
    """How many requests are under way, in whose loop this runs."""
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]  # type: ignore[union-attr]
    return names.count("RequestHandler._execute")


def test_a_client_that_closes_early_has_no_second_attempt(
    server: servers.Running, name: str
) -> None:
    """Sending ends, reading goes on: the body is cut off, and so is the answer."""
    token = server.client.token(name)
    with wire.Wire(server.port) as connection:
        head = wire.request(
            f"/{name}", "POST", X_Token=token, Content_Type="image/png", Content_Length="5000"
        )
        connection.send(head + PICTURE[:200])
        connection.socket.shutdown(socket.SHUT_WR)
        connection.rest()
    servers.until(lambda: server.staged == [])
    assert server.client.upload(name, PICTURE, token).status_code == 403


def test_a_client_that_goes_away_while_its_token_is_looked_up_leaves_nothing(
    server: servers.Running, name: str
) -> None:
    """The claim comes back to nobody: it is given up again."""
    index = server.components.index
    claim, release = index.tokens.claim, index.tokens.release
    entered, gate, released = threading.Event(), threading.Event(), threading.Event()

    async def slow(*given: Any) -> object:
        claimed = await claim(*given)
        entered.set()
        await server.waiting(gate)
        return claimed

    async def noted(*given: Any, **how: bool) -> None:
        await release(*given, **how)
        released.set()

    token = server.client.token(name)
    with (
        servers.replaced(index.tokens, "claim", slow),
        servers.replaced(index.tokens, "release", noted),
    ):
        connection = wire.Wire(server.port)
        head = wire.request(
            f"/{name}", "POST", X_Token=token, Content_Type="image/png", Content_Length="5000"
        )
        connection.send(head + PICTURE[:200])
        assert entered.wait(servers.PATIENCE)
        connection.vanish()
        gate.set()
        assert released.wait(servers.PATIENCE)


def test_a_slow_upload_is_broken_off(launch: Callable[..., servers.Running]) -> None:
    """Under the least rate once the grace is over: 408, and the id is free."""
    running = launch(limits__body_grace=0.2, limits__body_rate=100_000, secret=servers.SECRET)
    token = running.client.token("cat")
    with wire.Wire(running.port) as connection:
        head = wire.request(
            "/cat", "POST", X_Token=token, Content_Type="image/png", Content_Length="50000"
        )
        connection.send(head + PICTURE[:200])
        answer = connection.reply()
        assert answer.status == 408
        assert b'"upload_too_slow"' in answer.body
        assert connection.rest() == b""
    servers.until(lambda: running.staged == [])
    servers.until(lambda: running.call(requests()) == 0)
    assert running.client.token("cat")


def test_fifty_uploads_race_for_one_token_and_one_wins(server: servers.Running, name: str) -> None:
    """Each has bytes of its own; the others are told why not, and nothing of them is left."""
    token = server.client.token(name)
    bodies = [pictures.png(64, 48, shade) for shade in range(50)]
    barrier = threading.Barrier(len(bodies))

    def race(body: bytes) -> wire.Reply:
        with wire.Wire(server.port) as connection:
            barrier.wait()
            return connection.ask(f"/{name}", "POST", body, X_Token=token, Content_Type="image/png")

    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(race, bodies))
    won = [body for body, answer in zip(bodies, answers, strict=True) if answer.status == 200]
    lost = [answer for answer in answers if answer.status != 200]
    assert len(won) == 1
    assert {answer.status for answer in lost} == {403}
    assert all(b'"token_refused"' in answer.body for answer in lost)
    assert server.staged == []
    assert server.client.get(f"/{name}").content == won[0]
    server.client.delete(f"/{name}", headers={"Authorization": f"Bearer {servers.ADMIN}"})


def test_fifty_uploads_that_all_fail_leave_nothing(server: servers.Running, name: str) -> None:
    """The winner's bytes are no picture; nobody else gets a second chance."""
    token = server.client.token(name)
    with ThreadPoolExecutor(25) as pool:
        statuses = list(
            pool.map(
                lambda index: (
                    wire.ask(
                        server.port,
                        f"/{name}",
                        "POST",
                        b"no picture %d" % index,
                        X_Token=token,
                        Content_Type="image/png",
                    ).status
                ),
                range(50),
            )
        )
    assert sorted(statuses) == [403] * 49 + [415]


@pytest.mark.long
def test_memory_stays_flat_over_bad_uploads(spawn: Callable[..., servers.Process]) -> None:
    """Three hundred of them, of every kind, and no more than a few megabytes."""
    process = spawn()
    bodies = [*BROKEN.values(), bytes(1 << 20)]

    def round_of(count: int) -> None:
        for index in range(count):
            body = bodies[index % len(bodies)]
            headers = {
                "X-Token": process.client.token("cat"),
                "Content-Type": forms.CONTENT_TYPE,
            }
            assert process.client.post("/cat", content=body, headers=headers).status_code == 400

    round_of(60)
    before = process.resident
    round_of(300)
    grown = process.resident - before
    assert grown < 6 << 20, f"{grown >> 10} KiB more than before"


BAD_LENGTHS = ["1" * 5000, "+5", "1_0", "\xb2", "5, 6"]
"""Values of `Content-Length` that are no length."""


async def tasks() -> int:
    """How many tasks there are in whose loop this runs."""
    return len(asyncio.all_tasks())


def descriptors() -> int:
    """How many descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("length", BAD_LENGTHS, ids=range(len(BAD_LENGTHS)))
def test_a_length_that_is_none_leaves_nothing(
    server: servers.Running, name: str, length: str
) -> None:
    """400, and no file, descriptor, task or claim is left, however often it is tried."""
    given = {each: server.client.token(each) for each in [f"{name}-{n}" for n in range(20)]}
    servers.until(lambda: server.call(requests()) == 0)
    before = server.call(tasks()), descriptors()
    for upload, token in given.items():
        with wire.Wire(server.port) as connection:
            connection.send(
                wire.request(
                    f"/{upload}",
                    "POST",
                    X_Token=token,
                    Content_Type="image/png",
                    Content_Length=length,
                )
            )
            assert connection.reply().status == 400
            assert connection.rest() == b""
    servers.until(lambda: (server.call(tasks()), descriptors()) <= before)
    assert server.staged == []
    for upload, token in given.items():  # the request did not get as far as its token
        assert server.client.upload(upload, PICTURE, token).status_code == 200


@pytest.mark.parametrize("failure", [ValueError("unexpected"), asyncio.CancelledError()])
def test_whatever_leaves_the_beginning_of_an_upload_leaves_nothing(
    server: servers.Running, name: str, events: Events, failure: BaseException
) -> None:
    """The claim is given up with its file and its renewal, and the id is free."""
    token = server.client.token(name)
    before = server.call(tasks())

    def fail(content_type: str) -> None:
        raise failure

    with servers.replaced(uploads, "_form", fail), wire.Wire(server.port) as connection:
        head = wire.request(f"/{name}", "POST", X_Token=token, Content_Length="5000")
        connection.send(head + PICTURE[:200])
        answered = connection.rest()
        assert answered == b"" or answered.startswith(b"HTTP/1.1 500 ")
    servers.until(lambda: server.staged == [])
    servers.until(lambda: server.call(tasks()) <= before)
    events[:] = [each for each in events if each["event"] != "unexpected_error"]
