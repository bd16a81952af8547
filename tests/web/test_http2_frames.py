"""What one peer may make us do, what a Priority says, and that windows lose no byte."""

import asyncio
import contextlib
import socket
from typing import Any

import pytest
import tiers
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, StreamEnded
from h2.exceptions import DenialOfServiceError
from h2.exceptions import StreamClosedError as H2StreamClosedError
from h2.settings import SettingCodes, Settings
from hypothesis import given, settings
from hypothesis import strategies as st
from tornado import httputil
from tornado.iostream import StreamClosedError

from liveresize.http.transport.connections import WatchedStream
from liveresize.http.transport.frame_budget import FrameBudget
from liveresize.http.transport.http2 import Http2Connection
from liveresize.http.transport.http2_frames import Protocol
from liveresize.http.transport.http2_stream import Http2Stream
from liveresize.http.transport.unsent import Unsent
from liveresize.settings.server import Limits

from . import servers

LIMITS = Limits(header_bytes=16 << 10)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def spent(budget: FrameBudget, most: int = 10_000) -> int:
    """How many frames there are until one is too many."""
    for count in range(most):
        try:
            budget.charge(1)
        except DenialOfServiceError:
            return count
    return most


def test_an_allowance_is_a_burst_and_a_rate() -> None:
    """So many at once, then as many as time brings."""
    clock = Clock()
    budget = FrameBudget(burst=100, rate=10, monotonic=clock)
    assert spent(budget) == 100
    clock.now += 2
    assert spent(budget) in (18, 19, 20)
    clock.now += 3600
    assert spent(budget) in (100, 101)


def test_work_is_given_back_up_to_the_burst() -> None:
    """Nobody saves up for later."""
    budget = FrameBudget(burst=100, rate=10, monotonic=Clock())
    for _ in range(50):
        budget.charge(1)
    budget.credit(20)
    assert spent(budget) == 70
    budget.credit(10_000)
    assert spent(budget) == 100


def test_what_is_taken_off_counts_with_the_next_frame() -> None:
    """Not before it: whoever is silent costs nothing more."""
    clock = Clock()
    budget = FrameBudget(burst=100, rate=10, monotonic=clock)
    for _ in range(10):
        budget.take_off(200)
    with pytest.raises(DenialOfServiceError):
        budget.charge(1)
    clock.now += 3600
    assert spent(budget) in (100, 101)


class Nobody:
    """A connection as far as an exchange looks at it before anything happens."""

    context = None
    client = ""

    def took(self, number: int, size: int) -> None:
        """Nothing is read here."""


PRIORITIES = [
    ("", 3, False),
    ("u=0", 0, False),
    ("u=7, i", 7, True),
    ("i", 3, True),
    ("i, u=1", 1, True),
    ("u=5,i", 5, True),
    ("i=?1", 3, True),
    ("i=?0", 3, False),
    ("u=8", 3, False),
    ("u=10", 3, False),
    ("u=-1", 3, False),
    ("u=1.5", 3, False),
    ("U=1", 3, False),
    ("uu=1", 3, False),
    ("iu=1", 3, False),
    ("u=1;x=2", 1, False),
    ("i;x", 3, True),
    ("x=1, u=2 , i", 2, True),
    ("in", 3, False),
    ("u=", 3, False),
    ("u=1" * 1000, 3, False),
    ("\xff\0,u=4", 4, False),
]


@pytest.mark.parametrize(("said", "urgency", "incremental"), PRIORITIES)
def test_a_priority_is_read(said: str, urgency: int, incremental: bool) -> None:
    """As RFC 9218 has it; what makes no sense is as if it were not there."""
    exchange = Http2Stream(Nobody(), 1, 0, 0)  # type: ignore[arg-type]
    exchange.prioritise(said)
    assert (exchange.urgency, exchange.incremental) == (urgency, incremental)


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=50))
def test_any_priority_is_one(said: str) -> None:
    """Nothing that a header may hold is too much for it."""
    exchange = Http2Stream(Nobody(), 1, 0, 0)  # type: ignore[arg-type]
    exchange.prioritise(said)
    assert exchange.urgency in range(8)


