"""Uploads: one token, one attempt, one original, whole or not at all.

The order, and what a crash after each step leaves behind:

1. claim the token: a lease, which runs out;
2. body to a staged file: swept once it has aged;
3. inspect and clean in a worker: a second staged file, swept likewise;
4. move to its place, noted: the note leads `recover` to it;
5. mirror it, where there is a mirror: `recover` takes it out again with the file;
6. commit original and token in one transaction: from here on it is uploaded;
7. settle the note, drop what was replaced, answer.
"""

import asyncio
import contextlib
import os
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

import structlog

from liveresize import errors, ports
from liveresize.domain import tokens
from liveresize.domain.jobs import IntakeJob
from liveresize.domain.names import ImageId
from liveresize.domain.originals import Original, ended, new_generation
from liveresize.domain.tokens import Claim, Grant, Spent, Token
from liveresize.service import receipts
from liveresize.service.bodies import Body
from liveresize.service.catalogue import adopt_foreign, described
from liveresize.service.mirroring import Mirroring
from liveresize.service.receipts import Receipt, RepeatedUpload
from liveresize.service.retire import Retirement

_log = structlog.get_logger("liveresize.uploads")

Crop = tuple[int, int, int, int]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadsOptions:
    """Seconds that a lease lives, and the bytes that one upload may have."""

    lease: float = 60.0
    max_bytes: int = 50 << 20


class Upload(Protocol):
    """A body on its way in. After `finish` or `abort` nothing else may be called."""

    @property
    def max_bytes(self) -> int:
        """The most that `write` takes in all."""

    async def write(self, chunk: bytes) -> None:
        """Take part of the image. Raises UploadTooLarge and DiskFull."""

    async def finish(self, crop: Crop | None) -> Receipt:
        """The body is whole: store it. Raises what is wrong with it."""

    async def abort(self) -> None:
        """Nothing came of it: leave nothing, and free the id."""


class Uploads:
    """Issues tokens and takes the uploads that come with them."""

    def __init__(
        self,
        options: UploadsOptions,
        *,
        originals: ports.Originals,
        index: ports.Index,
        renderer: ports.Renderer,
        memory: ports.Memory,
        retirement: Retirement,
        mirroring: Mirroring,
        clock: ports.Clock,
    ) -> None:
        self.options = options
        self.originals = originals
        self.index = index
        self.renderer = renderer
        self.memory = memory
        self.retirement = retirement
        self.mirroring = mirroring
        self.clock = clock
        self.moving: set[str] = set()
        self._endings: set[asyncio.Task[Any]] = set()

    async def issue(self, grant: Grant) -> Token:
        """Issue a token. Raises IdTaken, IndexUnavailable."""
        await self.adopt(grant.image)
        return await self.index.issue(grant)

    async def adopt(self, image: ImageId) -> bool:
        """Let the index know of a file of the published service; whether there was one."""
        return await adopt_foreign(
            image, originals=self.originals, index=self.index, renderer=self.renderer
        )

    async def begin(self, token: str, candidates: Sequence[ImageId]) -> Upload:
        """Claim `token` for one of the ids that the URL may mean.

        Raises TokenRefused, IndexUnavailable, and DiskFull under the disk's reserve.
        """
        claimed = await self.index.claim(token, candidates, self.options.lease)
        if isinstance(claimed, Spent):
            return RepeatedUpload(claimed, self.options.max_bytes)
        try:
            staged = self.originals.staging(tokens.digest(token))
            return ClaimedUpload.open(self, claimed, staged)
        except errors.LiveResizeError:
            await self.release(claimed)
            raise

    async def release(self, claim: Claim) -> None:
        """Give a claim up; while the database is away its lease runs out by itself."""
        with contextlib.suppress(errors.IndexUnavailable):
            await self.index.release(claim)

    async def end(self, ending: Coroutine[Any, Any, T]) -> T:
        """The result of `ending`, which goes on to its end if whoever waits for it leaves."""
        task = asyncio.create_task(ending)
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
        return await asyncio.shield(task)

    async def finished(self, patience: float) -> None:
        """Wait up to `patience` seconds for uploads that are being stored or given up."""
        if self._endings:
            await asyncio.wait(set(self._endings), timeout=patience)

    async def recover(self) -> None:
        """Remove what uploads left that died with an earlier process or lost their lease."""
        for image, generation, path in await self.originals.unsettled(self.options.lease):
            if generation in self.moving:
                continue  # not left behind: its commit is under way
            if await self.index.original_of(generation) is None:
                try:
                    await asyncio.to_thread(path.unlink, missing_ok=True)
                except OSError as error:
                    _log.error("unfinished_original_stays", generation=generation, error=str(error))
                    continue
                if not await self.retirement.clear(ended(image, generation)):
                    continue  # it may have been mirrored: the note leads here again
                _log.info("unfinished_original_removed", generation=generation)
            self.originals.settle(generation)
        swept = await self.originals.sweep(self.options.lease)
        if swept:
            _log.info("staged_uploads_removed", count=swept)


