"""Flow control: nobody is sent more than they have room for, nor do they hold up others."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hyperframe.frame import ContinuationFrame, DataFrame, HeadersFrame, SettingsFrame

from liveresize.http.handlers import status

from . import http2_client, pictures, servers, wire
from .conftest import Events
from .http2_client import Http2Wire

Launch = Callable[..., servers.Running]

LARGE = pictures.noise(1600, 1300, "PNG", compress_level=0)

HUGE = pictures.noise(5200, 4000, "PNG", compress_level=0)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server for balancers, with a picture of 2 MB and one of 20."""
    folder = tmp_path_factory.mktemp("plain")
    with servers.Running(folder, http2_cleartext=True) as running:
        running.client.put_in("large", LARGE)
        running.client.put_in("huge", HUGE)
        yield running


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opened at the end, whatever happens."""
    event = threading.Event()
    yield event
    event.set()


@contextlib.contextmanager
def waiting_lives(running: servers.Running, gate: threading.Event) -> Iterator[None]:
    """`/_live` is answered when the gate opens."""

    async def get(self: status.LiveHandler) -> None:
        await running.waiting(gate)
        self.finish(b"OK")

    with servers.replaced(status.LiveHandler, "get", get):
        yield


@pytest.mark.long
def test_a_slow_reader_gets_everything_and_holds_up_nobody(plain: servers.Running) -> None:
    """Twenty megabytes, four kilobytes at a time; little of it waits here."""
    assert len(HUGE) > 20_000_000
    with Http2Wire(plain.port, settings={http2_client.INITIAL_WINDOW: 4096}) as slow:
        number = slow.open("/huge.png")
        seen = 0
        while not slow.answers[number].whole:
            slow.read()
            if len(slow.answers[number].body) >> 21 > seen:
                seen += 1
                assert max(each.queued for each in http2_client.exchanges(plain)) <= 512 << 10
                assert wire.ask(plain.port, "/_live").status == 200
                assert slow.ask("/_live").status == 200
        assert seen >= 9
        assert slow.answers[number].body == HUGE
        assert max(size for stream, size in slow.arrivals if stream == number) <= 4096


def test_no_window_no_data(plain: servers.Running) -> None:
    """The head comes, the rest when SETTINGS open the windows, up or down in the middle."""
    with Http2Wire(plain.port, settings={http2_client.INITIAL_WINDOW: 0}) as connection:
        connection.takes = False
        number = connection.open("/large.png")
        answer = connection.answers[number]
        assert connection.status(number) == 200
        connection.settled()
        assert answer.body == b""
        assert connection.ask("/_live", "HEAD").status == 200

        def room(size: int) -> None:
            connection.frames(SettingsFrame(0, settings={http2_client.INITIAL_WINDOW: size}))

        room(20_000)
        connection.until(lambda: len(answer.body) == 20_000)
        room(5_000)  # that window is 15,000 bytes below nothing now
        connection.more(number, 14_000)
        connection.settled()
        assert len(answer.body) == 20_000
        connection.more(number, 2_000)
        connection.until(lambda: len(answer.body) == 21_000)
        connection.takes = True
        connection.more(0, 21_000)
        room(60_000)
        assert connection.answer(number).body == LARGE


def test_the_window_of_the_connection_counts_too(plain: servers.Running) -> None:
    """However much room a stream has."""
    with Http2Wire(plain.port, settings={http2_client.INITIAL_WINDOW: 1 << 24}) as connection:
        connection.takes = False
        number = connection.open("/large.png")
        connection.until(lambda: len(connection.answers[number].body) == 65_535)
        connection.settled()
        assert len(connection.answers[number].body) == 65_535
        connection.takes = True
        connection.more(0, 65_535)
        assert connection.answer(number).body == LARGE


def test_frames_are_no_larger_than_a_peer_allows(plain: servers.Running) -> None:
    """By its SETTINGS_MAX_FRAME_SIZE at most, and not all that a generous one would take."""
    for size in (16_384, 1 << 20):
        wanted = {http2_client.FRAME_SIZE: size, http2_client.INITIAL_WINDOW: 1 << 20}
        with Http2Wire(plain.port, settings=wanted) as connection:
            assert connection.ask("/large.png").body == LARGE
            assert max(each for _, each in connection.arrivals) <= 64 << 10
            assert size > 16_384 or max(each for _, each in connection.arrivals) <= 16_384


def test_a_hundred_streams_at_once_are_all_answered(
    plain: servers.Running, gate: threading.Event
) -> None:
    """One more is refused, and answered when it is tried again."""
    with waiting_lives(plain, gate), Http2Wire(plain.port) as connection:
        connection.settled()
        numbers = [connection.open("/_live") for _ in range(100)]
        servers.until(lambda: len(http2_client.exchanges(plain)) == 100)
        late = connection.answer(connection.open("/_live"))
        assert (late.status, late.reset) == (0, http2_client.REFUSED_STREAM)
        gate.set()
        assert {bytes(connection.answer(number).body) for number in numbers} == {b"OK"}
        assert connection.ask("/_live").status == 200
        assert connection.goaways == []


def test_many_large_pictures_come_over_one_connection(plain: servers.Running) -> None:
    """By turns and after one another, to a client that opens windows after each frame; small
    frames end a piece that was read from the disk, of which a picture has a dozen."""
    with Http2Wire(plain.port) as connection:
        numbers = [
            connection.open("/large.png", priority=f"u={index % 8}{', i' * (index % 2)}")
            for index in range(20)
        ]
        for number in numbers:
            assert connection.answer(number).body == LARGE
        small = [size for _, size in connection.arrivals if size < 1024]
        assert len(small) <= 15 * len(numbers)


def test_a_window_is_used_to_its_last_byte(plain: servers.Running) -> None:
    """By a client that opens it only then; its size leaves a frame that is small."""
    for room in (1, 500, 16_384 + 100):
        with Http2Wire(plain.port, settings={http2_client.INITIAL_WINDOW: room}) as connection:
            connection.takes = False
            number = connection.open("/large.png")
            for turn in range(1, 4):
                connection.until(lambda: len(connection.answers[number].body) == turn * room)  # noqa: B023
                connection.more(number, room)


@pytest.mark.long
def test_whoever_waits_for_its_turn_is_not_stalled(launch: Launch) -> None:
    """An answer behind others is not broken off while those are taken."""
    running = launch(http2_cleartext=True, limits__write_stall=2.0)
    running.client.put_in("large", LARGE)
    with Http2Wire(running.port, settings={http2_client.INITIAL_WINDOW: 1 << 24}) as connection:
        connection.takes = False
        first = connection.open("/large.png", priority="u=1")
        behind = connection.open("/large.png", priority="u=5")
        ends, pause = time.monotonic() + 5, threading.Event()
        while time.monotonic() < ends:
            connection.more(0, 2048)
            connection.settled()
            pause.wait(0.05)
        assert 65_535 < len(connection.answers[first].body) < len(LARGE)
        assert connection.answers[behind].reset is None
        connection.takes = True
        connection.more(0, len(connection.answers[first].body))
        assert connection.answer(first).body == LARGE
        assert connection.answer(behind).body == LARGE


def test_an_answer_that_nobody_takes_is_broken_off(launch: Launch) -> None:
    """After `limits.write_stall`; what is taken on the same connection is not."""
    running = launch(http2_cleartext=True, limits__write_stall=0.5)
    running.client.put_in("large", LARGE)
    with Http2Wire(running.port, settings={http2_client.INITIAL_WINDOW: 0}) as connection:
        stalled = connection.open("/large.png")
        assert connection.answer(stalled).reset == http2_client.CANCEL
        assert connection.answers[stalled].body == b""
        taken = connection.open("/large.png")
        connection.more(taken, len(LARGE))
        assert connection.answer(taken).body == LARGE


def test_a_connection_that_takes_nothing_is_closed(launch: Launch, events: Events) -> None:
    """Whose windows are open, but whose socket is full: after `limits.write_stall`."""
    running = launch(http2_cleartext=True, limits__write_stall=0.4)
    running.client.put_in("large", LARGE)
    running.client.close()
    settings = {http2_client.INITIAL_WINDOW: 1 << 24}
    with Http2Wire(running.port, settings=settings, buffer=4096) as connection:
        connection.more(0, 1 << 24)
        for _ in range(5):
            connection.open("/large.png")
        servers.until(lambda: "stalled_connection_closed" in [each["event"] for each in events])
        servers.until(lambda: running.server.listener.connections == 0)
    servers.until(lambda: not running.server._http._speaking)


def test_a_file_that_ends_early_breaks_its_stream_off(launch: Launch) -> None:
    """That is how HTTP/2 says that something is missing; others on the connection go on."""
    running = launch(http2_cleartext=True)
    running.client.put_in("large", LARGE)
    (path,) = running.originals
    with Http2Wire(running.port, settings={http2_client.INITIAL_WINDOW: 1000}) as connection:
        connection.takes = False
        number = connection.open("/large.png")
        assert connection.status(number) == 200
        with path.open("r+b") as file:
            file.truncate(300_000)
        connection.takes = True
        connection.more(number, 1 << 20)
        assert connection.answer(number).reset == http2_client.INTERNAL_ERROR
        assert connection.ask("/_live").body == b"OK"


def test_the_rest_of_a_connection_may_be_empty_frames(plain: servers.Running) -> None:
    """Frames without data, of streams that are over, and of kinds that nobody knows."""
    with Http2Wire(plain.port) as connection:
        number = connection.open("/_live", end=False)
        connection.frames(DataFrame(number, b""))
        connection.data(number, b"", end=True)
        assert connection.answer(number).status == 200
        connection.send(b"\0\0\4\xee\0\0\0\0\0" + b"what")
        assert connection.ask("/_live").status == 200


def test_a_head_may_come_in_pieces(plain: servers.Running) -> None:
    """HEADERS and CONTINUATION."""
    with Http2Wire(plain.port) as connection:
        whole = connection.head("/_live", x_filler="a" * 3000)
        pieces = [
            ContinuationFrame(1, whole.data[start : start + 1000])
            for start in range(10, len(whole.data), 1000)
        ]
        pieces[-1].flags.add("END_HEADERS")
        connection.frames(HeadersFrame(1, whole.data[:10], flags=["END_STREAM"]), *pieces)
        assert connection.answer(1).status == 200
