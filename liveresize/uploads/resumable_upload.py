"""One upload that arrives in parts: its offset, its parts, and its end."""

import asyncio
import contextlib
import dataclasses
import hashlib
import hmac
import math
from collections.abc import Callable

from liveresize import errors
from liveresize.core import byte_limit, ports
from liveresize.core.ports import PartialNote
from liveresize.core.tokens import Claim, Spent
from liveresize.observe.metrics import requests
from liveresize.uploads.pipeline import CommitUnknown, Storing, UploadPipeline
from liveresize.uploads.token_uploads import TokenDestination

ALGORITHMS = ("sha1", "sha256", "sha512")
"""Checksums that parts may have."""

_BATCH = 256 << 10
"""Bytes gathered before a thread is asked to write them."""

_RETRIED = (errors.Overload, errors.StoreError, errors.WorkerDied)
"""What the client can do nothing about: the bytes stay, and are stored when it asks again."""


@dataclasses.dataclass(frozen=True, slots=True)
class Checksum:
    """The checksum that a part must have."""

    algorithm: str
    digest: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all such uploads share; `forget` has requests for the upload of a key find nothing."""

    pipeline: UploadPipeline
    files: ports.PartialFiles
    max_age: float
    forget: Callable[[str], None]


async def release(pipeline: UploadPipeline, claim: Claim, *, unread: bool = True) -> None:
    """Give up a claim; the token can be used again if no picture was read (`unread`)."""
    with contextlib.suppress(errors.IndexUnavailable):  # the next creation takes it over
        await pipeline.tokens.release(claim, give_back=unread)


class ResumableUpload:
    """One upload that arrives in parts.

    `offset` counts the bytes that are durable. `stored`: the picture is committed.
    """

    def __init__(self, around: Surroundings, note: PartialNote, size: int | None) -> None:
        """`size` is None if the bytes were stored."""
        self.note = note
        self.stored = size is None
        self.offset = note.length if size is None else size
        self._around = around
        self._files = around.files
        self._lock = asyncio.Lock()
        self._part: Part | None = None
        self._gone = False
        self._extended_at = -math.inf

    @property
    def ends_at(self) -> float:
        """When an upload that is not finished ends, in Unix seconds."""
        return self.note.ends_at

    async def begin(self, offset: int, checksum: Checksum | None = None) -> "Part":
        """Begin a part; one that another request is still sending ends here.

        Raises OffsetConflict, UploadMissing, UploadEnded, DiskFull and IndexUnavailable.
        """
        async with self._lock:
            await self._interrupt()
            if offset != self.offset:
                raise errors.OffsetConflict(
                    f"The upload has {self.offset} bytes, and the part begins at {offset}."
                )
            if not self.stored:
                await self._extend(unchecked=None if checksum is None else offset)
                self._files.check(self.note.length - self.offset)
            self._part = Part(self, checksum)
            return self._part

    async def settle(self) -> None:
        """End what another request is still sending, so that `offset` counts all that is here.

        What is whole is stored: `offset` is the length only of what is. Raises UploadMissing,
        and what `Part.finish` raises.
        """
        await self._around.pipeline.end(self._settle())

    async def _settle(self) -> None:
        async with self._lock:
            await self._interrupt()
            if self.offset == self.note.length:
                await self._complete()

    async def terminate(self) -> None:
        """Remove the upload, and give its token back. Raises UploadMissing."""
        await self._around.pipeline.end(self._terminate())

    async def _terminate(self) -> None:
        async with self._lock:
            await self._interrupt()
            await self._remove()
            if not self.stored:
                await release(self._around.pipeline, self.note.claim)

    async def drop(self) -> None:
        """Remove the upload: another one has its token, or there are too many."""
        async with self._lock:
            if not self._gone:
                await self._remove()

    async def expire(self) -> bool:
        """Remove the upload if it has ended; False if it goes on, or is being stored."""
        if self._lock.locked():
            return False
        async with self._lock:
            if self._gone or self.note.ends_at > self._around.pipeline.clock.time():
                return False
            await self._remove()
            return True

    async def _remove(self) -> None:
        self._gone, self._part = True, None
        self._around.forget(self.note.key)
        await self._files.remove(self.note.key)

    async def _interrupt(self) -> None:
        """End the part that another request is sending. Raises UploadMissing."""
        if self._part is not None:
            await self._end_part(self._part)
        if self._gone:
            raise errors.UploadMissing

    async def _extend(self, *, unchecked: int | None) -> None:
        """Extend the claim, and note until when.

        `unchecked` is where a part with a checksum begins. Raises UploadEnded if the claim is
        lost, DiskFull and IndexUnavailable.
        """
        pipeline = self._around.pipeline
        try:
            extended = await pipeline.tokens.extend(self.note.claim, self._around.max_age)
        except errors.TokenRefused as lost:
            await self._remove()
            raise errors.UploadEnded from lost
        self._extended_at = pipeline.clock.monotonic()
        left = extended.ends_in if isinstance(extended, Spent) else extended
        self.note = dataclasses.replace(
            self.note,
            ends_at=max(self.note.ends_at, pipeline.clock.time() + left),
            unchecked=unchecked,
        )
        await self._files.write_note(self.note)

    async def flush(self, part: "Part") -> None:
        """Write what a part has gathered; see `Part.write`."""
        async with self._lock:
            self._check_current(part)
            await self._flush(part)
            overdue = self._around.pipeline.clock.monotonic() - self._extended_at
            if overdue > self._around.pipeline.lease / 3:
                with contextlib.suppress(errors.IndexUnavailable):  # asked again with more bytes
                    await self._extend(unchecked=self.note.unchecked)

    async def _flush(self, part: "Part") -> None:
        data = part.gathered()
        if not data:
            return
        end = part.end + len(data)
        if end > self.note.length:
            raise _too_long(self.note.length)
        await self._files.append(self.note.key, part.end, data)
        await part.written(data)

    async def finish(self, part: "Part") -> str | None:
        """End a part that has arrived; see `Part.finish`."""
        return await self._around.pipeline.end(self._finish(part))

    async def _finish(self, part: "Part") -> str | None:
        async with self._lock:
            self._check_current(part)
            await self._flush(part)
            if not part.is_as_promised:
                await self._end_part(part)
                raise errors.ChecksumMismatch
            if not self.stored:
                try:
                    await self._make_durable()
                except errors.DiskFull:
                    await self._end_part(part)
                    raise
            self._part = None
            return await self._complete() if self.offset == self.note.length else None

    async def _make_durable(self) -> None:
        """Count what was written, and note that it was checked."""
        size = await self._files.sync(self.note.key)
        if self.note.unchecked is not None:
            checked = dataclasses.replace(self.note, unchecked=None)
            await self._files.write_note(checked)
            self.note = checked
        self.offset = size

    async def keep(self, part: "Part") -> None:
        """Keep what has arrived of a part that broke off; nothing if it has a checksum."""
        await self._around.pipeline.end(self._keep(part))

    async def _keep(self, part: "Part") -> None:
        async with self._lock:
            if self._part is part:
                await self._end_part(part)

    async def _end_part(self, part: "Part") -> None:
        """End a part that is not whole, or not what it should be."""
        self._part = None
        if self.stored:
            return
        with contextlib.suppress(errors.LiveResizeError):  # what was written before counts
            await self._flush(part)
        with contextlib.suppress(errors.DiskFull):  # then the offset is the one before the part
            if part.is_checked:
                await self._files.truncate(self.note.key, self.offset)
            self.offset = min(await self._files.sync(self.note.key), self.note.length)

    def _check_current(self, part: "Part") -> None:
        """Raise UploadMissing or OffsetConflict if the part has been ended by another request."""
        if self._gone:
            raise errors.UploadMissing
        if self._part is not part:
            raise errors.OffsetConflict("Another request goes on with the upload.")

    async def _complete(self) -> str:
        """Store the image, whose bytes are here or were stored; return the receipt.

        What the client can do nothing about leaves the bytes, for the next request. Raises what
        `StagedUpload.finish` raises, and UploadEnded.
        """
        try:
            state = await self._around.pipeline.tokens.extend(self.note.claim, self._around.max_age)
        except errors.TokenRefused as lost:
            await self._remove()
            raise errors.UploadEnded from lost
        if self.stored:
            if isinstance(state, Spent):
                return state.receipt
            await self._remove()  # the database is older than what was stored
            raise errors.UploadEnded
        try:
            receipt = await self._store(state)
        except _RETRIED as error:
            requests.resumable_ended(error.code)
            raise
        except errors.LiveResizeError as error:
            requests.resumable_ended(error.code)
            await self._remove()
            await release(self._around.pipeline, self.note.claim, unread=False)
            raise
        requests.resumable_ended(None)
        self.stored = True
        await self._files.remove_bytes(self.note.key)
        return receipt

    async def _store(self, state: float | Spent) -> str:
        pipeline, note = self._around.pipeline, self.note
        sha256 = await self._files.sha256(note.key)
        if isinstance(state, Spent):
            return _repeated(state, sha256)
        storing = Storing(
            pipeline,
            _Destination(note.claim, pipeline),
            self._files.path(note.key),
            pipeline.originals.staging(f"{note.key}.cleaned"),
            client=note.client,
        )
        try:
            return await storing.store(sha256, note.crop)
        except CommitUnknown as unknown:
            raise errors.IndexUnavailable("", str(unknown)) from unknown
        except errors.TokenRefused:
            # A commit of which nobody could tell whether it worked may have worked since.
            state = await pipeline.tokens.extend(note.claim, self._around.max_age)
            if isinstance(state, Spent):
                return _repeated(state, sha256)
            raise


def _too_long(length: int) -> errors.UploadTooLarge:
    """Return the error for parts with more than the `length` bytes of their upload."""
    return byte_limit.exceeded("The upload", length, "its Upload-Length")


def _repeated(spent: Spent, sha256: str) -> str:
    """Return the receipt of the first time. Raises TokenRefused for other bytes."""
    if sha256 != spent.received_sha256:
        raise errors.TokenRefused("", "", "used")
    return spent.receipt


class Part:
    """A part of an upload, as one request sends it."""

    def __init__(self, upload: ResumableUpload, checksum: Checksum | None) -> None:
        self.end = upload.offset
        """The offset up to which it is written."""
        self._upload = upload
        self._checksum = checksum
        self._hash = hashlib.new(checksum.algorithm) if checksum else None
        self._pending: list[bytes] = []
        self._size = 0

    @property
    def is_checked(self) -> bool:
        """Whether it has a checksum, so that none of it counts before all of it is here."""
        return self._checksum is not None

    @property
    def is_as_promised(self) -> bool:
        """Whether what was written has the checksum, if there is one."""
        if self._hash is None or self._checksum is None:
            return True
        return hmac.compare_digest(self._hash.digest(), self._checksum.digest)

    async def write(self, chunk: bytes) -> None:
        """Take bytes.

        Raises UploadTooLarge, DiskFull, OffsetConflict, UploadMissing and UploadEnded.
        """
        requests.received(len(chunk))
        self._pending.append(chunk)
        self._size += len(chunk)
        if self._size >= _BATCH:
            await self._upload.flush(self)

    async def finish(self) -> str | None:
        """Make all of it durable; return the receipt if the upload is whole now.

        Raises ChecksumMismatch, what `write` raises, and of a whole upload what
        `StagedUpload.finish` raises.
        """
        return await self._upload.finish(self)

    async def keep(self) -> None:
        """Keep what has arrived, because the request has broken off."""
        await self._upload.keep(self)

    def gathered(self) -> bytes:
        """Return what is to be written, and forget it."""
        pending, self._pending, self._size = self._pending, [], 0
        return b"".join(pending)

    async def written(self, data: bytes) -> None:
        """Count and hash what was written."""
        self.end += len(data)
        if self._hash is not None:
            await asyncio.to_thread(self._hash.update, data)


class _Destination(TokenDestination):
    """The id of a token whose claim outlives an attempt to store the image."""

    async def renew(self) -> bool:
        """Do nothing: the claim is extended as parts arrive."""
        return True

    async def release(self, *, unread: bool = False) -> bool:
        """Do nothing: the bytes may be stored by the next request."""
        return False
