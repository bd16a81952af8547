"""Chunked bodies (RFC 9112 §7.1) with extensions and trailers, which Tornado refuses.

Both are checked and dropped. Everything else is as strict as in Tornado: a proxy in front must
see the end of a request at the same byte, or it would let a second one pass unseen.
"""

import asyncio
import re

from tornado.http1connection import HTTP1Connection, _ExceptionLoggingContext
from tornado.httputil import HTTPInputError, HTTPMessageDelegate
from tornado.log import app_log

from liveresize.http.transport.connections import WatchedStream

_READ = 16 << 10
"""Bytes read at a time; chunks of one byte in it take a few ms."""

LINE = 1 << 10
"""The largest size of a line, in bytes: the size of a chunk with its extensions, or a trailer."""

EXTRA = 16 << 10
"""The largest size of all extensions and trailers of a body, in bytes."""

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*+"'

_SIZE = re.compile(
    rb"([0-9A-Fa-f]{1,16})((?:[ \t]*+;[ \t]*+%b(?:[ \t]*+=[ \t]*+(?:%b|%b))?)*)\r\n"
    % (_TOKEN, _TOKEN, _QUOTED)
)
_END = re.compile(rb"\r\n")
"""The end of a chunk."""

_TRAILER = re.compile(rb"(?:%b:[\t -~\x80-\xff]*+)?\r\n" % _TOKEN)
"""A trailer, or the empty line behind the last one."""


class ChunkedBody:
    """Decodes one body."""

    def __init__(self, most: int) -> None:
        """`most` is the largest size of the body, in bytes."""
        self.is_whole = False
        self.rest = b""
        """Bytes that are not decoded yet; once the body is whole, those behind it."""
        self._most = most
        self._size = 0
        self._extra = 0
        self._left = 0
        self._expected = _SIZE

    def decode(self, data: bytes) -> bytes:
        """Return the part of the body in `data`, which follows what was decoded before.

        Raises HTTPInputError.
        """
        data = self.rest + data
        parts = []
        at = 0
        while not self.is_whole:
            if self._left:
                part = data[at : at + self._left]
                parts.append(part)
                at += len(part)
                self._left -= len(part)
                if self._left:
                    break
            end = data.find(b"\n", at, at + LINE) + 1
            if not end:
                begun = data[at:]
                if len(begun) >= LINE or (self._expected is _END and begun not in (b"", b"\r")):
                    raise HTTPInputError("Malformed or too long line in a chunked body")
                break
            self._read_line(data[at:end])
            at = end
        self.rest = data[at:]
        return b"".join(parts)

    def _read_line(self, line: bytes) -> None:
        match = self._expected.fullmatch(line)
        if match is None:
            raise HTTPInputError("Malformed chunked body")
        if self._expected is _END:
            self._expected = _SIZE
        elif self._expected is _TRAILER:
            self._extra += len(line)
            self.is_whole = line == b"\r\n"
        else:
            self._left = int(match[1], 16)
            self._size += self._left
            self._extra += len(match[2])
            self._expected = _END if self._left else _TRAILER
        if self._size > self._most or self._extra > EXTRA:
            raise HTTPInputError("Chunked body, extensions or trailers too large")


class Http1Connection(HTTP1Connection):
    """Tornado's connection with our reading of chunked bodies."""

    async def _read_chunked_body(self, delegate: HTTPMessageDelegate) -> None:
        """Pass a body to `delegate`. Raises HTTPInputError, which Tornado answers with 400."""
        stream = self.stream
        assert isinstance(stream, WatchedStream)
        body = ChunkedBody(self._max_body_size)
        try:
            while not body.is_whole:
                data = body.decode(await stream.read_bytes(_READ, partial=True))
                if data and not self._write_finished:
                    with _ExceptionLoggingContext(app_log):
                        passed_on = delegate.data_received(data)
                        if passed_on is not None:
                            await passed_on
                await asyncio.sleep(0)  # a fast client does not hold up others
        except HTTPInputError:
            stream.lingers = True
            raise
        stream.unread(body.rest)
