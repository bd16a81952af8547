"""HTTP/2 (RFC 9113) with Tornado's interfaces, so that the handlers of HTTP/1 serve it unchanged.

A connection reads frames and passes each request to the `HTTPServerConnectionDelegate` of HTTP/1,
with an `Http2Stream` as its connection. Responses wait in their stream until the peer's windows
and the socket have room, the most urgent first (RFC 9218). Request bodies are limited by our
windows, which are opened as handlers read.
"""

import asyncio
import contextlib
import heapq
import time

import structlog
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
    UnknownFrameReceived,
)
from h2.exceptions import ProtocolError
from hyperframe.frame import ExtensionFrame, GoAwayFrame
from tornado import httputil
from tornado.iostream import StreamClosedError

from liveresize.http.transport.connections import WatchedStream
from liveresize.http.transport.frame_budget import FrameBudget
from liveresize.http.transport.http2_frames import PRIORITY_UPDATE, STREAMS, Protocol
from liveresize.http.transport.http2_stream import Http2Stream
from liveresize.settings.server import Limits

_log = structlog.get_logger("liveresize.http2")

_READ = 64 << 10
"""Bytes read at a time."""

_FRAME = 16 << 10
"""Bytes of a response in one frame; after it a more urgent response may be next."""

_LEAST = 4 << 10
"""Bytes below which a frame waits for its window to open further."""

_BURST = 128 << 10
"""Bytes of responses in one write; no more are framed before it is complete."""

_WRITES = 4
"""Consecutive writes to a fast peer before other connections are served."""

_GRACE = 1.0
"""Seconds in which a peer may still send requests after the first GOAWAY."""

_STALL_COST = 200
"""The cost of a response that the peer did not read: ten of them end the connection."""

_REFUSAL_COST = 5
"""The cost of a request above the limit of streams."""

_MAX_BODY = 64 << 10
"""The default limit of a body, in bytes; handlers can change it."""

_EVERY_ID = 2**31 - 1


