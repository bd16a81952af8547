"""Bodies over HTTP/2: taken as fast as they are used, and let go of when nobody wants them."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hyperframe.frame import HeadersFrame

from liveresize.uploads.pipeline import StagedUpload

from . import buckets, http2_client, pictures, servers, tus
from .http2_client import Http2Wire

PICTURE = pictures.png(200, 150)

MEGABYTE = 1 << 20

Launch = Callable[..., servers.Running]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server for balancers."""
    folder = tmp_path_factory.mktemp("plain")
    with servers.Running(folder, http2_cleartext=True) as running:
        yield running


@pytest.fixture
def connection(plain: servers.Running) -> Iterator[Http2Wire]:
    """One connection to it, whose greetings are over; at the end it still works."""
    with Http2Wire(plain.port) as one:
        one.settled()
        yield one
        assert one.ask("/_live").body == b"OK"
        assert one.goaways == []


def begin(connection: Http2Wire, name: str, token: str, **more: str) -> int:
    """The stream of an upload whose body is to come."""
    more = {"Content_Type": "image/png", **more}
    return connection.open(f"/{name}", "POST", end=False, X_Token=token, **more)


def nothing_is_left(running: servers.Running, name: str) -> None:
    """No file, no original; and a new token is to be had."""
    servers.until(lambda: running.staged == [])
    assert not any(path.name.startswith(f"{name}~") for path in running.originals)
    servers.until(lambda: running.client.post("/token", json={"id": name}).status_code == 200)


@pytest.mark.long
def test_a_hundred_megabytes_are_never_in_memory(spawn: Callable[..., servers.Process]) -> None:
    """Taken or refused: the server itself grows by a few windows at most."""
    picture = buckets.sized(100 * MEGABYTE)
    process = spawn(
        http2_cleartext=True, constraints__max_upload_bytes=200 * MEGABYTE, limits__body_rate=0
    )
    process.client.put_in("before", PICTURE)
    before, most, over = process.resident, 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.01):
            most = max(most, process.resident)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with Http2Wire(process.port) as connection:
            for name, token, status in (
                ("cat", process.client.token("cat"), 200),
                ("dog", "spent", 403),
            ):
                number = begin(connection, name, token)
                connection.body(number, picture)
                assert connection.answer(number).status == status
                assert connection.window <= MEGABYTE
    finally:
        over.set()
        watcher.join()
    sys.stdout.write(f"\n100 MB over HTTP/2: grown by {(most - before) / MEGABYTE:.1f} MB\n")
    assert most - before < 20 * MEGABYTE


def test_nothing_is_sent_that_is_not_taken(
    plain: servers.Running, connection: Http2Wire, name: str
) -> None:
    """While a disk is slow the window stays shut; others are answered, then it goes on."""
    gate, write = threading.Event(), StagedUpload.write
    picture = buckets.sized(2 * MEGABYTE)

    async def slow(self: StagedUpload, chunk: bytes) -> None:
        await plain.waiting(gate)
        await write(self, chunk)

    token = plain.client.token(name)
    try:
        with servers.replaced(StagedUpload, "write", slow):
            number = begin(connection, name, token)
            sent = connection.windows[number]
            assert sent == 256 << 10
            connection.body(number, picture[:sent], end=False)
            connection.settled()
            if connection.windows[number]:  # it was refused: say by what
                connection.data(number, b"", end=True)
                raise AssertionError(connection.answer(number))
            assert connection.window == MEGABYTE - sent
            assert connection.ask("/_live").status == 200
            assert connection.windows[number] == 0
            gate.set()
            connection.body(number, picture[sent:])
            assert connection.answer(number).status == 200
    finally:
        gate.set()
    assert plain.client.get(f"/{name}.png").status_code == 200


def test_padding_counts_and_is_given_back(
    plain: servers.Running, connection: Http2Wire, name: str
) -> None:
    """Windows that padding has used up are opened again."""
    number = begin(connection, name, plain.client.token(name))
    picture = buckets.sized(2 * MEGABYTE)
    for start in range(0, len(picture), 1024):
        while connection.windows[number] < 2000 or connection.window < 2000:
            connection.read()
        last = start + 1024 >= len(picture)
        connection.data(number, picture[start : start + 1024], end=last, padding=255)
    assert connection.answer(number).status == 200


