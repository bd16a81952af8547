"""Import pictures that are in a bucket and not in the index.

A picture is fetched, inspected and recorded with its first request. A miss is cached for a while,
so that repeated requests are cheap.
"""

import asyncio
from collections import OrderedDict
from pathlib import Path

import structlog

from liveresize import errors
from liveresize.core import ports
from liveresize.core.jobs import ProbeJob
from liveresize.core.names import ImageId
from liveresize.core.originals import Original, described, new_generation
from liveresize.settings.pictures import Constraints, Formats
from liveresize.storage.mirroring import FETCH_SHARE

_log = structlog.get_logger("liveresize.takeover")

_REMEMBERED = 10_000
"""The size of the cache of misses; the oldest is dropped first."""

_MISS = 10.0
"""Seconds for which one is remembered."""

_UNSUPPORTED = "The original is not an image of an accepted format."

_AT_ONCE = 8
"""The largest number of concurrent fetches: others use the store, too."""


class BucketImporter:
    """Takes over the pictures of another service, one by one, as they are asked for.

    They may be what an upload may be.
    """

    def __init__(
        self,
        constraints: Constraints,
        formats: Formats,
        *,
        taken: ports.ForeignOriginals | None,
        originals: ports.Originals,
        rows: ports.OriginalRows,
        renderer: ports.Renderer,
        clock: ports.Clock,
    ) -> None:
        self._constraints = constraints
        self._formats = formats
        self._taken = taken
        self._originals = originals
        self._rows = rows
        self._renderer = renderer
        self._clock = clock
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._misses: OrderedDict[str, tuple[float, errors.LiveResizeError]] = OrderedDict()

    def check(self, image: ImageId) -> None:
        """Raise the cached error of that picture or its bucket, if there is one."""
        now = self._clock.monotonic()
        for key in (f"{image.bucket}/", image.key):
            until, error = self._misses.get(key, (0.0, None))
            if error is not None and now < until:
                raise type(error)(*error.args)  # a new one: a traceback would grow each time

    async def find(self, image: ImageId) -> Original:
        """Fetch a picture of a bucket to this disk, and record it.

        Raises OriginalMissing, BucketMissing, ImageError if it exceeds a limit,
        OriginalElsewhere while the store does not answer or this disk is full, and
        IndexUnavailable.
        """
        if self._taken is None or not image.bucket:
            raise errors.OriginalMissing
        self.check(image)
        try:
            async with self._turn:
                return await self._fetch(self._taken, image)
        except errors.BucketMissing as error:
            self._miss(f"{image.bucket}/", error)
            raise
        except (errors.OriginalMissing, errors.ImageError) as error:
            self._miss(image.key, error)
            raise
        except errors.ObjectStoreUnavailable as error:
            raise errors.OriginalElsewhere("", error.detail) from error
        except errors.DiskFull as error:
            raise errors.OriginalElsewhere("", f"no room to fetch it: {error.detail}") from error

    def _miss(self, key: str, error: errors.LiveResizeError) -> None:
        self._misses.pop(key, None)
        remembered = type(error)(*error.args)
        self._misses[key] = (self._clock.monotonic() + _MISS, remembered)
        if len(self._misses) > _REMEMBERED:
            self._misses.popitem(last=False)

    async def _fetch(self, taken: ports.ForeignOriginals, image: ImageId) -> Original:
        generation = new_generation(self._clock.time())
        # Not the name that Mirroring has for its copy, which may come before we are done here.
        staged = self._originals.staging(f"{generation}.taken", share=FETCH_SHARE)
        try:
            try:
                fetched = await taken.take(image, staged, self._constraints.max_upload_bytes)
            except errors.UploadTooLarge as error:
                raise errors.ImageTooLarge(error.public) from error
            if not fetched:
                raise errors.OriginalMissing
            original = await self._inspect(image, generation, staged)
            # The row first: where nothing comes after it, the bucket supplies the bytes.
            standing = await self._rows.take_over(original)
            if standing is None:
                raise errors.OriginalMissing
            if standing.generation == generation:
                await self._originals.restore(staged, standing)
                _log.info("original_taken_over", image_id=image.key, bytes=original.bytes)
            return standing
        finally:
            await asyncio.to_thread(staged.unlink, missing_ok=True)

    async def _inspect(self, image: ImageId, generation: str, staged: Path) -> Original:
        """Inspect the file. Raises ImageError if an upload of it would be refused."""
        try:
            facts = await self._renderer.run(ProbeJob(path=str(staged)))
        except errors.UnsupportedImage as error:
            raise errors.UnreadableImage(_UNSUPPORTED, error.detail) from error
        if facts.format not in self._formats.input:
            raise errors.UnreadableImage(_UNSUPPORTED, facts.format)
        if facts.width * facts.height > self._constraints.max_input_pixels:
            raise errors.ImageTooLarge("", f"{facts.width}x{facts.height} pixels")
        return described(image, generation, facts)