class ClaimedUpload:
    """An upload that holds its token."""

    def __init__(self, uploads: Uploads, claim: Claim, staged: Path, file: BinaryIO) -> None:
        self._uploads = uploads
        self._claim = claim
        self._staged = staged
        limit = uploads.options.max_bytes
        self._body = Body(min(claim.grant.max_bytes or limit, limit), file)
        self._finishing = False
        self._renewal = asyncio.create_task(self._renew())

    @classmethod
    def open(cls, uploads: Uploads, claim: Claim, staged: Path) -> "ClaimedUpload":
        """Create the staged file. Raises DiskFull.

        In the loop: a client that leaves while a thread does it would leave the file open.
        """
        try:
            file = staged.open("wb")
        except OSError as error:
            raise errors.DiskFull("", f"staging an upload: {error}") from error
        return cls(uploads, claim, staged, file)

    @property
    def max_bytes(self) -> int:
        """The most that `write` takes in all."""
        return self._body.max_bytes

    async def write(self, chunk: bytes) -> None:
        """Take part of the image. Raises UploadTooLarge and DiskFull."""
        await self._body.write(chunk)

    async def _renew(self) -> None:
        """Extend the lease while bytes arrive, and while they are being stored.

        The staged file is touched with it, since bytes are gathered before they are
        written, and `sweep` goes by the age of the file.
        """
        lease, seen = self._uploads.options.lease, 0
        while True:
            await asyncio.sleep(lease / 3)
            if self._body.size == seen and not self._finishing:
                continue
            seen = self._body.size
            with contextlib.suppress(OSError):
                os.utime(self._staged)
            try:
                await self._uploads.index.renew(self._claim, lease)
            except errors.TokenRefused:
                return  # `complete` will find that the lease is lost
            except errors.IndexUnavailable:
                continue

    async def finish(self, crop: Crop | None) -> Receipt:
        """Store the original; a client that leaves meanwhile does not stop it.

        Raises BadUpload, BadCrop, UploadTooLarge, UnsupportedImage, UnreadableImage,
        DiskFull, TokenRefused, IdTaken, IndexUnavailable.
        """
        return await self._uploads.end(self._finish(crop))

    async def _finish(self, crop: Crop | None) -> Receipt:
        self._finishing = True
        try:
            received = await self._body.close()
            if not self._body.size:
                raise errors.BadUpload("The image is empty.")
            receipt = await self._store(crop, received)
        except CommitUnknown as unknown:
            await self._abort()
            raise errors.IndexUnavailable("", str(unknown)) from unknown
        except BaseException:
            await self._abort()
            raise
        self._renewal.cancel()
        await asyncio.to_thread(self._staged.unlink, missing_ok=True)
        return receipt

    async def _store(self, crop: Crop | None, received: str) -> Receipt:
        uploads, grant = self._uploads, self._claim.grant
        cleaned = self._staged.with_name(self._staged.name + ".cleaned")
        job = IntakeJob(
            source=str(self._staged), target=str(cleaned), crop=crop, formats=grant.formats
        )
        generation = new_generation(uploads.clock.time())
        uploads.moving.add(generation)
        try:
            facts = await uploads.renderer.run(job)
            original = described(grant.image, generation, facts)
            await uploads.originals.keep(cleaned, original)
            receipt = receipts.text(original)
            replaced = await self._commit_or_remove(original, received, receipt)
        finally:
            uploads.moving.discard(generation)
            await asyncio.to_thread(cleaned.unlink, missing_ok=True)
        uploads.originals.settle(generation)
        uploads.memory.forget(grant.image)
        if replaced is not None:
            await uploads.retirement.remove(replaced)
        return Receipt(text=receipt)

    async def _commit_or_remove(
        self, original: Original, received: str, receipt: str
    ) -> Original | None:
        """Mirror and commit, or leave no file; returns the original that was replaced."""
        uploads = self._uploads
        try:
            mirrored = await uploads.mirroring.offer(original)
            return await self._commit(original, received, receipt, mirrored)
        except errors.LiveResizeError:
            await uploads.originals.remove(original)
            if not uploads.mirroring.on:
                uploads.originals.settle(original.generation)
            raise  # by the note, `recover` finds what the mirror may have

    async def _commit(
        self, original: Original, received: str, receipt: str, mirrored: bool
    ) -> Original | None:
        """Commit; when nobody can tell whether that worked, look before answering.

        The claim is given up before the look: a commit that is still on its way fails
        then, and cannot come after it.
        """
        index = self._uploads.index
        try:
            return await index.complete(self._claim, original, received, receipt, mirrored=mirrored)
        except errors.IndexUnavailable as unknown:
            try:
                await index.release(self._claim)
                stored = await index.original_of(original.generation)
            except errors.IndexUnavailable:
                # Whether the row is there will be seen by `recover`: keep file and note.
                raise CommitUnknown(unknown.detail) from unknown
            if stored is None:
                raise
            return None

    async def abort(self) -> None:
        """Nothing came of it: leave nothing, and free the id."""
        await self._uploads.end(self._abort())

    async def _abort(self) -> None:
        self._renewal.cancel()
        await asyncio.to_thread(self._discard)
        await self._uploads.release(self._claim)

    def _discard(self) -> None:
        if self._body.file is not None:
            with contextlib.suppress(OSError):
                self._body.file.close()
        self._staged.unlink(missing_ok=True)


class CommitUnknown(Exception):
    """The database went away during the commit; see `Uploads.recover`."""