def test_trailers_mean_nothing(plain: servers.Running, connection: Http2Wire, name: str) -> None:
    """What comes after a body ends it."""
    number = begin(connection, name, plain.client.token(name))
    connection.data(number, PICTURE)
    trailers = HeadersFrame(number, flags=["END_HEADERS", "END_STREAM"])
    trailers.data = connection.encoder.encode([(b"x-checksum", b"abc"), (b"x-token", b"other")])
    connection.frames(trailers)
    assert connection.answer(number).status == 200


def test_leave_to_send_is_given_and_refused(
    plain: servers.Running, connection: Http2Wire, name: str
) -> None:
    """`Expect: 100-continue`: 100 and then the answer, or the answer alone."""
    number = begin(connection, name, plain.client.token(name), Expect="100-continue")
    answer = connection.answers[number]
    connection.until(lambda: answer.early)
    connection.data(number, PICTURE, end=True)
    assert connection.answer(number).status == 200
    assert answer.early == [100]
    refused = connection.answer(begin(connection, name, "spent", Expect="100-continue"))
    assert (refused.status, refused.early, refused.whole) == (403, [], True)


def test_leave_is_given_to_nobody_who_left(
    plain: servers.Running, connection: Http2Wire, name: str
) -> None:
    """Reset at once, while the token is looked up."""
    token = plain.client.token(name)
    claim = plain.components.index.tokens.claim
    entered, gate = threading.Event(), threading.Event()

    async def slow(*given: Any) -> object:
        claimed = await claim(*given)
        entered.set()
        await plain.waiting(gate)
        return claimed

    try:
        with servers.replaced(plain.components.index.tokens, "claim", slow):
            number = begin(connection, name, token, Expect="100-continue")
            assert entered.wait(servers.PATIENCE)
            connection.reset(number)
            connection.settled()
            gate.set()
            nothing_is_left(plain, name)
    finally:
        gate.set()
    connection.settled()
    assert connection.answers[number].early == []


@pytest.mark.parametrize(
    ("declared", "status"), [(20 * MEGABYTE, 403), (200 * MEGABYTE, 413), (0, 413)]
)
def test_an_early_answer_arrives_whole(
    launch: Launch, name: str, declared: int, status: int
) -> None:
    """While its body is still sent; then the stream is reset, without an error."""
    running = launch(http2_cleartext=True, constraints__max_upload_bytes=4 * MEGABYTE)
    token = "spent" if status == 403 else running.client.token(name)
    more = {"Content_Length": str(declared)} if declared else {}
    with Http2Wire(running.port) as connection:
        number = begin(connection, name, token, **more)
        connection.body(number, bytes(40 * MEGABYTE), end=False)
        answer = connection.answers[number]
        assert (answer.status, answer.whole) == (status, True)
        assert answer.body.startswith(b'{"error"')
        assert len(answer.body) == int(answer.headers["content-length"])
        connection.until(lambda: answer.reset is not None)
        assert answer.reset == http2_client.NO_ERROR
        second = begin(connection, "second", running.client.token("second"))
        connection.body(second, PICTURE)
        assert connection.answer(second).status == 200
    nothing_is_left(running, name)


