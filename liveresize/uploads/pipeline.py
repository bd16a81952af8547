"""A body on its way in: staged, inspected and cleaned, stored, committed, or nothing at all.

The order, and what a crash after each step leaves behind:

1. body to a staged file: swept once it has aged;
2. inspect and clean in a worker: a second staged file, swept likewise; ask the hooks of `intake`;
3. move to its place, noted: the note leads `Uploads.recover` to it; noted as hidden, too, if it is
   held from the start;
4. mirror it, where there is a mirror: `recover` takes it out again with the file;
5. commit: from here on it is uploaded;
6. settle the note, tell the webhook, drop what was replaced.
"""

import asyncio
import contextlib
import os
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Generic, Protocol, TypeVar

from liveresize import errors
from liveresize.core import byte_limit, ports
from liveresize.core.jobs import Facts, IntakeJob
from liveresize.core.names import ImageId
from liveresize.core.originals import Original, described, new_generation
from liveresize.core.records import Given, Record
from liveresize.intake.checks import IntakeChecks
from liveresize.intake.hook import Upload
from liveresize.notifications.dispatcher import Dispatcher
from liveresize.observe.tracing import spans
from liveresize.storage.mirroring import Mirroring
from liveresize.uploads.bodies import Body
from liveresize.uploads.generation_cleanup import GenerationCleanup

Crop = tuple[int, int, int, int]

EMPTY = "The image is empty."

T = TypeVar("T")
R = TypeVar("R")
"""What an upload is answered with."""


class UploadPipeline:
    """What all uploads share: where bodies are staged, and how originals are stored."""

    def __init__(
        self,
        *,
        originals: ports.Originals,
        tokens: ports.Tokens,
        rows: ports.OriginalRows,
        peers: ports.Peers,
        renderer: ports.Renderer,
        memory: ports.Memory,
        cleanup: GenerationCleanup,
        mirroring: Mirroring,
        dispatcher: Dispatcher,
        checks: IntakeChecks,
        clock: ports.Clock,
        lease: float,
    ) -> None:
        self.originals = originals
        self.tokens = tokens
        self.rows = rows
        self.peers = peers
        self.renderer = renderer
        self.memory = memory
        self.cleanup = cleanup
        self.mirroring = mirroring
        self.dispatcher = dispatcher
        self.checks = checks
        self.clock = clock
        self.lease = lease
        self.moving: set[str] = set()
        self._endings: set[asyncio.Task[Any]] = set()

    async def end(self, ending: Coroutine[Any, Any, T]) -> T:
        """The result of `ending`, which goes on to its end if whoever waits for it leaves."""
        task = asyncio.create_task(ending)
        self._endings.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """Look at the exception, so that one whose client has left is not reported as lost."""
        self._endings.discard(task)
        if not task.cancelled():
            task.exception()

    async def finished(self, patience: float) -> None:
        """Wait up to `patience` seconds for uploads that are being stored or given up."""
        if self._endings:
            await asyncio.wait(set(self._endings), timeout=patience)


@contextlib.contextmanager
def needing_room() -> Iterator[None]:
    """Say DiskFull where the index has no room for what a client wants to have stored."""
    try:
        yield
    except errors.IndexFull as full:
        raise errors.DiskFull("", full.detail) from full


def open_staged(staged: Path) -> BinaryIO:
    """Create the staged file. Raises DiskFull.

    In the loop: a client that leaves while a thread does it would leave the file open.
    """
    try:
        return staged.open("wb")
    except OSError as error:
        raise errors.DiskFull("", f"staging an upload: {error}") from error


class Destination(Protocol[R]):
    """What an upload becomes, and what it holds until it is committed."""

    upright: bool
    rights: bool
    """Whether pixels are turned as EXIF says."""
    formats: tuple[str, ...]
    """The formats that are accepted; empty for all."""
    given: Given
    """What is recorded with the picture from the start."""

    def image(self, facts: Facts) -> ImageId:
        """The id of the image."""

    def result(self, original: Original) -> R:
        """What the upload is answered with."""

    async def commit(
        self, original: Original, sha256: str, result: R, *, mirrored: bool
    ) -> Original | None:
        """Commit, and queue the webhook event; returns the original that was replaced.

        `sha256` is that of the body as it arrived. Raises IndexUnavailable where nobody can
        tell whether that worked.
        """

    async def renew(self) -> bool:
        """Renew what the upload has claimed; False where there is nothing left to renew."""

    async def release(self, *, unread: bool = False) -> bool:
        """Give up what the upload has claimed; whether its commit can only fail from now on.

        `unread`: the request was wrong before a picture was read, and may be put right.
        """


