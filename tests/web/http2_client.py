"""HTTP/2 by hand: frames as hyperframe has them, and nothing that keeps a client from
breaking the rules. The server is built on h2, which therefore is not what judges it."""

import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from hpack import Decoder, Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from liveresize.http.transport.http2_stream import Http2Stream

from . import certificates, servers

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

NO_ERROR = 0x0
PROTOCOL_ERROR = 0x1
INTERNAL_ERROR = 0x2
FLOW_CONTROL_ERROR = 0x3
STREAM_CLOSED = 0x5
FRAME_SIZE_ERROR = 0x6
REFUSED_STREAM = 0x7
CANCEL = 0x8
ENHANCE_YOUR_CALM = 0xB

HEADER_TABLE_SIZE = SettingsFrame.HEADER_TABLE_SIZE
STREAMS = SettingsFrame.MAX_CONCURRENT_STREAMS
INITIAL_WINDOW = SettingsFrame.INITIAL_WINDOW_SIZE
FRAME_SIZE = SettingsFrame.MAX_FRAME_SIZE
HEADER_LIST = SettingsFrame.MAX_HEADER_LIST_SIZE

EVERY_ID = 2**31 - 1

ABORT = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
"""What makes a socket vanish instead of being closed."""

Fields = Iterable[tuple[str | bytes, str | bytes]]


@dataclass(slots=True)
class Answer:
    """What has come on one stream; `reset` is the code it was broken off with."""

    early: list[int] = field(default_factory=list)
    status: int = 0
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    whole: bool = False
    reset: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """By name; repeated ones joined."""
        joined: dict[str, str] = {}
        for name, value in self.fields:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined


