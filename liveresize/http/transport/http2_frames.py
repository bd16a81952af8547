"""The HTTP/2 protocol, and the limits of the work that a peer can cause.

Most attacks on HTTP/2 are made of frames that are allowed and cost their sender nothing:
requests cancelled as soon as they are sent (CVE-2023-44487), pings and settings to be
acknowledged, windows opened byte by byte (CVE-2019-9511), empty frames. One budget
limits all of them: it shrinks with every frame without data, and grows with time and with data
that the peer reads.
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
"""RFC 9218: `Priority` headers are used, and PRIORITY frames are not."""

PRIORITY_UPDATE = 0x10
"""The frame of RFC 9218 that changes the priority of a stream."""

_SMALL = 256
"""Bytes below which a received data frame has a cost."""

_WORTH = 1024
"""Bytes from which a sent data frame pays for the window updates of the peer."""

_TABLE = 4096
"""The size of the HPACK table, even if the peer allows more."""

_CLOSED = 1000
"""Closed streams that a connection remembers."""

STREAMS = 100
"""The largest number of concurrent requests of one connection."""

_STREAM_WINDOW = 256 << 10
_CONNECTION_WINDOW = 1 << 20
"""The windows of one stream and of the connection, in bytes."""

_COSTS: dict[type[Frame], int] = {
    HeadersFrame: 0,  # a request, which `limits` bound like any other
    RstStreamFrame: 5,
    SettingsFrame: 5,
}
_COST = 1


class Protocol(H2Connection):
    """The server side of a connection: the state machine of h2, with a budget.

    `receive_data` also raises DenialOfServiceError if the peer exceeds its budget; h2 has
    prepared a GOAWAY with the error by then. `peer_leaves` is set by a GOAWAY of the peer;
    requests in progress go on.
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
        """Charge the budget for a frame, and process it; see H2Connection."""
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
        """Return the window of a stream in bytes, apart from that of the connection; 0 if the peer
        has closed the stream."""
        stream = self.streams.get(number)
        return 0 if stream is None else stream.outbound_flow_control_window

    @property
    def offered_window(self) -> int:
        """The initial window of a stream in bytes, as set by the peer."""
        return self.remote_settings.initial_window_size

    def sent(self, size: int) -> None:
        """Credit the budget for `size` bytes sent: the peer may send window updates for them."""
        if size >= _WORTH:
            self.budget.credit(2)


class _Settings(Settings):
    """Our settings. h2 closes a connection with one stream too many, which the peer may have sent
    before it received our settings; so the limit of h2 is twice as high."""

    @property  # type: ignore[misc]  # nobody sets it
    def max_concurrent_streams(self) -> int:
        """The limit that h2 enforces."""
        return 2 * self[SettingCodes.MAX_CONCURRENT_STREAMS]


class _Encoder(Encoder):
    """An encoder without Huffman coding, which saves a sixth of the bytes in twice the time."""

    def encode(self, headers: object, huffman: bool = False) -> bytes:
        return super().encode(headers, huffman=False)  # type: ignore[arg-type]