class Storing(Generic[R]):
    """The steps behind a whole body, which is in a file: from step 2 of the module's docstring."""

    def __init__(
        self,
        pipeline: UploadPipeline,
        destination: Destination[R],
        body: Path,
        cleaned: Path,
        *,
        client: str,
    ) -> None:
        """`cleaned` is where the file to store is made; `client` is the key of the client."""
        self._pipeline = pipeline
        self._destination = destination
        self._body = body
        self._cleaned = cleaned
        self._client = client

    async def store(self, sha256: str, crop: Crop | None) -> R:
        """Store the image, whose body has that SHA-256; the body's file stays.

        Raises what `StagedUpload.finish` raises, and CommitUnknown.
        """
        pipeline, destination = self._pipeline, self._destination
        generation = new_generation(pipeline.clock.time())
        pipeline.moving.add(generation)
        try:
            facts = await self._clean(crop)
            original = await self._check(described(destination.image(facts), generation, facts))
            result = destination.result(original)
            with spans.measured("store"):
                await pipeline.originals.keep(self._cleaned, original)
            try:
                if destination.given.held:
                    await pipeline.originals.hide(generation)
                mirrored = await pipeline.mirroring.offer(original)
                replaced = await self._commit(original, sha256, result, mirrored=mirrored)
            except errors.LiveResizeError as error:
                await self._remove(original, error)
                raise
        finally:
            pipeline.moving.discard(generation)
            await asyncio.to_thread(self._cleaned.unlink, missing_ok=True)
        pipeline.originals.settle(generation)
        pipeline.memory.forget(original.image)
        pipeline.dispatcher.kick()
        if replaced is not None:
            await pipeline.cleanup.remove(replaced)
        return result

    async def _clean(self, crop: Crop | None) -> Facts:
        """Inspect the body, and write what is to be stored, in a worker."""
        job = IntakeJob(
            source=str(self._body),
            target=str(self._cleaned),
            crop=crop,
            formats=self._destination.formats,
            upright=self._destination.upright,
            rights=self._destination.rights,
        )
        handle = ports.JobHandle(ports.Priority.UPLOAD, self._client)
        return await self._pipeline.renderer.run(job, handle=handle)

    async def _check(self, original: Original) -> Original:
        """Ask whether the image may be stored; return it as it is to be recorded.

        Raises Refused and Overload.
        """
        pipeline, destination = self._pipeline, self._destination
        recorded = replace(original, record=destination.given.at(pipeline.clock.time()))
        upload = Upload(
            body=self._body, cleaned=self._cleaned, original=recorded, client=self._client
        )
        try:
            if not await pipeline.checks.check(upload):
                return original
        except errors.Refused:
            pipeline.dispatcher.kick()
            raise
        destination.given = replace(destination.given, held=True)
        return replace(original, record=Record(held_at=pipeline.clock.time()))

    async def _commit(
        self, original: Original, sha256: str, result: R, *, mirrored: bool
    ) -> Original | None:
        """Commit; when nobody can tell whether that worked, look before answering.

        The claim is given up before the look, so that a commit that is still on its way
        cannot come after it. Where that cannot be had, `recover` looks later. Raises
        CommitUnknown then.
        """
        try:
            with needing_room():  # which is certain: nothing was written
                return await self._destination.commit(original, sha256, result, mirrored=mirrored)
        except errors.IndexUnavailable as unknown:
            try:
                certain = await self._destination.release()
                stored = await self._pipeline.rows.of(original.generation)
            except errors.IndexUnavailable:
                certain, stored = False, None
            if stored is None and certain:
                raise
            if stored is None:
                # Whether the row is there will be seen by `recover`: keep file and note.
                raise CommitUnknown(unknown.detail) from unknown
            return None

    async def _remove(self, original: Original, error: errors.LiveResizeError) -> None:
        """Remove the file of an upload that was not committed.

        Its note stays where the mirror may have a copy: `recover` finds that by it.
        """
        pipeline = self._pipeline
        await pipeline.originals.remove(original)
        nowhere = isinstance(error, errors.BucketMissing)
        if nowhere or not pipeline.mirroring.takes(original.image):
            pipeline.originals.settle(original.generation)


