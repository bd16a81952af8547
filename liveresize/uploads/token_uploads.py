"""Uploads with a one-time token: one token, one attempt, one original.

The token is claimed before all that `staged` does: a lease, which runs out where the server
dies. Original and token are committed in one transaction.
"""

import asyncio
import contextlib
import math
from collections.abc import Sequence
from typing import Protocol

import structlog

from liveresize import errors
from liveresize.core import byte_limit
from liveresize.core.jobs import Facts
from liveresize.core.names import ImageId
from liveresize.core.originals import Original, ended
from liveresize.core.tokens import Claim, Grant, Spent, Token
from liveresize.delivery.original_lookup import adopt_foreign
from liveresize.uploads import receipts
from liveresize.uploads.pipeline import Crop, StagedUpload, UploadPipeline, needing_room
from liveresize.uploads.receipts import RepeatedUpload

_log = structlog.get_logger("liveresize.uploads")


class Upload(Protocol):
    """A body on its way in. After `finish` or `abort` nothing else may be called."""

    def expect(self, size: int) -> None:
        """Raise UploadTooLarge if the image will be too long."""

    async def write(self, chunk: bytes) -> None:
        """Take part of the image. Raises UploadTooLarge and DiskFull."""

    async def finish(self, crop: Crop | None) -> str:
        """The body is whole: store it and return its receipt. Raises what is wrong with it."""

    async def abort(self, *, unread: bool = False) -> None:
        """Nothing came of it: leave nothing, and free the id.

        `unread`: the request was wrong before a picture was read; its token is given back.
        """


class Uploads:
    """Issues tokens and takes the uploads that come with them."""

    def __init__(self, pipeline: UploadPipeline, *, max_bytes: int) -> None:
        """No upload may have more than `max_bytes`; its token may allow fewer."""
        self.max_bytes = max_bytes
        self._pipeline = pipeline

    async def issue(self, grant: Grant) -> Token:
        """Issue a token. Raises IdTaken, IndexUnavailable, DiskFull where there is no room for it,
        and OlderInstance where its picture would not be held or expire."""
        await self._check_peers(grant)
        with needing_room():
            await self.adopt(grant.image)
            return await self._pipeline.tokens.issue(grant)

    async def issue_all(self, grants: Sequence[Grant]) -> list[Token]:
        """Issue a token for each in one transaction, or none. Raises what `issue` raises.

        Grants differ by their image alone.
        """
        await self._check_peers(grants[0])  # what they say of their pictures is the same
        with needing_room():
            for grant in grants:
                await self.adopt(grant.image)
            return await self._pipeline.tokens.issue_all(grants)

    async def _check_peers(self, grant: Grant) -> None:
        """Raise OlderInstance where a picture would not be held, or not expire."""
        needs_all = grant.given.held or grant.given.claim_within is not None
        if needs_all and await self._pipeline.peers.older():
            raise errors.OlderInstance

    async def adopt(self, image: ImageId) -> bool:
        """Let the index know of a file of the published service; whether there was one."""
        pipeline = self._pipeline
        return await adopt_foreign(
            image, originals=pipeline.originals, rows=pipeline.rows, renderer=pipeline.renderer
        )

    async def begin(self, token: str, candidates: Sequence[ImageId], client: str = "") -> Upload:
        """Claim `token` for one of the ids that the URL may mean.

        `client` is the key of the client that uploads. A caller that is cancelled meanwhile
        leaves no claim behind. Raises TokenRefused, IndexUnavailable, and DiskFull under the
        disk's reserve or where the index has no room.
        """
        claiming = asyncio.create_task(self._claim(token, candidates, client))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            await self._pipeline.end(_give_back(claiming))
            raise

    async def _claim(self, token: str, candidates: Sequence[ImageId], client: str) -> Upload:
        pipeline = self._pipeline
        with needing_room():
            claimed = await pipeline.tokens.claim(token, candidates, pipeline.lease)
        if isinstance(claimed, Spent):
            return RepeatedUpload(claimed, self.max_bytes)
        try:
            staged = pipeline.originals.staging(claimed.digest)
            destination = TokenDestination(claimed, pipeline)
            most = min(claimed.grant.max_bytes or self.max_bytes, self.max_bytes)
            limit = byte_limit.TOKEN if most < self.max_bytes else byte_limit.UPLOADS
            return StagedUpload(
                pipeline, destination, staged, max_bytes=most, client=client, limit=limit
            )
        except BaseException:
            with contextlib.suppress(errors.IndexUnavailable):  # its lease runs out by itself
                await pipeline.tokens.release(claimed)
            raise

    async def recover(self) -> None:
        """Remove what uploads left that died with an earlier process or lost their lease."""
        pipeline = self._pipeline
        for image, generation, path in await pipeline.originals.unsettled(pipeline.lease):
            if generation in pipeline.moving:
                continue  # not left behind: its commit is under way
            if await pipeline.rows.of(generation) is None:
                try:
                    await asyncio.to_thread(path.unlink, missing_ok=True)
                except OSError as error:
                    _log.error("unfinished_original_stays", generation=generation, error=str(error))
                    continue
                if not await pipeline.cleanup.clear(ended(image, generation)):
                    continue  # it may have been mirrored: the note leads here again
                pipeline.originals.show(generation)
                _log.info("unfinished_original_removed", generation=generation)
            pipeline.originals.settle(generation)
        swept = await pipeline.originals.sweep(pipeline.lease)
        if swept:
            _log.info("staged_uploads_removed", count=swept)

    async def keep_unsettled(self) -> None:
        """Forget which uploads were never committed: that was said by another database.

        Their files stay, as originals without a row.
        """
        pipeline = self._pipeline
        for _, generation, _ in await pipeline.originals.unsettled(-math.inf):
            if generation not in pipeline.moving:
                pipeline.originals.settle(generation)


async def _give_back(claiming: "asyncio.Task[Upload]") -> None:
    """Give up an upload that nobody waits for, as soon as it has its claim."""
    await asyncio.wait({claiming})
    if not claiming.cancelled() and claiming.exception() is None:
        await claiming.result().abort()


class TokenDestination:
    """The id of a token, which the upload has claimed."""

    upright = False
    rights = True

    def __init__(self, claim: Claim, pipeline: UploadPipeline) -> None:
        self.formats = claim.grant.formats
        self.given = claim.grant.given
        self._claim = claim
        self._pipeline = pipeline

    def image(self, facts: Facts) -> ImageId:
        """The id of the token."""
        return self._claim.grant.image

    def result(self, original: Original) -> str:
        """The receipt, which is kept with the token."""
        return receipts.text(original, held=self.given.held)

    async def commit(
        self, original: Original, sha256: str, result: str, *, mirrored: bool
    ) -> Original | None:
        """Spend the token; see `Destination.commit`. Raises TokenRefused and IdTaken, too."""
        pipeline = self._pipeline
        return await pipeline.tokens.complete(
            self._claim,
            original,
            sha256,
            result,
            mirrored=mirrored,
        )

    async def renew(self) -> bool:
        """Renew the lease; False where it is lost."""
        try:
            await self._pipeline.tokens.renew(self._claim, self._pipeline.lease)
        except errors.TokenRefused:
            return False  # the commit will find that the lease is lost
        except errors.IndexUnavailable:
            pass
        return True

    async def release(self, *, unread: bool = False) -> bool:
        """Free the id: the token is refused from now on, or given back if nothing was read."""
        await self._pipeline.tokens.release(self._claim, give_back=unread)
        return True
