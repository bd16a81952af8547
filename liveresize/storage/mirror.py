"""The mirror of originals: a second copy of each, in a bucket.

The key of an original is `<prefix><name>/<generation>`.
"""

import asyncio
import contextlib
import hashlib
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

import structlog

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import GENERATION, Original
from liveresize.storage import files
from liveresize.storage.breaker import Breaker
from liveresize.storage.object_body import Body
from liveresize.storage.objects import Facts, Objects

_log = structlog.get_logger("liveresize.mirror")


class S3Mirror:
    """ports.Mirror on a bucket. `objects` must be started first and closed last.

    Every key begins with `prefix`; `read_budget` is seconds for the first byte of an object.
    """

    def __init__(
        self, objects: Objects, *, bucket: str, prefix: str = "", read_budget: float = 5.0
    ) -> None:
        self._objects = objects
        self._bucket_name = bucket
        self._prefix = prefix
        self._read_budget = read_budget
        self._breaker = Breaker(errors.ObjectStoreUnavailable)

    @property
    def healthy(self) -> bool:
        """Whether the circuit breaker of the bucket is closed."""
        return self._breaker.healthy

    def takes(self, image: ImageId) -> bool:
        """Return True: the mirror is for every namespace."""
        return True

    def key(self, original: Original) -> str:
        """The key of an original."""
        return f"{self._prefix}{original.image.key}/{original.generation}"

    async def put(self, path: Path, original: Original) -> None:
        """Copy the original at `path` to the bucket.

        Raises ObjectStoreUnavailable, and OriginalMissing if the file is missing or incomplete.
        """
        bucket = self._bucket(original.image)
        try:
            with self._asking(bucket):
                await self._objects.put_file(
                    bucket,
                    self.key(original),
                    path,
                    size=original.bytes,
                    sha256=original.sha256,
                    mime=original.mime,
                    metadata={"sha256": original.sha256},
                )
        except OSError as error:
            raise errors.OriginalMissing("", f"cannot be mirrored: {error}") from error

    async def fetch(self, original: Original, target: Path) -> bool:
        """Write the original to `target`, durably; return False if it is missing or damaged.

        An incomplete file is not left at `target`. Raises ObjectStoreUnavailable and DiskFull.
        """
        bucket = self._bucket(original.image)
        with self._looking(bucket):
            body = await self._objects.open(bucket, self.key(original), budget=self._read_budget)
            if body is None:
                return False
            size, sha256 = await write(body, target)
        intact = (size, sha256) == (original.bytes, original.sha256)
        if not intact:
            _log.error("mirror_damaged", image_id=original.image.key, bytes=size, sha256=sha256)
            await asyncio.to_thread(target.unlink, missing_ok=True)
        return intact

    async def remove(self, original: Original) -> None:
        """Remove the copy; a missing one is not an error.

        Raises ObjectStoreUnavailable.
        """
        bucket = self._bucket(original.image)
        with self._asking(bucket):
            await self._objects.remove(bucket, [self.key(original)])

    async def exists(self, original: Original) -> bool:
        """Whether there is a copy of the right size. Raises ObjectStoreUnavailable."""
        head = await self._head(original)
        return head is not None and head.size == original.bytes

    async def facts(self, original: Original) -> tuple[int, str] | None:
        """Return (bytes, SHA-256 in hex) of the copy of that generation, as recorded in the store.

        None if there is none. Raises ObjectStoreUnavailable.
        """
        head = await self._head(original)
        return None if head is None else (head.size, head.metadata.get("sha256", ""))

    async def _head(self, original: Original) -> Facts | None:
        bucket = self._bucket(original.image)
        with self._asking(bucket):
            return await self._objects.head(bucket, self.key(original))

    def _bucket(self, image: ImageId) -> str:
        return self._bucket_name

    def _asking(self, bucket: str) -> contextlib.AbstractContextManager[None]:
        """Access the bucket inside this block, under the circuit breaker."""
        return self._breaker.guarded()

    def _looking(self, bucket: str) -> contextlib.AbstractContextManager[None]:
        """Access a key that may be missing, as `_asking`."""
        return self._asking(bucket)

    async def entries(self) -> AsyncIterator[tuple[str, int]]:
        """(key, bytes) of every copy. Raises ObjectStoreUnavailable."""
        bucket, prefix = self._bucket_name, self._prefix
        async for key, size in self._objects.list_prefix(bucket, prefix):
            # Renditions may lie in the same bucket; theirs end in a file's name.
            if GENERATION.fullmatch(key.rpartition("/")[2]):
                yield key, size


async def write(body: Body, target: Path) -> tuple[int, str]:
    """Write `body` to `target`, durably, and close it; return its bytes and SHA-256 in hex.

    No file is left at `target` if that fails. Raises ObjectStoreUnavailable and DiskFull.
    """
    copy, complete = _Copy(target), False
    try:
        await asyncio.to_thread(copy.open)
        async for chunk in body.chunks():
            await asyncio.to_thread(copy.write, chunk)
        written = await asyncio.to_thread(copy.finish)
        complete = True
    except OSError as error:
        raise files.full(error) from error
    finally:
        # Cancelled while no thread is free, it would never be closed.
        await asyncio.shield(asyncio.to_thread(copy.close, keep=complete))
        await body.close()
    return written


class _Copy:
    """Writes a file and hashes it meanwhile. Every method blocks.

    If the caller is cancelled, the thread of its last call may still run: `close` waits for it,
    and a call that begins later does nothing.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._turn = threading.Lock()
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._size = 0
        self._closed = False

    def open(self) -> None:
        """Open the file. Raises OSError."""
        with self._turn:
            if not self._closed:
                self._file = self._target.open("wb")

    def write(self, chunk: bytes) -> None:
        """Append a chunk. Raises OSError."""
        with self._turn:
            if self._file is not None:
                self._file.write(chunk)
                self._hash.update(chunk)
                self._size += len(chunk)

    def finish(self) -> tuple[int, str]:
        """Make the file durable; return its size and its SHA-256 in hex. Raises OSError."""
        with self._turn:
            if self._file is not None:
                self._file.flush()
                os.fsync(self._file.fileno())
            return self._size, self._hash.hexdigest()

    def close(self, *, keep: bool) -> None:
        """Close the file, and remove it unless `keep`."""
        with self._turn:
            self._closed = True
            if self._file is None:
                return
            file, self._file = self._file, None
            with contextlib.suppress(OSError):  # what is still buffered may find no room
                file.close()
            if not keep:
                self._target.unlink(missing_ok=True)