class StagedUpload(Generic[R]):
    """One upload: takes its body, then stores it in the order of the module's docstring."""

    def __init__(
        self,
        pipeline: UploadPipeline,
        destination: Destination[R],
        staged: Path,
        *,
        max_bytes: int,
        client: str,
        limit: str = byte_limit.UPLOADS,
    ) -> None:
        """`client` is the key of the client that uploads, `limit` what allows `max_bytes`.

        Raises DiskFull.
        """
        self._pipeline = pipeline
        self._destination = destination
        self._client = client
        self._staged = staged
        self._body = Body(max_bytes, open_staged(staged), limit)
        self._finishing = False
        self._renewal = asyncio.create_task(self._stay_alive())

    def expect(self, size: int) -> None:
        """Raise UploadTooLarge if the image will be too long."""
        self._body.expect(size)

    async def write(self, chunk: bytes) -> None:
        """Take part of the image. Raises UploadTooLarge and DiskFull."""
        await self._body.write(chunk)

    async def abort(self, *, unread: bool = False) -> None:
        """Nothing came of it: leave nothing. For `unread` see `Destination.release`."""
        await self._pipeline.end(self._abort(unread=unread))

    async def finish(self, crop: Crop | None = None) -> R:
        """Store the image; a client that leaves meanwhile does not stop it.

        Raises BadUpload, BadCrop, UploadTooLarge, UnsupportedImage, UnreadableImage, Refused,
        DiskFull, BucketMissing, StoreError, Overload, IndexUnavailable, and what the commit
        raises.
        """
        return await self._pipeline.end(self._finish(crop))

    async def _finish(self, crop: Crop | None) -> R:
        """Store the image, or leave nothing."""
        self._finishing = True
        try:
            sha256 = await self._body.close()
            if not self._body.size:
                raise errors.BadUpload(EMPTY)
            cleaned = self._staged.with_name(self._staged.name + ".cleaned")
            storing = Storing(
                self._pipeline, self._destination, self._staged, cleaned, client=self._client
            )
            result = await storing.store(sha256, crop)
        except CommitUnknown as unknown:
            await self._abort()
            raise errors.IndexUnavailable("", str(unknown)) from unknown
        except errors.BadUpload:  # it is empty
            await self._abort(unread=True)
            raise
        except BaseException:
            await self._abort()
            raise
        self._renewal.cancel()
        await asyncio.to_thread(self._staged.unlink, missing_ok=True)
        return result

    async def _stay_alive(self) -> None:
        """Renew while bytes arrive, and while they are being stored.

        The staged file is touched with it, since bytes are gathered before they are
        written, and `sweep` goes by the age of the file.
        """
        seen = 0
        while True:
            await asyncio.sleep(self._pipeline.lease / 3)
            if self._body.size == seen and not self._finishing:
                continue
            seen = self._body.size
            with contextlib.suppress(OSError):
                os.utime(self._staged)
            if not await self._destination.renew():
                return

    async def _abort(self, *, unread: bool = False) -> None:
        self._renewal.cancel()
        await asyncio.to_thread(self._discard)
        with contextlib.suppress(errors.IndexUnavailable):  # a lease runs out by itself
            await self._destination.release(unread=unread)

    def _discard(self) -> None:
        if self._body.file is not None:
            with contextlib.suppress(OSError):
                self._body.file.close()
        with contextlib.suppress(OSError):  # `sweep` removes what stays behind
            self._staged.unlink(missing_ok=True)


class CommitUnknown(Exception):
    """The database went away during the commit; see `Uploads.recover`."""
