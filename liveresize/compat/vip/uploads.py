"""Uploads into a bucket, as vip takes them: without a token, under an id of our own."""

import secrets

from liveresize.core.jobs import Facts
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.records import Given
from liveresize.uploads.pipeline import StagedUpload, UploadPipeline

VipUpload = StagedUpload[Original]
"""An upload under way, which is answered with its original."""


class VipUploads:
    """Takes pictures for buckets. Who may deposit, and where, is decided before."""

    def __init__(self, pipeline: UploadPipeline, *, max_bytes: int) -> None:
        """No upload may have more than `max_bytes`."""
        self.max_bytes = max_bytes
        self._pipeline = pipeline

    def begin(self, bucket: str, client: str = "") -> VipUpload:
        """Begin an upload of `client` into `bucket`. Raises DiskFull under the disk's reserve."""
        pipeline = self._pipeline
        name = secrets.token_hex(16)
        destination = BucketDestination(bucket, name, pipeline)
        staged = pipeline.originals.staging(name)
        return StagedUpload(pipeline, destination, staged, max_bytes=self.max_bytes, client=client)


class BucketDestination:
    """A new id in a bucket: 32 random hex digits and the size of the upright picture.

    Its pixels are turned upright, as vip does: a vip that reads the same bucket does not look
    at EXIF when it resizes. As there, pictures have no metadata, not even rights.
    """

    upright = True
    rights = False
    formats: tuple[str, ...] = ()
    given = Given()

    def __init__(self, bucket: str, name: str, pipeline: UploadPipeline) -> None:
        """`name` are the random digits."""
        self._bucket = bucket
        self._name = name
        self._pipeline = pipeline

    def image(self, facts: Facts) -> ImageId:
        """The id, which ends with the size."""
        return ImageId(f"{self._name}-{facts.width}x{facts.height}", self._bucket)

    def result(self, original: Original) -> Original:
        """The original: its id is all that vip tells."""
        return original

    async def commit(
        self, original: Original, sha256: str, result: Original, *, mirrored: bool
    ) -> Original | None:
        """Add the row; nothing can be replaced. See `Destination.commit`."""
        await self._pipeline.rows.adopt(original, mirrored=mirrored, uploaded=True)
        return None

    async def renew(self) -> bool:
        """True: nothing is claimed, and the staged file is to be kept."""
        return True

    async def release(self, *, unread: bool = False) -> bool:
        """False: nothing is claimed, so that a commit may still arrive."""
        return False