def test_uploads_that_are_broken_off_leave_nothing(
    plain: servers.Running, connection: Http2Wire, name: str
) -> None:
    """Ten of them on one connection, whose windows are whole again afterwards."""
    for index in range(10):
        one = f"{name}-{index}"
        number = begin(connection, one, plain.client.token(one), Content_Length="900000")
        connection.body(number, bytes(min(200_000, connection.window)), end=False)
        connection.reset(number)
        nothing_is_left(plain, one)
    connection.until(lambda: connection.window > MEGABYTE // 2)
    files = os.listdir("/proc/self/fd")
    assert not any("_staging" in _target(each) for each in files)
    last = begin(connection, name, plain.client.token(name))
    connection.body(last, buckets.sized(3 * MEGABYTE))
    assert connection.answer(last).status == 200


def test_parts_that_are_broken_off_count(
    plain: servers.Running, connection: Http2Wire, name: str
) -> None:
    """An upload in parts goes on after what had arrived."""
    client, picture = tus.Tus(plain.client), buckets.sized(MEGABYTE)
    url = client.begun(name, plain.client.token(name), len(picture))
    spoken = {"Tus_Resumable": "1.0.0", "Content_Type": tus.PART}
    number = connection.open(url, "PATCH", end=False, Upload_Offset="0", **spoken)
    connection.body(number, picture[:60_000], end=False)
    upload = plain.components.resumable.find(name, tus.id_of(url))
    servers.until(lambda: upload._part is not None and upload._part._size == 60_000)
    connection.reset(number)
    servers.until(lambda: upload._part is None)
    offset = client.offset(url)
    assert offset == 60_000
    rest = connection.open(url, "PATCH", end=False, Upload_Offset=str(offset), **spoken)
    connection.body(rest, picture[offset:])
    assert connection.answer(rest).status == 200


def _target(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:  # closed meanwhile
        return ""


def test_a_body_that_nobody_asked_for_gives_its_windows_back(connection: Http2Wire) -> None:
    """Sent to what is no request at all."""
    for _ in range(12):
        number = connection.open("/a b", "POST", end=False)
        connection.body(number, bytes(min(120_000, connection.window)), end=False)
        assert connection.answer(number).status == 400
    connection.until(lambda: connection.window > MEGABYTE // 2)


def test_a_connection_that_vanishes_leaves_nothing(plain: servers.Running, name: str) -> None:
    """With all uploads that were under way on it."""
    names = [f"{name}-{index}" for index in range(4)]
    with Http2Wire(plain.port) as connection:
        connection.settled()
        for one in names:
            number = begin(connection, one, plain.client.token(one), Content_Length="900000")
            connection.body(number, bytes(100_000), end=False)
        servers.until(lambda: len(plain.staged) == 4)
    for one in names:
        nothing_is_left(plain, one)
    assert http2_client.exchanges(plain) == []


def test_a_body_that_dawdles_is_refused(launch: Launch) -> None:
    """408 as over HTTP/1, and the connection goes on."""
    running = launch(http2_cleartext=True, limits__body_grace=0.2, limits__body_rate=100_000)
    with Http2Wire(running.port) as connection:
        number = begin(connection, "cat", running.client.token("cat"), Content_Length="50000")
        connection.data(number, PICTURE[:200])
        answer = connection.answer(number)
        assert answer.status == 408
        assert b'"upload_too_slow"' in answer.body
        assert connection.ask("/_live").status == 200
    nothing_is_left(running, "cat")


def test_a_body_for_whom_none_is_meant_may_not_dawdle(launch: Launch) -> None:
    """The answer comes without the rest of it, and the stream is broken off."""
    running = launch(http2_cleartext=True, limits__body_grace=0.2)
    with Http2Wire(running.port) as connection:
        number = connection.open("/_live", end=False)
        assert connection.answer(number).status == 200
        connection.until(lambda: connection.answers[number].reset is not None)
        assert connection.answers[number].reset == http2_client.NO_ERROR
        assert connection.ask("/_live").status == 200


def test_a_body_for_whom_none_is_meant_is_bounded(connection: Http2Wire) -> None:
    """Above 8 MiB, by what is said or by what comes, the answer does not wait for the rest."""
    said = connection.open("/_live", end=False, Content_Length=str(9 << 20))
    assert connection.answer(said).status == 200
    come = connection.open("/_live", end=False)
    connection.body(come, bytes(9 << 20), end=False)
    assert connection.answer(come).status == 200
    assert connection.ask("/_live", "GET", bytes(100_000)).status == 200


def test_leaving_a_render_lets_go_of_it(
    plain: servers.Running, connection: Http2Wire, name: str
) -> None:
    """Nobody waits for it any more; what others have asked for is made."""
    plain.client.put_in(name, PICTURE)
    workers, gate = plain.components.workers, threading.Event()
    run, begun, ended = workers.run, threading.Semaphore(0), threading.Semaphore(0)

    async def slow(*given: Any, **more: Any) -> object:
        begun.release()
        try:
            await plain.waiting(gate)
            return await run(*given, **more)
        finally:
            ended.release()

    try:
        with servers.replaced(workers, "run", slow):
            left = [connection.open(f"/{name}_{width}_0.png") for width in (10, 11)]
            stays = connection.open(f"/{name}_12_0.png")
            for _ in range(3):
                assert begun.acquire(timeout=servers.PATIENCE)
            for number in left:
                connection.reset(number)
            connection.settled()
            servers.until(lambda: len(http2_client.exchanges(plain)) == 1)
            gate.set()
            assert connection.answer(stays).status == 200
            for _ in range(3):
                assert ended.acquire(timeout=servers.PATIENCE)
    finally:
        gate.set()
    assert all(connection.answers[number].status == 0 for number in left)
