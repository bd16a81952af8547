"""Uploads into a bucket, as vip takes them: without a token, under an id of our own."""

import secrets

from liveresize.core.jobs import Facts
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.uploads.pipeline import Received, StagedUpload, UploadPipeline


class VipUploads:
    """Takes pictures for buckets. Who may deposit, and where, is decided before."""

    def __init__(self, pipeline: UploadPipeline, *, max_bytes: int) -> None:
        """No upload may have more than `max_bytes`."""
        self.max_bytes = max_bytes
        self._pipeline = pipeline

    def begin(self, bucket: str, client: str = "") -> "VipUpload":
        """Begin an upload of `client` into `bucket`. Raises DiskFull under the disk's reserve."""
        return VipUpload(self._pipeline, bucket, self.max_bytes, client)


class VipUpload(StagedUpload):
    """One such upload; its id is 32 random hex digits and the size of the upright picture.

    Its pixels are turned upright, as vip does: a vip that reads the same bucket does not look
    at EXIF when it resizes.
    """

    upright = True

    def __init__(self, pipeline: UploadPipeline, bucket: str, max_bytes: int, client: str) -> None:
        """Raises DiskFull."""
        self._bucket = bucket
        self._random = secrets.token_hex(16)
        super().__init__(pipeline, pipeline.originals.staging(self._random), max_bytes, client)

    async def finish(self) -> Original:
        """Store the original; a client that leaves meanwhile does not stop it.

        Raises BadUpload, UploadTooLarge, UnsupportedImage, UnreadableImage, DiskFull,
        BucketMissing, IndexUnavailable.
        """
        return await self._pipeline.end(self._take_in(None, ()))

    def _name(self, facts: Facts) -> ImageId:
        return ImageId(f"{self._random}-{facts.width}x{facts.height}", self._bucket)

    async def _commit(
        self, original: Original, received: Received, *, mirrored: bool
    ) -> Original | None:
        announce = self._pipeline.dispatcher.on
        await self._pipeline.rows.adopt(original, mirrored=mirrored, announce=announce)
        return None
