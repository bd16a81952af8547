"""Logs over TCP to receivers that stall, crawl, hang up, are not there yet, or come back."""

import contextlib
import functools
import json
import socket
import statistics
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
import structlog
from web import certificates, servers

from liveresize.observe import log
from liveresize.observe.log import channel, outputs
from liveresize.settings.server import Log

LINE = "x" * 300


class Receiver:
    """Listens; reads what comes while `reading` is set, `rate` bytes at a time, and keeps
    it apart by connection. `each` is called with what was read, and may hang up by True."""

    def __init__(
        self, port: int = 0, rate: int = 65_536, each: Callable[[bytes], bool] = lambda data: False
    ) -> None:
        self.rate, self.each = rate, each
        self.reading = threading.Event()
        self.reading.set()
        self._parked = threading.Event()
        self.connections: list[bytearray] = []
        self._searched: dict[tuple[int, str], int] = {}
        self._open: list[socket.socket] = []
        self._closed = False
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # What waits in the system must be less than what is logged.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]
        self.url = f"tcp://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            data = bytearray()
            self.connections.append(data)
            self._open.append(connection)
            thread = threading.Thread(target=self._read, args=(connection, data))
            self._threads.append(thread)
            thread.start()

    def _read(self, connection: socket.socket, data: bytearray) -> None:
        with connection:
            while not self._closed:
                if not self.reading.wait(0.02):
                    self._parked.set()
                    continue
                try:
                    connection.settimeout(0.05)
                    more = connection.recv(self.rate)
                except TimeoutError:
                    continue
                except OSError:
                    return
                data += more
                if not more or self.each(more):
                    return

    def stall(self) -> None:
        """Read nothing from now on, of any connection; there must be one."""
        self.reading.clear()
        self._parked.clear()
        assert self._parked.wait(servers.PATIENCE)

    def break_off(self) -> None:
        """Let go of everything at once, as a process does that is killed with unread data."""
        for connection in self._open:
            try:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                continue
        self.close()

    def close(self) -> None:
        """Stop listening and reading."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(servers.PATIENCE)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What has arrived, of all connections, as far as lines are whole."""
        whole = [line for data in list(self.connections) for line in bytes(data).split(b"\n")[:-1]]
        return [json.loads(line) for line in whole]

    def has(self, text: str) -> bool:
        """Whether that has arrived; looks at nothing twice, for it is asked again and again."""
        wanted = text.encode()
        for number, data in enumerate(list(self.connections)):
            size = len(data)
            if data.find(wanted, self._searched.get((number, text), 0)) >= 0:
                return True
            self._searched[number, text] = max(0, size - len(wanted))
        return False

    def numbers(self) -> list[int]:
        """The numbers of `count` that have arrived."""
        return [line["number"] for line in self.lines if "number" in line]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., log.Handle]]:
    """Starts logging to a receiver; tries come after each other more quickly than they do."""
    monkeypatch.setattr(channel, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(channel, "LONGEST_PAUSE", 0.2)
    handles: list[log.Handle] = []

    def starter(url: str, *, capacity: int = 10_000) -> log.Handle:
        handles.append(log.configure(Log(output=url, format="logstash"), capacity=capacity))
        return handles[-1]

    yield starter
    for handle in handles:
        handle.close()


def count(numbers: range) -> float:
    """Log that many lines; the longest that one of them took, in seconds."""
    logger, longest = structlog.get_logger("x"), 0.0
    for number in numbers:
        began = time.perf_counter()
        logger.info("counted", number=number, text=LINE)
        longest = max(longest, time.perf_counter() - began)
    return longest


def dropped(receiver: Receiver) -> int:
    """How many the log has said to be dropped."""
    return sum(line["count"] for line in receiver.lines if line["event"] == "log_dropped")


@pytest.mark.long
def test_a_receiver_that_stalls_costs_lines_and_nothing_else(
    start: Callable[..., log.Handle],
) -> None:
    """Nobody waits, what is kept is bounded, and when it reads again each line that was not
    dropped comes once, in order, with word of how many are missing."""
    with Receiver() as receiver:
        handle = start(receiver.url, capacity=2000)
        count(range(-1, 0))
        servers.until(lambda: receiver.has("counted"))
        receiver.stall()
        longest = count(range(20_000))
        assert handle.dropped > 1000
        assert longest < 2
        receiver.reading.set()
        servers.until(lambda: not handle._channel._lines)
        count(range(20_000, 20_100))
        servers.until(lambda: receiver.has('"number":20099,'))
        numbers = receiver.numbers()
        assert numbers == sorted(set(numbers))
        assert dropped(receiver) == handle.dropped
        assert len(numbers) + handle.dropped == 20_101
        assert len(receiver.connections) == 1


@pytest.mark.long
def test_what_waits_is_bounded_in_bytes(
    start: Callable[..., log.Handle], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long lines are dropped before there are as many of them as there may be of others."""
    monkeypatch.setattr(channel, "MOST_BYTES", 1 << 20)
    with certificates.reserved_port() as port:
        handle = start(f"tcp://127.0.0.1:{port}", capacity=100_000)
        for _ in range(2000):
            structlog.get_logger("x").info("long", text="y" * 30_000)
        assert 1900 < handle.dropped < 2000


def test_a_receiver_that_crawls_gets_each_line_once(
    start: Callable[..., log.Handle], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a batch takes, as long as it takes something of it now and then."""
    monkeypatch.setattr(outputs.Tcp, "patience", 2.0)
    crawl = threading.Event()

    def slowly(data: bytes) -> bool:
        crawl.wait(0.01)
        return False

    with Receiver(rate=8192, each=slowly) as receiver:
        handle = start(receiver.url, capacity=20_000)
        count(range(4000))
        assert handle.dropped == 0
        servers.until(lambda: receiver.has('"number":3999,'))
        assert receiver.numbers() == list(range(4000))
        assert len(receiver.connections) == 1


def test_a_receiver_that_hangs_up_after_each_line_gets_whole_ones(
    start: Callable[..., log.Handle],
) -> None:
    """It loses what it does not read; nobody waits for it, and what comes later arrives."""
    with Receiver(rate=1 << 20, each=lambda data: b"\n" in data) as receiver:
        start(receiver.url)
        for number in range(10):
            count(range(number, number + 1))
            servers.until(functools.partial(receiver.has, f'"number":{number},'))
        assert len(receiver.connections) >= 10
        assert set(receiver.numbers()) == set(range(10))


def test_a_receiver_that_comes_later_gets_what_was_said_before(
    start: Callable[..., log.Handle], capfd: pytest.CaptureFixture[str]
) -> None:
    """From the first line on; standard error has heard once that there was nobody."""
    with certificates.reserved_port() as port:
        start(f"tcp://127.0.0.1:{port}")
        count(range(100))
        said: list[str] = []

        def complained() -> bool:
            said.append(capfd.readouterr().err)
            return "cannot log to" in "".join(said)

        servers.until(complained)
    with Receiver(port) as receiver:
        servers.until(lambda: len(receiver.numbers()) == 100)
        assert receiver.numbers() == list(range(100))
    said.append(capfd.readouterr().err)
    assert "".join(said).count("cannot log to") == 1


def test_a_receiver_that_is_restarted_loses_nothing_it_had_not_read(
    start: Callable[..., log.Handle],
) -> None:
    """What sat unread in a receiver that was killed is sent again to the one after it."""
    first = Receiver()
    start(first.url)
    count(range(10))
    servers.until(lambda: first.numbers() == list(range(10)))
    first.stall()
    count(range(10, 20))  # one batch, which stays in the buffers of the system
    servers.until(lambda: _unread(first.port) > 0)
    first.break_off()
    with Receiver(first.port) as second:
        count(range(20, 30))
        servers.until(lambda: second.numbers()[-1:] == [29])
        assert second.numbers() == list(range(10, 30))


def _unread(port: int) -> int:
    """Bytes that wait in the system for whoever listens on that port to read them."""
    most = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == "01":
            most = max(most, int(fields[4].rpartition(":")[2], 16))
    return most


@pytest.mark.long
def test_a_server_answers_while_its_log_is_stuck(tmp_path: Path) -> None:
    """Requests do not wait for the receiver, nor does memory grow with what it misses; and
    the process ends however long that stalls."""
    with Receiver() as receiver, Logging(receiver, tmp_path, drain__delay=0) as process:
        _ask(process, 200)
        receiver.stall()
        before = process.resident
        times = _ask(process, 1500)
        assert process.resident - before < 64 << 20
        assert statistics.quantiles(times, n=100)[98] < 2
        process.process.terminate()
        assert process.process.wait(servers.PATIENCE) == 0


def _ask(process: servers.Process, requests: int) -> list[float]:
    """Seconds that each of so many requests took; each has a long line in the log."""
    times = []
    target = "/" + "x" * 3000
    for _ in range(requests):
        began = time.perf_counter()
        assert process.client.get(target).status_code in (400, 404)
        assert process.client.get("/_live").status_code == 200
        times.append(time.perf_counter() - began)
    return times


class Logging(servers.Process):
    """A server that logs to a receiver; its start is read there."""

    def __init__(self, receiver: Receiver, folder: Path, **keys: object) -> None:
        self._receiver = receiver
        super().__init__(folder, "env", f"LIVERESIZE_LOG__OUTPUT={receiver.url}", **keys)

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """What the receiver was told."""
        return [line for line in self._receiver.lines if not event or line["event"] == event]