class Http2Connection:
    """One HTTP/2 connection."""

    def __init__(
        self,
        stream: WatchedStream,
        context: object,
        delegate: httputil.HTTPServerConnectionDelegate,
        limits: Limits,
        budget: FrameBudget,
    ) -> None:
        """`context` has the `remote_ip` and the `protocol` of the client, as in HTTP/1."""
        self.context = context
        self._limits = limits
        self.unsent = stream.unsent
        self._transport = stream
        self._delegate = delegate
        self._budget = budget
        self._protocol = Protocol(limits.header_bytes, budget)
        self._streams: dict[int, Http2Stream] = {}
        self._out = bytearray()
        self._written: asyncio.Future[None] | None = None
        self._flush_due = False
        self._turn = 0
        self._took_at = 0.0
        self._sends_rest = False
        self._leaving = False
        self._has_announced = False
        self._refuses_new = False
        self._over = False
        self._tick: asyncio.TimerHandle | None = None

    async def serve(self) -> None:
        """Serve requests until the connection ends."""
        self._tick = asyncio.get_running_loop().call_later(self._interval, self._look_round)
        try:
            self._flush()
            while not self._over:
                self._receive(await self._transport.read_bytes(_READ, partial=True))
        except StreamClosedError:
            pass
        finally:
            if not self._over:
                self._over = True
                self._transport.close()
            self._tick.cancel()
            for stream in tuple(self._streams.values()):
                stream.broken()
            self._streams.clear()

    def leave(self) -> None:
        """Tell the peer to send no more requests, and close after those in progress."""
        if not self._leaving and not self._over:
            self._leaving = True
            if self._protocol.highest_inbound_stream_id:
                self._has_announced = True
                self._go_away(_EVERY_ID)
                asyncio.get_running_loop().call_later(_GRACE, self._part)

    # What arrives

    def _receive(self, data: bytes) -> None:
        try:
            events = self._protocol.receive_data(data)
        except ProtocolError as error:
            self._give_up(error)
            return
        for event in events:
            self._handle(event)
        if self._leaving and not self._has_announced and self._protocol.highest_inbound_stream_id:
            self._part()  # who connected while we leave has its request by now
        self._flush()

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._open(event)
        elif isinstance(event, DataReceived):
            stream = self._streams.get(event.stream_id)
            if stream is None:
                self.took(event.stream_id, event.flow_controlled_length)
            else:
                stream.arrived(event.data, event.flow_controlled_length)
        elif isinstance(event, StreamEnded):
            if (stream := self._streams.get(event.stream_id)) is not None:
                stream.ended()
        elif isinstance(event, StreamReset):
            if not event.remote_reset:
                self._budget.take_off(_REFUSAL_COST)  # the peer had h2 do it
            if (stream := self._streams.get(event.stream_id)) is not None:
                self._forget(stream)
                stream.broken()
        elif isinstance(event, UnknownFrameReceived):
            self._maybe_reprioritise(event)

    def _open(self, event: RequestReceived) -> None:
        """Begin a stream, unless there are too many or we are leaving."""
        number = event.stream_id
        if self._refuses_new or len(self._streams) >= STREAMS:
            self._budget.take_off(_REFUSAL_COST)
            self._break_off(number, ErrorCodes.REFUSED_STREAM)
            return
        stream = Http2Stream(self, number, _MAX_BODY, self._limits.body_grace)
        self._streams[number] = stream
        self._transport.idle_since = None
        stream.begin(self._delegate.start_request(self, stream), event)

    def _maybe_reprioritise(self, event: UnknownFrameReceived) -> None:
        frame = event.frame
        assert isinstance(frame, ExtensionFrame)
        if frame.type == PRIORITY_UPDATE and len(frame.body) > 4:
            number = int.from_bytes(frame.body[:4]) & _EVERY_ID
            if (stream := self._streams.get(number)) is not None:
                stream.prioritise(bytes(frame.body[4:]).decode("latin-1"))

    def _give_up(self, error: ProtocolError) -> None:
        """Log a protocol error of the peer, and close after sending what h2 responds."""
        peer = getattr(self.context, "remote_ip", "")
        _log.info(
            "connection_refused",
            reason=str(error)[:200],
            error=ErrorCodes(error.error_code).name,
            **{"client.ip": peer},
        )
        self._end()

    # What streams ask for

    @property
    def client(self) -> str:
        """The key of the client of this connection for limits."""
        return self._transport.client

    @property
    def header_bytes(self) -> int:
        """The largest size of the headers of a request, in bytes."""
        return self._limits.header_bytes

    def moved_at(self, stream: Http2Stream) -> float:
        """Return when the client last read some of the response, or of those before it, if the
        response only waits for its turn."""
        if self._protocol.stream_window(stream.number) > 0:
            return max(stream.moved_at, self._took_at)
        return stream.moved_at

    def took(self, number: int, size: int) -> None:
        """Open the windows by `size` bytes of a body, which have been read."""
        if size and not self._over:
            self._protocol.acknowledge_received_data(size, number)
            self.flush_soon()

    def send_continue(self, number: int) -> None:
        """Send `100 Continue`."""
        if not self._over:
            self._protocol.send_headers(number, [(b":status", b"100")])
            self.flush_soon()

    def reset(self, stream: Http2Stream, code: ErrorCodes) -> None:
        """Reset a stream."""
        if self._streams.get(stream.number) is stream:
            self._break_off(stream.number, code)
            self._forget(stream)
            stream.broken()
            self.flush_soon()

    def _break_off(self, number: int, code: ErrorCodes) -> None:
        with contextlib.suppress(ProtocolError):  # the peer has done so already
            self._protocol.reset_stream(number, code)

    def flush_soon(self) -> None:
        """Send at the end of this iteration of the event loop, with everything ready by then."""
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    # What is sent

    def _send_rest(self) -> None:
        """Use windows to their last byte: the peer may open them only then."""
        self._sends_rest = True
        self._flush()
        self._sends_rest = False

    def _flush(self) -> None:
        self._flush_due = False
        if self._written is not None:
            return
        for _ in range(_WRITES):
            if not self._over:
                self._frame_answers()
            self._out += self._protocol.data_to_send()
            if not self._out or self._transport.closed():
                break
            data, self._out = bytes(self._out), bytearray()
            written = self._transport.write(data)
            if not written.done():
                self._written = written
                written.add_done_callback(self._wrote)
                return
        else:
            self.flush_soon()
        if self._refuses_new and not self._streams and not self._out:
            self._end()

    def _wrote(self, written: "asyncio.Future[None]") -> None:
        self._written = None
        if written.cancelled() or written.exception() is None:
            self._flush()

    def _frame_answers(self) -> None:
        """Frame as much as the windows allow, the most urgent responses first; of equal urgency
        one after the other, or in turns if they are incremental."""
        waiting = [stream for stream in self._streams.values() if stream.has_news]
        for stream in waiting:
            self._frame_head(stream)
        queue = [(each.urgency, each.turn, each.number) for each in waiting if each.queued]
        heapq.heapify(queue)
        room = _BURST
        while queue and room > 0:
            stream = self._streams[heapq.heappop(queue)[2]]
            size = self._frame_data(stream)
            room -= size
            if size and stream.queued:
                if stream.incremental:
                    self._turn += 1
                    stream.turn = self._turn
                heapq.heappush(queue, (stream.urgency, stream.turn, stream.number))

    def _frame_head(self, stream: Http2Stream) -> None:
        head = stream.take_head()
        last = stream.is_finished and not stream.queued
        if head is not None:
            self._protocol.send_headers(stream.number, head, end_stream=last)
        elif last:
            self._protocol.end_stream(stream.number)
        if last:
            self._conclude(stream)

    def _frame_data(self, stream: Http2Stream) -> int:
        """Frame some of a response; return its bytes, 0 if a window is closed."""
        window = self._protocol.local_flow_control_window(stream.number)
        size = min(window, self._protocol.max_outbound_frame_size, _FRAME)
        if size <= 0 or (size < self._least(stream) and not self._sends_rest):
            return 0
        data = stream.take(size)
        last = stream.is_finished and not stream.queued
        self._protocol.send_data(stream.number, data, end_stream=last)
        self._protocol.sent(len(data))
        self._took_at = time.monotonic()
        if last:
            self._conclude(stream)
        return len(data)

    def _least(self, stream: Http2Stream) -> int:
        """Return the bytes below which a frame of this response is not sent yet.

        A peer that opens windows by the size of each frame would otherwise get smaller and
        smaller frames (the silly window syndrome, RFC 1122 §4.2.3.4), and use up its budget.
        """
        return min(_LEAST, stream.queued, self._protocol.offered_window)

    def _conclude(self, stream: Http2Stream) -> None:
        """End a stream after its response; the rest of the request is refused."""
        if not stream.is_whole:
            self._break_off(stream.number, ErrorCodes.NO_ERROR)
        self._forget(stream)
        stream.sent()

    def _forget(self, stream: Http2Stream) -> None:
        del self._streams[stream.number]
        if not self._streams:
            self._transport.idle_since = time.monotonic()

    # The end

    @property
    def _interval(self) -> float:
        return min(1.0, self._limits.header_timeout / 4, self._limits.write_stall / 4)

    def _look_round(self) -> None:
        """Reset stalled streams, and close an idle connection."""
        if self._over:
            return
        self._tick = asyncio.get_running_loop().call_later(self._interval, self._look_round)
        now = time.monotonic()
        for stream in tuple(self._streams.values()):
            if stream.queued and now - self.moved_at(stream) > self._limits.write_stall:
                self.reset(stream, ErrorCodes.CANCEL)
                # Not its client's: whoever is cut off from the net for a while stalls, too.
                self._budget.take_off(_STALL_COST, alone=True)
        idle_since = self._transport.idle_since
        if idle_since is not None and now - idle_since > self._limits.header_timeout:
            self._go_away(self._protocol.highest_inbound_stream_id)
            self._end()
        elif self._protocol.peer_leaves:
            self._part()
        self._send_rest()

    def _part(self) -> None:
        """Refuse further requests, which the peer may send to another connection."""
        if not self._refuses_new and not self._over:
            self._refuses_new = True
            self._go_away(self._protocol.highest_inbound_stream_id)
            self._flush()

    def _go_away(self, last: int) -> None:
        # Not by h2, for which a connection is at its end with that.
        self._out += self._protocol.data_to_send()
        self._out += GoAwayFrame(0, last_stream_id=last).serialize()
        self.flush_soon()

    def _end(self) -> None:
        """Send everything that is framed, and close; bytes of the peer are dropped."""
        if self._over:
            return
        self._over = True
        self._out += self._protocol.data_to_send()
        if self._out and not self._transport.closed():
            self._transport.write(bytes(self._out)).add_done_callback(self._close)
            self._out.clear()
        else:
            self._close()

    def _close(self, written: "asyncio.Future[None] | None" = None) -> None:
        if written is not None and not written.cancelled():
            written.exception()
        self._transport.lingers = True
        self._transport.close()
