"""Shows other pictures instead of missing ones."""

from dataclasses import replace

from liveresize.core import ports
from liveresize.core.fallbacks import Fallbacks
from liveresize.core.urls import OriginalRequest, RenditionRequest
from liveresize.delivery.outcomes import (
    Bytes,
    HeadInfo,
    OriginalFile,
    OutOfBounds,
    Redirect,
    Streamed,
)
from liveresize.delivery.pictures import AnyRequest, Pictures

Shown = Bytes | Streamed | OriginalFile


class FallbackPictures:
    """Finds and makes what is shown instead of a missing picture, as any other rendition.

    Whether a picture is missing, the index has been asked before: `serve` and `known` are for
    requests for which there is none.
    """

    def __init__(self, fallbacks: Fallbacks, *, pictures: Pictures, memory: ports.Memory) -> None:
        self._fallbacks = fallbacks
        self._pictures = pictures
        self._memory = memory

    @property
    def on(self) -> bool:
        """Whether there are any."""
        return bool(self._fallbacks.pictures)

    def recall(self, request: AnyRequest) -> Bytes | OriginalFile | None:
        """What memory alone can show instead of a rendition that was missing a moment ago, without
        an `await`; None where it cannot."""
        if not _is_plain(request) or not self._memory.is_missing(request.image):
            return None
        instead = self._fallbacks.instead(request)
        outcome = None if instead is None else self._pictures.recall(instead)
        return None if isinstance(outcome, Redirect) else outcome

    async def serve(
        self, missing: AnyRequest, *, client: str = "", fresh: bool = False
    ) -> Shown | None:
        """What is shown instead; None if nothing is. In a size out of bounds it is as large as
        allowed. Raises as `Pictures.serve`."""
        instead = self._fallbacks.instead(missing)
        if instead is None:
            return None
        outcome = await self._pictures.serve(instead, client=client, fresh=fresh)
        if isinstance(outcome, OutOfBounds):
            nearest = await self._boxed(instead, outcome.box)
            outcome = await self._pictures.serve(nearest, client=client, fresh=fresh)
        assert not isinstance(outcome, Redirect | OutOfBounds)
        if _is_plain(missing):
            self._memory.keep_missing(missing.image)
        return outcome

    async def known(self, missing: AnyRequest) -> HeadInfo | None:
        """What is known of it without rendering anything. Raises as `Pictures.known`."""
        instead = self._fallbacks.instead(missing)
        if instead is None:
            return None
        outcome = await self._pictures.known(instead)
        if isinstance(outcome, OutOfBounds):
            outcome = await self._pictures.known(await self._boxed(instead, outcome.box))
        assert isinstance(outcome, HeadInfo)
        return outcome

    async def _boxed(
        self, request: RenditionRequest | OriginalRequest, box: tuple[int, int]
    ) -> RenditionRequest:
        """The same request in another box."""
        if isinstance(request, OriginalRequest):
            original = await self._pictures.current(request)
            request = request.rendition_as(original.output_format)
        return replace(request, rendition=request.rendition.boxed(*box).canonical())


def _is_plain(request: AnyRequest) -> bool:
    """Whether a request means one public picture and no other, so that memory of its absence is
    enough."""
    return isinstance(request, RenditionRequest) and not request.exact and not request.sees_hidden