class Http2Wire:
    """One connection. Streams have odd numbers, as they are opened.

    `server` is what the server's SETTINGS say. `takes` is whether windows are opened as
    data arrives; `window` and `windows` are what may be sent still, on the connection and
    on each stream. `arrivals` are the numbers and sizes of DATA, in their order.
    """

    def __init__(
        self,
        port: int,
        context: ssl.SSLContext | None = None,
        *,
        settings: Mapping[int, int] | None = None,
        buffer: int = 0,
        source: str = "",
        preface: bytes = PREFACE,
    ) -> None:
        """`buffer` is the size of the receive buffer in bytes, 0 that of the system; `source`
        the address that the connection comes from."""
        self.socket = socket.socket()
        if source:
            self.socket.bind((source, 0))
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(servers.PATIENCE)
        try:
            self.socket.connect(("127.0.0.1", port))
            if context is not None:
                self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
        except BaseException:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server: dict[int, int] = {INITIAL_WINDOW: 65_535}
        self.takes = True
        self.window = 65_535
        self.windows: dict[int, int] = {}
        self.answers: dict[int, Answer] = {}
        self.arrivals: list[tuple[int, int]] = []
        self.goaways: list[GoAwayFrame] = []
        self.pings = self.pongs = 0
        self.acknowledged = 0
        self.gone = False
        self.encoder = Encoder()
        self._decoder = Decoder()
        self._decoder.max_allowed_table_size = (settings or {}).get(HEADER_TABLE_SIZE, 4096)
        self._data = bytearray()
        self._next = 1
        self._blocks: dict[int, bytes] = {}
        if preface:
            self.send(preface + SettingsFrame(0, settings=dict(settings or {})).serialize())

    # Sending

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def frames(self, *frames: Frame) -> None:
        """Send frames as they are."""
        self.pings += sum(isinstance(frame, PingFrame) for frame in frames)
        self.send(b"".join(frame.serialize() for frame in frames))

    def head(
        self, target: str | bytes = "/_live", method: str = "GET", *, end: bool = True, **more: str
    ) -> HeadersFrame:
        """The frame that opens the next stream; `_` in names of headers stands for `-`."""
        named = [(name.replace("_", "-").lower(), value) for name, value in more.items()]
        return self.head_of(
            [
                (":method", method),
                (":scheme", "https"),
                (":authority", "test"),
                (":path", target),
                *named,
            ],
            end=end,
        )

    def head_of(self, fields: Fields, *, end: bool = True) -> HeadersFrame:
        """The same, of exactly these fields; text goes out as Latin-1."""
        number, self._next = self._next, self._next + 2
        self.windows[number] = self.server[INITIAL_WINDOW]
        self.answers[number] = Answer()
        frame = HeadersFrame(number, flags=["END_HEADERS", *(["END_STREAM"] if end else [])])
        frame.data = self.encoder.encode([(_bytes(name), _bytes(value)) for name, value in fields])
        return frame

    def open(self, target: str, method: str = "GET", *, end: bool = True, **more: str) -> int:
        """Send the head of a request; returns the number of its stream."""
        frame = self.head(target, method, end=end, **more)
        self.frames(frame)
        return frame.stream_id

    def ask(self, target: str, method: str = "GET", body: bytes = b"", **more: str) -> Answer:
        """Send a request, wait for its answer."""
        if not body:
            return self.answer(self.open(target, method, end=True, **more))
        number = self.open(target, method, end=False, content_length=str(len(body)), **more)
        self.body(number, body)
        return self.answer(number)

    def body(self, number: int, data: bytes, *, end: bool = True) -> None:
        """Send data as fast as windows allow, until the answer comes or all is sent."""
        view = memoryview(data)
        answer = self.answers[number]
        while view and answer.reset is None and not answer.whole:
            size = min(len(view), 16_384, self.windows[number], self.window)
            if size <= 0:
                self.read()
                continue
            last = end and size == len(view)
            self.data(number, bytes(view[:size]), end=last)
            view = view[size:]

    def data(self, number: int, data: bytes, *, end: bool = False, padding: int = 0) -> None:
        """Send one frame of DATA, whatever the windows."""
        frame = DataFrame(number, data, pad_length=padding)
        if padding:
            frame.flags.add("PADDED")
        if end:
            frame.flags.add("END_STREAM")
        self.window -= frame.flow_controlled_length
        self.windows[number] -= frame.flow_controlled_length
        self.frames(frame)

    def more(self, number: int, size: int) -> None:
        """Open a window for the server: of the connection, 0, or of a stream."""
        self.frames(WindowUpdateFrame(number, window_increment=size))

    def reset(self, number: int, code: int = CANCEL) -> None:
        """Break a stream off."""
        self.frames(RstStreamFrame(number, error_code=code))

    # Reading

    def answer(self, number: int) -> Answer:
        """The answer on a stream: whole, or broken off. Raises EOFError."""
        answer = self.answers[number]
        while not answer.whole and answer.reset is None:
            self.read()
        return answer

    def status(self, number: int) -> int:
        """The status of an answer, as soon as that is here. Raises EOFError."""
        while not self.answers[number].status:
            self.read()
        return self.answers[number].status

    def until(self, condition: Callable[[], object]) -> None:
        """Read until `condition` is true. Raises EOFError."""
        while not condition():
            self.read()

    def rest(self) -> int | None:
        """Read until the server closes; the code of its last GOAWAY."""
        try:
            while True:
                self.read()
        except (EOFError, ConnectionError):
            return self.goaways[-1].error_code if self.goaways else None

    def settled(self) -> None:
        """Return when all that was sent so far has been read, and answered where it is at once."""
        self.frames(PingFrame(0, opaque_data=b"settled?"))
        self.until(lambda: self.pongs == self.pings)

    def read(self) -> None:
        """Take what has arrived. Raises EOFError where nothing will."""
        data = self.socket.recv(65_536)
        if not data:
            self.gone = True
            raise EOFError
        self._data += data
        while len(self._data) >= 9:
            frame, size = Frame.parse_frame_header(memoryview(bytes(self._data[:9])))
            if len(self._data) < 9 + size:
                return
            frame.parse_body(memoryview(bytes(self._data[9 : 9 + size])))
            del self._data[: 9 + size]
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        if isinstance(frame, HeadersFrame | ContinuationFrame):
            self._take_head(frame)
        elif isinstance(frame, DataFrame):
            self._take_data(frame)
        elif isinstance(frame, RstStreamFrame):
            if self.answers[frame.stream_id].reset is None:  # what was on its way makes more
                self.answers[frame.stream_id].reset = frame.error_code
        elif isinstance(frame, WindowUpdateFrame):
            if frame.stream_id:
                self.windows[frame.stream_id] += frame.window_increment
            else:
                self.window += frame.window_increment
        elif isinstance(frame, SettingsFrame):
            self._take_settings(frame)
        elif isinstance(frame, GoAwayFrame):
            self.goaways.append(frame)
        elif isinstance(frame, PingFrame):
            assert "ACK" in frame.flags
            self.pongs += 1

    def _take_head(self, frame: HeadersFrame | ContinuationFrame) -> None:
        number = frame.stream_id
        answer = self.answers[number]
        if "END_STREAM" in frame.flags:
            answer.whole = True
        self._blocks[number] = self._blocks.get(number, b"") + frame.data
        if "END_HEADERS" not in frame.flags:
            return
        decoded = self._decoder.decode(self._blocks.pop(number), raw=True)
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in decoded]
        (_, status), *rest = fields
        if status.startswith("1"):
            answer.early.append(int(status))
        else:
            answer.status, answer.fields = int(status), rest

    def _take_data(self, frame: DataFrame) -> None:
        answer, size = self.answers[frame.stream_id], frame.flow_controlled_length
        answer.body += frame.data
        answer.whole = "END_STREAM" in frame.flags
        self.arrivals.append((frame.stream_id, len(frame.data)))
        if self.takes and size:
            self.more(0, size)
            if not answer.whole:
                self.more(frame.stream_id, size)

    def _take_settings(self, frame: SettingsFrame) -> None:
        if "ACK" in frame.flags:
            self.acknowledged += 1
            return
        before = self.server[INITIAL_WINDOW]
        self.server.update(frame.settings)
        for number in self.windows:
            self.windows[number] += self.server[INITIAL_WINDOW] - before
        self.frames(SettingsFrame(0, flags=["ACK"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()


def _bytes(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


def speaking(certificate: Path | str, *protocols: str) -> ssl.SSLContext:
    """What a client speaks that offers these protocols, HTTP/2 alone unless told."""
    context = certificates.trusting(Path(certificate))
    context.set_alpn_protocols(list(protocols or ("h2",)))
    return context


async def _exchanges(running: servers.Running) -> list[Http2Stream]:
    speaking = [each for each in running.server._http._speaking.values() if each is not None]
    return [exchange for each in speaking for exchange in each._streams.values()]


def exchanges(running: servers.Running) -> list[Http2Stream]:
    """What is under way over HTTP/2 on a server in this process."""
    return running.call(_exchanges(running))
