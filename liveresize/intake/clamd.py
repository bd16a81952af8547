"""ClamAV: the body of an upload goes to clamd, which looks for malware in it.

The protocol is INSTREAM of clamd(8): chunks with their length, an empty one at the end, and one
line as the answer. Above its own limit (`StreamMaxLength`) clamd answers with an error, and has
not looked at the rest: that is a failure, and not a clean file.
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from pathlib import Path

from liveresize.core import numbers
from liveresize.intake.hook import HookFailed, Upload

_CHUNK = 64 << 10
"""Bytes that are sent at a time."""

_LONGEST = 4096
"""Bytes of an answer; the longest has the name of a signature."""

_END = b"\0"
"""Ends commands that begin with `z`, and their answers."""

_CLEAN = "stream: OK"
_PREFIX, _FOUND = "stream: ", " FOUND"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Clamd:
    """One clamd at `address`: the path of its socket, or host:port. It has `timeout` seconds."""

    name = "clamd"

    def __init__(self, address: str, *, timeout: float) -> None:
        self._address = address
        self._timeout = timeout

    async def check(self, upload: Upload) -> str:
        """Return the name of the signature that was found; empty for none. Raises HookFailed."""
        answer = await self._asked(b"zINSTREAM\0", upload.body)
        if answer == _CLEAN:
            return ""
        if answer.startswith(_PREFIX) and answer.endswith(_FOUND):
            return answer.removeprefix(_PREFIX).removesuffix(_FOUND) or "unnamed"
        raise HookFailed(f"it answers {answer!r}" if answer else "it hung up")

    async def ping(self) -> None:
        """Return if clamd answers. Raises HookFailed."""
        answer = await self._asked(b"zPING\0")
        if answer != "PONG":
            raise HookFailed(f"it answers {answer!r}" if answer else "it hung up")

    async def close(self) -> None:
        """Do nothing: each upload has a connection of its own."""

    async def _asked(self, command: bytes, body: Path | None = None) -> str:
        """Return the answer to a command, with a file behind it. Raises HookFailed."""
        try:
            async with asyncio.timeout(self._timeout), self._connected() as (reader, writer):
                # clamd may answer and hang up before it has taken all.
                answer = asyncio.ensure_future(_answer(reader))
                try:
                    with contextlib.suppress(ConnectionError):
                        writer.write(command)
                        if body is not None:
                            await _send(body, writer)
                        await writer.drain()
                    return await answer
                finally:
                    answer.cancel()
        except TimeoutError:
            raise HookFailed("no answer in time") from None
        except OSError as error:
            raise HookFailed(f"{type(error).__name__}: {error}") from error

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        if self._address.startswith("/"):
            reader, writer = await asyncio.open_unix_connection(self._address)
        else:
            host, _, port = self._address.rpartition(":")
            reader, writer = await asyncio.open_connection(host.strip("[]"), numbers.digits(port))
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def _send(path: Path, writer: asyncio.StreamWriter) -> None:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            writer.write(struct.pack("!I", len(chunk)) + chunk)
            await writer.drain()
    writer.write(struct.pack("!I", 0))


async def _answer(reader: asyncio.StreamReader) -> str:
    """Return the answer, up to its end, or to the end of the connection."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while _END not in answer and len(answer) < _LONGEST:
            more = await reader.read(_LONGEST)
            if not more:
                break
            answer += more
    return answer.partition(_END)[0].decode("utf-8", "replace").strip()
