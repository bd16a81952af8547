"""Uploads that arrive in parts, over several requests, and survive what breaks between them.

A token is claimed as for any upload, but the claim lasts to the end of the token, and is extended
while bytes arrive. The bytes are in one file, whose size is the offset; see storage.partials for
what else is on disk. The last byte starts the steps that every upload takes (uploads.pipeline):
success means that the picture is checked, durable and committed.

What a crash leaves, in the order of an upload:

1. the claim, and no note: the next creation with the token takes the claim over;
2. some of the bytes: the upload goes on from there;
3. all bytes: the next request for the upload has them stored;
4. the committed row, and the bytes: the row of the token says that they are stored.
"""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from liveresize import errors
from liveresize.core import byte_limit, ports, tokens
from liveresize.core.names import ImageId
from liveresize.core.ports import PartialNote
from liveresize.core.tokens import Claim, Grant, Spent
from liveresize.settings.server import Uploads as UploadsSettings
from liveresize.uploads.pipeline import EMPTY, Crop, UploadPipeline, needing_room
from liveresize.uploads.resumable_upload import ResumableUpload, Surroundings, release

_ALL = "`uploads.unfinished_bytes`"

_log = structlog.get_logger("liveresize.uploads")


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """What a client says of an upload before it sends the first part; see `PartialNote`."""

    name: str
    length: int
    client: str = ""
    metadata: str = ""
    crop: Crop | None = None


