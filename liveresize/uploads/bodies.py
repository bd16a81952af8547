"""The bytes of an upload on their way to a file."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, ParamSpec

from liveresize import errors
from liveresize.core import byte_limit
from liveresize.observe.metrics import requests

P = ParamSpec("P")

_BATCH = 256 << 10
"""Bytes gathered before a thread is asked to write and hash them."""


@dataclass(slots=True)
class Body:
    """The bytes of an upload: hashed as they pass, written where there is a file.

    `limit` is what allows `max_bytes`, for an error.
    """

    max_bytes: int
    file: BinaryIO | None = None
    limit: str = byte_limit.UPLOADS
    size: int = 0
    _pending: list[bytes] = field(default_factory=list)
    _gathered: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def expect(self, size: int) -> None:
        """Raise UploadTooLarge if the image will be too long."""
        if size > self.max_bytes:
            raise byte_limit.exceeded("The image", self.max_bytes, self.limit, size)

    async def write(self, chunk: bytes) -> None:
        """Take part of the image. Raises UploadTooLarge and DiskFull."""
        self.size += len(chunk)
        requests.received(len(chunk))
        if self.size > self.max_bytes:
            raise byte_limit.exceeded("The image", self.max_bytes, self.limit)
        self._pending.append(chunk)
        self._gathered += len(chunk)
        if self._gathered >= _BATCH:
            await self.flush()

    async def flush(self) -> None:
        """Write and hash what was gathered, in a thread."""
        pending, self._pending, self._gathered = self._pending, [], 0
        await _written(self._flush, b"".join(pending))

    def _flush(self, data: bytes) -> None:
        if self.file is not None:
            self.file.write(data)
        self._hash.update(data)

    async def close(self) -> str:
        """Write what is left; returns the SHA-256 in hex. Raises DiskFull."""
        await self.flush()
        if self.file is not None:
            await _written(self.file.close)
        return self._hash.hexdigest()


async def _written(write: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Do `write` in a thread. Raises DiskFull."""
    try:
        await asyncio.to_thread(write, *args, **kwargs)
    except OSError as error:
        raise errors.DiskFull("", f"writing an upload: {error}") from error
