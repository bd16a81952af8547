"""The mirror of originals: a second copy of each, in a bucket.

The key of an original is `<prefix><name>/<generation>`.
"""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from liveresize import errors
from liveresize.domain.originals import GENERATION, Original
from liveresize.stores import files
from liveresize.stores.breaker import Breaker
from liveresize.stores.object_body import Body
from liveresize.stores.objects import Objects

_log = structlog.get_logger("liveresize.mirror")


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorOptions:
    """Which bucket, what every key begins with, and seconds for the first byte of one."""

    bucket: str
    prefix: str = ""
    read_budget: float = 5.0


class S3Mirror:
    """ports.Mirror on a bucket. `objects` must be started first and closed last."""

    def __init__(self, options: MirrorOptions, objects: Objects) -> None:
        self._options = options
        self._objects = objects
        self._breaker = Breaker(errors.ObjectStoreUnavailable)

    @property
    def healthy(self) -> bool:
        """Whether the bucket has answered lately."""
        return self._breaker.healthy

    def key(self, original: Original) -> str:
        """The key of an original."""
        return f"{self._options.prefix}{original.image.key}/{original.generation}"

    async def put(self, path: Path, original: Original) -> None:
        """Copy the original at `path` to the bucket.

        Raises ObjectStoreUnavailable, and OriginalMissing where the file is not there whole.
        """
        try:
            with self._breaker.guarded():
                await self._objects.put_file(
                    self._options.bucket,
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
        """Write the original to `target`, durably; False where it is not there, or damaged.

        Nothing is left at `target` unless it is whole. Raises ObjectStoreUnavailable and
        DiskFull.
        """
        with self._breaker.guarded():
            body = await self._objects.open(
                self._options.bucket, self.key(original), budget=self._options.read_budget
            )
            if body is None:
                return False
            try:
                size, sha256 = await _write(body, target)
            finally:
                await body.close()
        if (size, sha256) == (original.bytes, original.sha256):
            return True
        _log.error("mirror_damaged", image_id=original.image.key, bytes=size, sha256=sha256)
        await asyncio.to_thread(target.unlink, missing_ok=True)
        return False

    async def remove(self, original: Original) -> None:
        """Remove the copy; that it is gone already is no error.

        Raises ObjectStoreUnavailable.
        """
        with self._breaker.guarded():
            await self._objects.remove(self._options.bucket, [self.key(original)])

    async def exists(self, original: Original) -> bool:
        """Whether there is a copy of the right size. Raises ObjectStoreUnavailable."""
        with self._breaker.guarded():
            facts = await self._objects.head(self._options.bucket, self.key(original))
        return facts is not None and facts.size == original.bytes

    async def entries(self) -> AsyncIterator[tuple[str, int]]:
        """(key, bytes) of every copy. Raises ObjectStoreUnavailable."""
        bucket, prefix = self._options.bucket, self._options.prefix
        async for key, size in self._objects.list_prefix(bucket, prefix):
            # Renditions may lie in the same bucket; theirs end in a file's name.
            if GENERATION.fullmatch(key.rpartition("/")[2]):
                yield key, size


async def _write(body: Body, target: Path) -> tuple[int, str]:
    """Write `body` to `target`; its size and SHA-256 in hex. Leaves nothing if that fails.

    Raises ObjectStoreUnavailable and DiskFull.
    """
    try:
        copy = await asyncio.to_thread(_Copy, target)
    except OSError as error:
        raise files.full(error) from error
    try:
        async for chunk in body.chunks():
            await asyncio.to_thread(copy.write, chunk)
        return await asyncio.to_thread(copy.finish)
    except OSError as error:
        raise files.full(error) from error
    finally:
        await asyncio.to_thread(copy.close)


class _Copy:
    """A file on its way to the disk, hashed as it goes. Every method blocks."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._file = target.open("wb")
        self._hash = hashlib.sha256()
        self._size = 0
        self._whole = False

    def write(self, chunk: bytes) -> None:
        """Add to the end; raises OSError."""
        self._file.write(chunk)
        self._hash.update(chunk)
        self._size += len(chunk)

    def finish(self) -> tuple[int, str]:
        """Make it durable; its size in bytes and SHA-256 in hex. Raises OSError."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._whole = True
        return self._size, self._hash.hexdigest()

    def close(self) -> None:
        """Close it, and remove it unless it was finished."""
        with contextlib.suppress(OSError):  # what is still buffered may find no room
            self._file.close()
        if not self._whole:
            self._target.unlink(missing_ok=True)
