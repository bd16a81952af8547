"""Answers every request by the URL of a picture: renditions, originals, facts."""

import asyncio
import contextlib
from dataclasses import replace

from liveresize import errors
from liveresize.compat.vip.requests import VipRequest
from liveresize.core import ports
from liveresize.core.formats import UNSHOWN
from liveresize.core.names import LATER, ImageId
from liveresize.core.originals import Original
from liveresize.core.overlays import OverlayRules
from liveresize.core.ports import CachedImage
from liveresize.core.single_flight import SingleFlight
from liveresize.core.urls import FactsRequest, OriginalRequest, PictureRequest, RenditionRequest
from liveresize.delivery.orientations import Orientations
from liveresize.delivery.original_lookup import OriginalLookup
from liveresize.delivery.outcomes import (
    Bytes,
    Cache,
    HeadInfo,
    OriginalFile,
    Outcome,
    OutOfBounds,
    Redirect,
)
from liveresize.delivery.renditions import Renditions
from liveresize.settings.pictures import ALIASES, Originals
from liveresize.storage.mirroring import Mirroring

Showable = RenditionRequest | OriginalRequest | VipRequest
AnyRequest = PictureRequest | VipRequest

ORIGINAL = "original"
"""Stands for a variant where the stored bytes are meant; no rendition is called so."""

_HELD = 1 << 20
"""Bytes of the largest original that is kept in memory."""


def may_have(settings: Originals, request: OriginalRequest | VipRequest) -> bool:
    """Whether the client may have it: renditions always, originals as configured, or with a
    signature."""
    rendition = isinstance(request, VipRequest) and not request.whole
    return rendition or request.signed or settings.public


def as_stored(
    settings: Originals, request: OriginalRequest | VipRequest, original: Original
) -> bool:
    """Whether the stored bytes are the answer."""
    return (
        original.decoded
        and original.format not in UNSHOWN
        and (original.clean or settings.keeps_metadata)
        and request.stored_will_do(original.format, animated=original.frames > 1)
    )


def without_extension(request: OriginalRequest | VipRequest) -> OriginalRequest | None:
    """`/cat.heic` as a request for `cat`; None for other extensions."""
    if not isinstance(request, OriginalRequest):
        return None
    stem, _, extension = request.image.name.rpartition(".")
    if not stem or ALIASES.get(extension.lower(), extension.lower()) not in UNSHOWN:
        return None
    return replace(request, image=ImageId(stem, request.image.bucket))


def with_extension(request: OriginalRequest | VipRequest) -> OriginalRequest | None:
    """`/cat.jxl` as a request for `cat.jxl`, which an id may be; None for other extensions."""
    if not isinstance(request, OriginalRequest) or request.extension.lower() != LATER:
        return None
    image = ImageId(f"{request.image.name}.{request.extension}", request.image.bucket)
    return replace(request, image=image, format=None, extension="")


