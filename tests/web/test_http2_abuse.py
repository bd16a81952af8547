"""Floods of frames that are allowed, and cost their sender nothing: the connection ends, with
little of the server's memory, and nobody else waits."""

import contextlib
import itertools
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from . import http2_client, pictures, servers, wire
from .http2_client import CANCEL, ENHANCE_YOUR_CALM, PROTOCOL_ERROR, Http2Wire

MEGABYTE = 1 << 20

MOST = 8_000
"""Frames after which a flood should long be over."""

AT_ONCE = 50


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Process]:
    """A server for balancers, as a process whose memory can be read."""
    folder = tmp_path_factory.mktemp("process")
    with servers.Process(folder, http2_cleartext=True) as running:
        running.client.put_in("cat", pictures.jpeg(640, 480))
        running.client.put_in("large", pictures.noise(1600, 1300, "PNG", compress_level=0))
        for _ in range(50):  # what it needs once
            with Http2Wire(running.port) as connection:
                assert connection.ask("/cat_20_0.jpg").status in (200, 303)
        yield running
        assert [line for line in running.lines() if line["level"] == "error"] == []


_addresses = itertools.count(1)


@pytest.fixture
def attacker() -> str:
    """The address of a client of its own: one pays for all of its connections together, and
    several floods in a row would leave it none."""
    return f"127.1.0.{next(_addresses)}"