class ResumableUploads:
    """Creates uploads that arrive in parts, finds them again, and removes them at their end."""

    def __init__(
        self,
        pipeline: UploadPipeline,
        files: ports.PartialFiles,
        settings: UploadsSettings,
        *,
        max_bytes: int,
    ) -> None:
        """No upload may have more than `max_bytes`; its token may allow fewer."""
        self.pipeline = pipeline
        self.files = files
        self.settings = settings
        self.max_bytes = max_bytes
        self._uploads: dict[str, ResumableUpload] = {}
        self._creating: dict[object, Creation] = {}
        self._surroundings = Surroundings(
            pipeline=pipeline, files=files, max_age=settings.max_age, forget=self._forget
        )

    def _forget(self, key: str) -> None:
        self._uploads.pop(key, None)

    async def load(self) -> None:
        """Find what an earlier process has left."""
        for note, size in await self.files.load():
            self._uploads[note.key] = ResumableUpload(self._surroundings, note, size)

    @property
    def unfinished(self) -> int:
        """How many uploads are not stored yet."""
        return len(self._creating) + len(self._unfinished())

    @property
    def unfinished_bytes(self) -> int:
        """How many bytes they will have."""
        return sum(each.length for each in self._described(self._unfinished()))

    def _described(self, begun: Sequence[ResumableUpload]) -> list[Creation | PartialNote]:
        """Return what is known of uploads, and of those that are being created."""
        return [*self._creating.values(), *(each.note for each in begun)]

    def _unfinished(self, *, without: str = "") -> list[ResumableUpload]:
        """Return the uploads that are not stored, `without` those of a token."""
        return [
            each
            for each in self._uploads.values()
            if not each.stored and each.note.claim.digest != without
        ]

    async def create(
        self, token: str, candidates: Sequence[ImageId], creation: Creation
    ) -> tuple[str, ResumableUpload]:
        """Claim `token` for an upload; return its id, which is kept nowhere, and the upload.

        An unfinished upload with the same token is replaced, here or elsewhere. Goes on to its
        end if the client leaves. Raises BadUpload, UploadTooLarge, TooManyUploads, UploadsFull,
        DiskFull, TokenRefused and IndexUnavailable.
        """
        return await self.pipeline.end(self._create(token, candidates, creation))

    async def _create(
        self, token: str, candidates: Sequence[ImageId], creation: Creation
    ) -> tuple[str, ResumableUpload]:
        digest = tokens.digest(token)
        self._check(creation, digest)
        # What begins while the token is claimed has claimed it later, and replaces this one.
        older = [each for each in self._uploads.values() if each.note.claim.digest == digest]
        self._creating[creating := object()] = creation
        try:
            claim = await self._claim(token, candidates, creation)
            try:
                for each in older:
                    await each.drop()
                return await self._begin(claim, creation)
            except BaseException:
                await release(self.pipeline, claim)
                raise
        finally:
            del self._creating[creating]

    def _check(self, creation: Creation, digest: str) -> None:
        """Raise what stands against the creation, before the token is claimed."""
        length, settings = creation.length, self.settings
        if not length:
            raise errors.BadUpload(EMPTY)
        most = min(self.max_bytes, settings.unfinished_bytes)
        if length > most:
            limit = byte_limit.UPLOADS if most == self.max_bytes else _ALL
            raise byte_limit.exceeded("The image", most, limit, length)
        begun = self._unfinished(without=digest)
        others = self._described(begun)
        if creation.client and settings.client_unfinished:
            same = sum(each.client == creation.client for each in others)
            if same >= settings.client_unfinished:
                raise errors.TooManyUploads(
                    f"This client has {same} unfinished uploads, and `uploads.client_unfinished` "
                    "allows no more: finish or delete one first."
                )
        if len(others) >= settings.unfinished:
            raise errors.UploadsFull(
                f"There are {len(others)} unfinished uploads, and `uploads.unfinished` allows no "
                "more: try again later."
            )
        taken = sum(each.length for each in others)
        if taken + length > settings.unfinished_bytes:
            raise errors.UploadsFull(
                f"Unfinished uploads have {taken:,} bytes, and `uploads.unfinished_bytes` allows "
                f"{settings.unfinished_bytes:,}: try again later."
            )
        self.files.check(taken - sum(each.offset for each in begun) + length)

    async def _claim(self, token: str, candidates: Sequence[ImageId], creation: Creation) -> Claim:
        pipeline = self.pipeline
        with needing_room():
            claimed = await pipeline.tokens.claim(token, candidates, pipeline.lease, resumable=True)
        if isinstance(claimed, Spent):
            # Its bytes may be those that were stored: that is seen when they are here.
            grant = Grant(image=claimed.image, lifetime=claimed.ends_in)
            return Claim(grant=grant, digest=tokens.digest(token), ends_in=claimed.ends_in)
        most = claimed.grant.max_bytes
        if most and creation.length > most:
            await release(self.pipeline, claimed)
            raise byte_limit.exceeded("The image", most, byte_limit.TOKEN, creation.length)
        return claimed

    async def _begin(self, claim: Claim, creation: Creation) -> tuple[str, ResumableUpload]:
        id_ = secrets.token_hex(16)
        note = PartialNote(
            key=tokens.digest(id_),
            name=creation.name,
            claim=claim,
            length=creation.length,
            client=creation.client,
            metadata=creation.metadata,
            crop=creation.crop,
            ends_at=self.pipeline.clock.time() + claim.ends_in,
        )
        await self.files.create(note)
        upload = self._uploads[note.key] = ResumableUpload(self._surroundings, note, 0)
        return id_, upload

    def find(self, name: str, id_: str, token: str = "") -> ResumableUpload:
        """Return the upload of that id.

        Raises UploadMissing, and TokenRefused if a `token` is given that is another.
        """
        # What is compared is a digest: how long that takes tells nothing about the id.
        upload = self._uploads.get(tokens.digest(id_))
        if upload is None or upload.note.name != name:
            raise errors.UploadMissing
        if token and not hmac.compare_digest(tokens.digest(token), upload.note.claim.digest):
            raise errors.TokenRefused("", "", "unknown")
        return upload

    async def tidy(self) -> None:
        """Remove uploads that have ended, and the notes of those stored longest ago."""
        now, removed, size = self.pipeline.clock.time(), 0, 0
        for upload in list(self._uploads.values()):
            if upload.note.ends_at <= now and await upload.expire() and not upload.stored:
                removed, size = removed + 1, size + upload.offset
        if removed:
            _log.info("unfinished_uploads_removed", count=removed, bytes=size)
        stored = sorted(
            (each for each in self._uploads.values() if each.stored),
            key=lambda each: each.note.ends_at,
        )
        for upload in stored[: max(0, len(stored) - self.settings.unfinished)]:
            await upload.drop()