class Pictures:
    """Answers every request for a picture or about one."""

    def __init__(
        self,
        settings: Originals,
        *,
        overlays: OverlayRules,
        renditions: Renditions,
        original_lookup: OriginalLookup,
        orientations: Orientations,
        originals: ports.Originals,
        mirroring: Mirroring,
        memory: ports.Memory,
    ) -> None:
        self._settings = settings
        self._overlays = overlays
        self._renditions = renditions
        self._original_lookup = original_lookup
        self._orientations = orientations
        self._originals = originals
        self._mirroring = mirroring
        self._memory = memory
        self._reads: SingleFlight[CachedImage | None] = SingleFlight()
        self.recalled = 0
        """How often memory alone could answer, and how often it could not."""
        self.missed = 0

    def recall(self, request: AnyRequest) -> Redirect | Bytes | OriginalFile | None:
        """What memory alone can answer, without an `await`; None where it cannot."""
        if isinstance(request, FactsRequest):
            return None
        outcome = self._recall(request)
        if outcome is None:
            self.missed += 1
        else:
            self.recalled += 1
        return outcome

    def _recall(self, request: Showable) -> Redirect | Bytes | OriginalFile | None:
        if isinstance(request, RenditionRequest):
            return self._renditions.recall(request)
        original = self._memory.original(request.image)
        if original is None or not may_have(self._settings, request):
            return None
        turned = self._may_turn(request, original) and self._orientations.recall(original)
        if turned is None:
            return None
        rendition = self._instead(request, original, turned=turned)
        if rendition is not None:
            return self._renditions.recall(rendition)
        held = self._memory.held(original.generation, ORIGINAL)
        return None if held is None else self._stored(original, held, Cache.MEMORY)

    async def serve(self, request: Showable, *, client: str = "", fresh: bool = False) -> Outcome:
        """The picture; see `Renditions.serve` for what it raises.

        An original is its stored bytes where they will do, else a rendition of it.
        """
        if isinstance(request, RenditionRequest):
            try:
                return await self._renditions.serve(request, client=client, fresh=fresh, soon=True)
            except errors.OriginalMissing:
                if request.exact is None:
                    raise
            return await self.serve(request.exact, client=client, fresh=fresh)

        found, original = await self._found(request)

        async def answer(original: Original) -> Outcome:
            rendition = await self._rendition(found, original)
            if rendition is None:
                return self._stored(original, await self._hold(original))
            return await self._renditions.serve(rendition, client=client, fresh=fresh, soon=True)

        if not as_stored(self._settings, found, original):
            return await answer(original)
        return await self._original_lookup.with_original(
            found.image, answer, hidden=found.sees_hidden
        )

    async def known(self, request: Showable) -> HeadInfo | OutOfBounds:
        """The checks of `serve`, and what is known without rendering anything."""
        if isinstance(request, RenditionRequest):
            try:
                return await self._renditions.known(request)
            except errors.OriginalMissing:
                if request.exact is None:
                    raise
            return await self.known(request.exact)
        found, original = await self._found(request)
        rendition = await self._rendition(found, original)
        if rendition is None:
            return HeadInfo(original=original, stored=self._originals.path(original))
        return await self._renditions.known(rendition)

    async def current(self, request: Showable) -> Original:
        """The picture that `serve` would answer with. Raises as `known`."""
        if isinstance(request, RenditionRequest):
            try:
                return await self._original_lookup.get(request.image, hidden=request.sees_hidden)
            except errors.OriginalMissing:
                if request.exact is None:
                    raise
                return await self.current(request.exact)
        _, original = await self._found(request)
        return original

    def _may_turn(self, request: OriginalRequest | VipRequest, original: Original) -> bool:
        """Whether the stored bytes that are asked for must be upright."""
        return (
            self._settings.upright
            and isinstance(request, OriginalRequest)
            and bool(request.extension)
            and request.stored_will_do(original.format, animated=original.frames > 1)
        )

    async def _rendition(
        self, request: OriginalRequest | VipRequest, original: Original
    ) -> RenditionRequest | None:
        """The rendition to answer with; None for the stored bytes.

        Raises what `Orientations.is_turned` raises.
        """
        may_turn = self._may_turn(request, original)
        turned = may_turn and await self._orientations.is_turned(original)
        return self._instead(request, original, turned=turned)

    def _instead(
        self, request: OriginalRequest | VipRequest, original: Original, *, turned: bool
    ) -> RenditionRequest | None:
        """See `_rendition`; one that is only `turned`, or only has the overlay of
        `constraints.overlay_above`, is as large as the original."""
        whole = as_stored(self._settings, request, original)
        covered = whole and self._overlays.covers(original.size, signed=request.signed)
        if whole and not (turned or covered):
            return None
        rendition = request.rendition_as(original.output_format)
        return replace(rendition, bounded=False) if turned or covered else rendition

    def ready(self, request: VipRequest) -> bool:
        """Whether memory knows that the rendition has been made."""
        original = self._memory.original(request.image)
        if original is None:
            return False
        return self._renditions.ready(request.rendition_as(original.output_format))

    async def warm(self, request: VipRequest) -> bool:
        """Make a rendition in the background; see `Renditions.warm`."""
        original = await self._original_lookup.get(request.image)
        return await self._renditions.warm(request.rendition_as(original.output_format))

    async def original(self, image: ImageId, *, hidden: bool = False) -> Original:
        """What is known of a picture, for those who may. Raises as `OriginalLookup.get`."""
        return await self._original_lookup.get(image, hidden=hidden)

    async def _found(
        self, request: OriginalRequest | VipRequest
    ) -> tuple[OriginalRequest | VipRequest, Original]:
        """The original of exactly that name, or else a HEIC of the name without its extension, or a
        picture of the name with it, and the request for it. Raises as `_original`."""
        try:
            return request, await self._original(request)
        except errors.OriginalMissing:
            longer = with_extension(request)
            if longer is not None:
                with contextlib.suppress(errors.OriginalMissing):
                    return longer, await self._original(longer)
            shorter = without_extension(request)
            if shorter is None:
                raise
            with contextlib.suppress(errors.OriginalMissing):
                original = await self._original(shorter)
                if original.format in UNSHOWN:
                    return shorter, original
            raise

    async def _original(self, request: OriginalRequest | VipRequest) -> Original:
        if isinstance(request, OriginalRequest):
            return await self._public(
                request.image, signed=request.signed, hidden=request.sees_hidden
            )
        if not may_have(self._settings, request):
            raise errors.OriginalMissing
        return await self._original_lookup.get(request.image, hidden=request.sees_hidden)

    def _stored(
        self, original: Original, held: CachedImage | None, cache: Cache = Cache.HIT
    ) -> OriginalFile:
        path = self._originals.path(original)
        return OriginalFile(original=original, path=path, held=held, cache=cache)

    async def _hold(self, original: Original) -> CachedImage | None:
        """The bytes of a small original, which memory holds from now on. None of others and of
        hidden ones, whose file is here. Raises OriginalElsewhere."""
        held = self._memory.held(original.generation, ORIGINAL)
        if held is not None:
            return held
        await self._mirroring.bring(original)
        if original.bytes > _HELD or original.record.hidden:
            return None
        return await self._reads.run(original.generation, lambda _: self._read(original))

    async def _read(self, original: Original) -> CachedImage | None:
        path = self._originals.path(original)
        try:
            data = await asyncio.to_thread(path.read_bytes)
        except OSError:
            return None  # whoever sends the file finds out, and says so
        if len(data) != original.bytes:
            return None
        held = CachedImage(data=data, mime=original.mime, etag=original.sha256)
        known = self._memory.original(original.image)
        if known is not None and known.generation == original.generation:
            self._memory.put(original.generation, ORIGINAL, held)
        return held

    async def describe(
        self, image: ImageId, *, signed: bool = False, hidden: bool = False
    ) -> Original:
        """The facts that the public may know, or whoever has a signed address of them; with
        `hidden` those of a hidden picture, too.

        Raises OriginalMissing, OriginalElsewhere, and UnreadableImage for one that cannot be
        decoded.
        """
        original = await self._public(image, signed=signed, hidden=hidden)
        if not original.decoded:
            raise errors.UnreadableImage
        return original

    async def _public(self, image: ImageId, *, signed: bool, hidden: bool) -> Original:
        if not (signed or self._settings.public):
            raise errors.OriginalMissing
        return await self._original_lookup.get(image, hidden=hidden)

    async def is_shown(self, image: ImageId) -> bool:
        """Whether anybody may have that original, as a GET without a signature would find it.

        False if only the index could tell, and it does not answer.
        """
        try:
            original = await self._public(image, signed=False, hidden=False)
        except errors.LiveResizeError:
            return False
        return bool(original.uploaded_at)