@dataclass
class Bystander:
    """Somebody who asks over HTTP/1 all the while, and looks at the server's memory."""

    process: servers.Process
    worst: float = 0.0
    most: int = 0
    asked: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def _ask(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            if wire.ask(self.process.port, "/_live").status == 200:
                self.asked += 1
            self.worst = max(self.worst, time.monotonic() - began)
            self.most = max(self.most, self.process.resident)
            self._over.wait(0.002)

    def __enter__(self) -> Self:
        self.before = self.process.resident
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        servers.until(lambda: self.asked)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def undisturbed(self) -> None:
        """Nobody waited for seconds, and the server is as large as it was, or nearly."""
        assert self.worst < 5
        assert self.most - self.before < 16 * MEGABYTE


def flood(connection: Http2Wire, frames: Callable[[], list[Frame]], most: int = MOST) -> int:
    """Send what `frames` makes, again and again, until GOAWAY; returns how many there were."""
    sent = 0
    try:
        while sent < most:
            batch = [frame for _ in range(AT_ONCE) for frame in frames()]
            sent += len(batch)
            connection.frames(*batch)
            connection.settled()
    except (EOFError, ConnectionError):
        return sent
    raise AssertionError("nobody minds")


Flood = Callable[[Http2Wire], Callable[[], list[Frame]]]


def always(*frames: Frame) -> Flood:
    """The same frames, again and again."""
    return lambda connection: lambda: list(frames)


def with_a_body(*frames: Frame) -> Flood:
    """The same, of stream 1, whose body does not end."""

    def begin(connection: Http2Wire) -> Callable[[], list[Frame]]:
        connection.open("/nothing", "POST", end=False, Content_Type="image/png", X_Token="x")
        return lambda: list(frames)

    return begin


def rapid_resets(connection: Http2Wire) -> Callable[[], list[Frame]]:
    """Requests that are cancelled as they are sent (CVE-2023-44487)."""

    def pair() -> list[Frame]:
        head = connection.head("/cat_300_0.jpg?blur=9")
        return [head, RstStreamFrame(head.stream_id, error_code=CANCEL)]

    return pair


def resets_by_us(connection: Http2Wire) -> Callable[[], list[Frame]]:
    """Requests with something wrong after them, so that the server resets (CVE-2025-8671)."""

    def pair() -> list[Frame]:
        head = connection.head("/cat_301_0.jpg?blur=9")
        return [head, WindowUpdateFrame(head.stream_id, window_increment=2**31 - 1)]

    return pair


def refused(connection: Http2Wire) -> Callable[[], list[Frame]]:
    """More streams than there may be."""
    for _ in range(100):
        connection.open("/nothing", "POST", end=False, Content_Type="image/png", X_Token="x")
    connection.settled()
    return lambda: [connection.head("/_live")]


def on_streams_that_are_over(connection: Http2Wire) -> Callable[[], list[Frame]]:
    """Data that nobody waits for any more."""
    number = connection.open("/nothing", "POST", end=False, Content_Type="image/png")
    connection.reset(number)
    return lambda: [DataFrame(number, bytes(1100))]


FLOODS: dict[str, Flood] = {
    "rapid resets": rapid_resets,
    "resets by the server": resets_by_us,
    "streams to be refused": refused,
    "data of streams that are over": on_streams_that_are_over,
    "PING": always(PingFrame(0, opaque_data=bytes(8))),
    "SETTINGS": always(SettingsFrame(0, settings={http2_client.INITIAL_WINDOW: 70_000})),
    "SETTINGS of no change": always(SettingsFrame(0)),
    "SETTINGS of every table": always(
        SettingsFrame(0, settings={http2_client.HEADER_TABLE_SIZE: 2**32 - 1}),
        SettingsFrame(0, settings={http2_client.HEADER_TABLE_SIZE: 0}),
    ),
    "empty DATA": with_a_body(DataFrame(1, b"")),
    "empty DATA with padding": with_a_body(DataFrame(1, b"", pad_length=8, flags=["PADDED"])),
    "DATA byte by byte": with_a_body(DataFrame(1, b"x")),
    "windows opened byte by byte": always(WindowUpdateFrame(0, window_increment=1)),
    "a stream's window, too": with_a_body(WindowUpdateFrame(1, window_increment=1)),
    "PRIORITY": always(PriorityFrame(1, depends_on=3, stream_weight=7)),
    "frames that nobody knows": lambda connection: lambda: [Unknown(0)],
    "RST_STREAM of what is over": lambda connection: _after_one(connection),
}


class Unknown(Frame):
    """A frame of no type that there is."""

    type = 0xEE
    stream_association = None

    def serialize_body(self) -> bytes:
        return b"what"


def _after_one(connection: Http2Wire) -> Callable[[], list[Frame]]:
    assert connection.ask("/_live").status == 200
    return lambda: [RstStreamFrame(1, error_code=CANCEL)]


@pytest.mark.parametrize("begin", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_ends_its_connection(
    process: servers.Process,
    request: pytest.FixtureRequest,
    attacker: str,
    begin: Flood,
) -> None:
    """With ENHANCE_YOUR_CALM, after a few thousand frames at most."""
    with Bystander(process) as bystander, Http2Wire(process.port, source=attacker) as connection:
        connection.settled()
        frames, began = begin(connection), time.monotonic()
        sent = flood(connection, frames)
        assert connection.rest() == ENHANCE_YOUR_CALM
        took = time.monotonic() - began
    told(request, f"{sent} frames", took, bystander)
    bystander.undisturbed()


def told(request: pytest.FixtureRequest, what: str, seconds: float, bystander: Bystander) -> None:
    """Say, with `-s`, what it took."""
    name = request.node.callspec.id if hasattr(request.node, "callspec") else request.node.name
    grown = (bystander.most - bystander.before) / MEGABYTE
    sys.stdout.write(
        f"\n{name}: {what}, {seconds:.2f} s, memory {grown:+.1f} MB, "
        f"others waited {bystander.worst * 1000:.0f} ms at most\n"
    )


def heads(first: bytes, then: bytes, count: int, last: bytes = b"") -> list[Frame]:
    """One head in that many frames."""
    return [
        HeadersFrame(1, first, flags=["END_STREAM"]),
        *(ContinuationFrame(1, then) for _ in range(count)),
        ContinuationFrame(1, last, flags=["END_HEADERS"]),
    ]


GOOD = b"\x82\x84\x87\x41\x01a"
"""GET / https, of "a"."""

BOMBS: dict[str, tuple[list[Frame], int]] = {
    "a header referenced thousands of times": (
        heads(GOOD + b"\x40\x01x\x7f\x81\x1e" + bytes([97]) * 4000, b"\xbe" * 4000, 1),
        ENHANCE_YOUR_CALM,
    ),
    "thousands of small headers": (
        heads(GOOD, b"\x00\x01x\x01y" * 3000, 4),
        ENHANCE_YOUR_CALM,
    ),
    "a large header": (
        heads(GOOD + b"\x00\x01x\x7f\x81\xfe\x00", b"a" * 16_000, 5),
        ENHANCE_YOUR_CALM,
    ),
    "changes of the table": (heads(b"\x20", b"\x20" * 16_384, 60, GOOD), ENHANCE_YOUR_CALM),
    "CONTINUATION": (heads(GOOD, b"\x00\x01x\x01y" * 3000, 500), PROTOCOL_ERROR),
    "CONTINUATION of nothing": (heads(GOOD, b"", 10_000), PROTOCOL_ERROR),
    "CONTINUATION without an end": (heads(GOOD, b"\x20" * 16_384, 500), PROTOCOL_ERROR),
}
"""Heads that would be large, and what they end the connection with."""


@pytest.mark.parametrize(("frames", "code"), BOMBS.values(), ids=BOMBS.keys())
def test_a_head_that_would_be_large_ends_its_connection(
    process: servers.Process,
    request: pytest.FixtureRequest,
    attacker: str,
    frames: list[Frame],
    code: int,
) -> None:
    """Before it is unpacked, or put together."""
    with Bystander(process) as bystander, Http2Wire(process.port, source=attacker) as connection:
        connection.settled()
        connection.answers[1] = http2_client.Answer()
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            connection.frames(*frames)
        assert connection.rest() == code
        assert connection.answers[1].status == 0
        took = time.monotonic() - began
    told(request, f"{len(frames)} frames", took, bystander)
    bystander.undisturbed()


@pytest.mark.parametrize(
    "frame",
    [PingFrame(0, opaque_data=bytes(8)), SettingsFrame(0), HeadersFrame(1)],
    ids=["PING", "SETTINGS", "requests"],
)
def test_who_sends_and_never_reads_is_not_kept_answers_for(
    process: servers.Process,
    request: pytest.FixtureRequest,
    attacker: str,
    frame: Frame,
) -> None:
    """What waits to be sent is bounded, and so is how long it waits."""
    connected = Http2Wire(process.port, source=attacker, buffer=4096)
    with Bystander(process) as bystander, connected as connection:
        connection.settled()
        sent, began = 0, time.monotonic()
        try:
            while sent < 20_000:
                batch = [
                    connection.head("/large.png") if isinstance(frame, HeadersFrame) else frame
                    for _ in range(AT_ONCE)
                ]
                ready = select.select([], [connection.socket], [], 1.0)[1]
                if not ready:
                    break
                connection.frames(*batch)
                sent += len(batch)
        except (ConnectionError, TimeoutError):
            pass
        took = time.monotonic() - began
    told(request, f"{sent} frames", took, bystander)
    bystander.undisturbed()


def test_windows_that_stay_shut_keep_little_in_memory(process: servers.Process) -> None:
    """Of four hundred large originals that nobody takes, on four connections."""
    settings = {http2_client.INITIAL_WINDOW: 0}
    with Bystander(process) as bystander, contextlib.ExitStack() as stack:
        for _ in range(4):
            connection = stack.enter_context(Http2Wire(process.port, settings=settings))
            connection.settled()
            for number in [connection.open("/large.png") for _ in range(100)]:
                assert connection.status(number) == 200
    grown = (bystander.most - bystander.before) / MEGABYTE
    sys.stdout.write(f"\n400 originals that nobody takes: memory {grown:+.1f} MB\n")
    assert grown < 48


def test_windows_that_are_never_opened_end_a_connection(
    launch: Callable[..., servers.Running],
) -> None:
    """A hundred answers that nobody takes: each is broken off, and then the connection."""
    running = launch(http2_cleartext=True, limits__write_stall=0.5)
    running.client.put_in("large", pictures.noise(900, 800, "PNG", compress_level=0))
    with Http2Wire(running.port, settings={http2_client.INITIAL_WINDOW: 0}) as connection:
        connection.settled()
        numbers = [connection.open("/large.png") for _ in range(100)]
        for number in numbers:
            assert connection.answer(number).reset == CANCEL
        assert http2_client.exchanges(running) == []
        connection.frames(PingFrame(0, opaque_data=bytes(8)))
        assert connection.rest() == ENHANCE_YOUR_CALM
        with Http2Wire(running.port) as other:
            assert other.ask("/large.png").status == 200


def test_a_table_that_is_asked_for_is_not_kept(launch: Callable[..., servers.Running]) -> None:
    """Whatever SETTINGS_HEADER_TABLE_SIZE says, 4 KiB of headers are remembered for a peer."""
    running = launch(http2_cleartext=True)

    async def sizes() -> list[int]:
        each = [one for one in running.server._http._speaking.values() if one is not None]
        return [one._protocol.encoder.header_table.maxsize for one in each]

    for wanted, kept in ((2**32 - 1, 4096), (4096, 4096), (0, 0)):
        settings = {http2_client.HEADER_TABLE_SIZE: wanted}
        with Http2Wire(running.port, settings=settings) as connection:
            for _ in range(3):
                assert connection.ask("/_live").status == 200
            assert running.call(sizes()) == [kept]
        servers.until(lambda: running.server.listener.connections == 0)
