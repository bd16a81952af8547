"""What HTTP/2 is read and written with, and how much of it one peer may make us do.

Most attacks on HTTP/2 are made of frames that are allowed and cost their sender nothing:
requests cancelled as soon as they are sent (CVE-2023-44487), pings and settings to be
acknowledged, windows opened byte by byte (CVE-2019-9511), empty frames. One budget
answers all of them: it shrinks with every frame that carries nothing, and grows with time
and with data that the peer takes.
"""

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import Event
from h2.exceptions import DenialOfServiceError
from h2.settings import SettingCodes, Settings
from hpack import Encoder
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from liveresize.http.transport.frame_budget import FrameBudget

_NO_RFC7540_PRIORITIES = 0x9
"""RFC 9218: the `Priority` header counts, and frames of PRIORITY do not."""

PRIORITY_UPDATE = 0x10
"""The frame of RFC 9218 with which a client changes its mind."""

_SMALL = 256
"""Bytes of data below which a frame that we get is more frame than data."""

_WORTH = 1024
"""Bytes of data from which on a frame that we send is worth windows being opened for it."""

_TABLE = 4096
"""Bytes of headers that are remembered for a peer, however many it would have us keep."""

_CLOSED = 1000
"""Streams of which a connection remembers how they ended."""

STREAMS = 100
"""The most requests of one connection at once."""

_STREAM_WINDOW = 256 << 10
_CONNECTION_WINDOW = 1 << 20
"""Bytes of one request's body, and of all of a connection, that may be under way."""

_COSTS: dict[type[Frame], int] = {
    HeadersFrame: 0,  # a request, which `limits` bound like any other
    RstStreamFrame: 5,
    SettingsFrame: 5,
}
_COST = 1


class Protocol(H2Connection):
    """The server's side of a connection, by h2, which checks and keeps all states.

    `receive_data` also raises DenialOfServiceError for a peer that spends its budget;
    what h2 raises is in GOAWAY by then. Once the peer has said GOAWAY, `peer_leaves` is
    set, and requests that are under way go on.
    """

    MAX_CLOSED_STREAMS = _CLOSED

    def __init__(self, header_bytes: int, budget: FrameBudget) -> None:
        """`header_bytes` is the largest head of a request."""
        super().__init__(
            H2Configuration(
                client_side=False,
                header_encoding=False,
                validate_outbound_headers=False,  # `Http2Stream` writes none that are wrong
                normalize_outbound_headers=False,
            )
        )
        self.budget = budget
        self.peer_leaves = False
        self._most_encoded = 2 * header_bytes
        self.encoder = _Encoder()
        # Above `header_bytes` a request is refused; what is far above is not even unpacked.
        self.decoder.max_header_list_size = self._most_encoded
        self.local_settings = _Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS,
                SettingCodes.MAX_HEADER_LIST_SIZE: header_bytes,
                SettingCodes.INITIAL_WINDOW_SIZE: _STREAM_WINDOW,
            },
        )
        self.local_settings.update({_NO_RFC7540_PRIORITIES: 1})
        self.local_settings.acknowledge()
        self.initiate_connection()
        self.increment_flow_control_window(_CONNECTION_WINDOW - (64 << 10) + 1)

    def _receive_frame(self, frame: Frame) -> list[Event]:
        """See H2Connection: what a frame does. First its price is paid."""
        self.budget.charge(self._price(frame))
        if isinstance(frame, HeadersFrame) and len(frame.data) > self._most_encoded:
            # HPACK has instructions that are no headers, and would count none of them.
            raise DenialOfServiceError("More bytes of headers than they may unpack to.")
        if isinstance(frame, GoAwayFrame):
            # h2 would let nothing more be sent, and clients say it while they wait.
            self.peer_leaves = True
            return []
        events = super()._receive_frame(frame)
        if isinstance(frame, SettingsFrame) and self.encoder.header_table_size > _TABLE:
            self.encoder.header_table_size = _TABLE
        return events

    def _price(self, frame: Frame) -> int:
        if isinstance(frame, DataFrame):
            stream = self.streams.get(frame.stream_id)
            if stream is None or stream.closed:
                return _COST  # h2 resets the stream again
            return 0 if len(frame.data) >= _SMALL or "END_STREAM" in frame.flags else _COST
        if isinstance(frame, WindowUpdateFrame):
            return _COST
        return _COSTS.get(type(frame), _COST)

    def stream_window(self, number: int) -> int:
        """Bytes that a stream's own window has room for, whatever that of the connection; none
        where the peer has ended the stream."""
        stream = self.streams.get(number)
        return 0 if stream is None else stream.outbound_flow_control_window

    @property
    def offered_window(self) -> int:
        """Bytes that the peer gives each stream to begin with."""
        return self.remote_settings.initial_window_size

    def sent(self, size: int) -> None:
        """Data of `size` bytes went out, which the peer may answer with opening its windows."""
        if size >= _WORTH:
            self.budget.credit(2)


class _Settings(Settings):
    """Ours. h2 ends a connection over one stream too many, which may have been on its way
    before its sender knew how many there may be; so h2 counts to twice as many."""

    @property  # type: ignore[misc]  # nobody sets it
    def max_concurrent_streams(self) -> int:
        """What h2 enforces."""
        return 2 * self[SettingCodes.MAX_CONCURRENT_STREAMS]


class _Encoder(Encoder):
    """Does without Huffman's code: a sixth fewer bytes of headers take twice the time."""

    def encode(self, headers: object, huffman: bool = False) -> bytes:
        return super().encode(headers, huffman=False)  # type: ignore[arg-type]