def test_the_tables_of_headers_are_bounded() -> None:
    """Ours for a peer, however large it would have it."""
    server = Protocol(LIMITS.header_bytes, FrameBudget())
    client = H2Connection(H2Configuration(client_side=True))
    client.initiate_connection()
    client.update_settings({SettingCodes.HEADER_TABLE_SIZE: 2**31})
    server.receive_data(client.data_to_send())
    assert server.encoder.header_table_size == 4096
    client.receive_data(server.data_to_send())
    assert client.remote_settings.max_concurrent_streams == 100


class Talk(httputil.HTTPServerConnectionDelegate):
    """Answers every request with the same chunks, each once the one before it is taken."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks
        self.tasks: set[asyncio.Task[None]] = set()

    def start_request(self, server_conn: object, request_conn: Any) -> httputil.HTTPMessageDelegate:
        talk = self

        class Answering(httputil.HTTPMessageDelegate):
            def finish(self) -> None:
                task = asyncio.ensure_future(talk.answer(request_conn))
                talk.tasks.add(task)
                task.add_done_callback(talk.tasks.discard)

        return Answering()

    async def answer(self, connection: Http2Stream) -> None:
        """The head, then chunk by chunk."""
        start = httputil.ResponseStartLine("HTTP/1.1", 200, "OK")
        with contextlib.suppress(StreamClosedError):  # the test has failed, and says why
            await connection.write_headers(start, httputil.HTTPHeaders({"X-Word": "a"}))
            for chunk in self.chunks:
                await connection.write(chunk)
            connection.finish()


async def talked(chunks: list[bytes], windows: list[int], streams: int) -> list[bytes]:
    """The bodies that a client gets by opening its windows by `windows`, again and again."""
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.setblocking(False)
    stream = WatchedStream(ours, lambda ended: None, Unsent())
    talk = Talk(chunks)
    served = asyncio.ensure_future(
        Http2Connection(stream, None, talk, LIMITS, FrameBudget()).serve()
    )
    client = H2Connection(H2Configuration(client_side=True))
    client.local_settings = Settings(
        client=True, initial_values={SettingCodes.INITIAL_WINDOW_SIZE: windows[0]}
    )
    client.initiate_connection()
    bodies: dict[int, bytes] = {}
    ended: set[int] = set()
    turn = 0
    loop = asyncio.get_running_loop()
    try:
        for number in range(1, 2 * streams, 2):
            fields = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")]
            client.send_headers(number, fields, end_stream=True)
            bodies[number] = b""
        async with asyncio.timeout(servers.PATIENCE):
            while len(ended) < streams:
                await loop.sock_sendall(theirs, client.data_to_send())
                for event in client.receive_data(await loop.sock_recv(theirs, 65_536)):
                    assert not isinstance(event, ConnectionTerminated)
                    if isinstance(event, DataReceived):
                        bodies[event.stream_id] += event.data
                        turn += 1
                        if event.stream_ended is None:
                            more = max(event.flow_controlled_length, windows[turn % len(windows)])
                            with contextlib.suppress(H2StreamClosedError):  # nothing more comes
                                client.increment_flow_control_window(more, event.stream_id)
                        client.increment_flow_control_window(max(event.flow_controlled_length, 1))
                    elif isinstance(event, StreamEnded):
                        ended.add(event.stream_id)
    finally:
        theirs.close()
        await served
    return list(bodies.values())


@settings(max_examples=tiers.examples(40), deadline=None)
@given(
    sizes=st.lists(st.integers(0, 100_000), max_size=6),
    windows=st.lists(st.integers(1024, 60_000), min_size=1, max_size=5),
    streams=st.integers(1, 5),
)
def test_whatever_the_windows_every_byte_comes_in_its_place(
    sizes: list[int], windows: list[int], streams: int
) -> None:
    """Chunks of any size, through windows of any size, on several streams at once."""
    chunks = [
        bytes((index + each) % 251 for each in range(size)) for index, size in enumerate(sizes)
    ]
    assert asyncio.run(talked(chunks, windows, streams)) == [b"".join(chunks)] * streams
