"""Find an allowed unsigned URL for a rendition.

A rendition that is requested by its object key is rendered only if there is such a URL.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote

from liveresize.compat.vip import requests as vip
from liveresize.compat.vip.requests import VipRequest, VipRules
from liveresize.core import parameters, sizes, urls
from liveresize.core.formats import Format, Negotiated
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.originals import Original
from liveresize.core.parameters import Parameters
from liveresize.core.rendition import Rendition
from liveresize.core.sizes import SizeRules
from liveresize.core.urls import OriginalRequest, RenditionRequest
from liveresize.core.values import Fit

Request = RenditionRequest | OriginalRequest | VipRequest

_ANY = ImageId("x")
"""A placeholder for every picture: a real name may look like that of a rendition."""


class Unsigned:
    """Finds the renditions that need no signature."""

    def __init__(
        self,
        rules: UrlRules,
        vip_rules: VipRules,
        size_rules: Callable[[ImageId], SizeRules],
    ) -> None:
        """`size_rules` are those of a picture."""
        self._rules = rules
        self._vip_rules = vip_rules
        self._size_rules = size_rules
        self._presets = [
            parameters.read(f"preset={quote(name, safe='')}", rules) for name in rules.presets
        ]

    def takes(self, image: ImageId) -> bool:
        """Whether this server has pictures of that bucket, or of the main namespace."""
        return not image.bucket or self._vip_rules.takes(image.bucket)

    def request(
        self,
        image: ImageId,
        rendition: Rendition,
        original_format: Format,
        original: Original | None = None,
        named: Callable[[RenditionRequest], Rendition] = lambda request: request.rendition,
    ) -> Request | None:
        """Return the request of an unsigned URL for `rendition`; None if there is none.

        `original_format` is what `Original.output_format` says; `original` has the focus and the
        quality of the picture, and `named` is `OverlayRules.named` for its size: renditions with
        the same are equal. Bounds are not checked: they depend on the size of the original.
        """
        wanted = named(RenditionRequest(image=image, rendition=rendition, extension=""))
        size_rules = self._size_rules(image)
        # Where any parameter is allowed, a preset asks for nothing that others cannot.
        presets = self._presets if size_rules.presets_only else []
        for request in self._candidates(image, wanted, presets):
            made = made_of(request, original_format)
            looks = [named(made)]
            if original is not None:
                looks.append(named(made.of(original)))
            if wanted in looks and sizes.allows(request, size_rules):
                return replace(request, image=image)
        return None

    def _candidates(
        self, image: ImageId, wanted: Rendition, presets: Sequence[Parameters]
    ) -> Iterator[Request]:
        """Yield the requests that may lead to `wanted`; its overlay may be one that is forced."""
        for rendition in dict.fromkeys((replace(wanted, overlay=None), wanted)):
            yield from (
                self._of_bucket(image, rendition)
                if image.bucket
                else self._of_main(rendition, presets)
            )

    def _of_main(
        self, rendition: Rendition, presets: Sequence[Parameters]
    ) -> Iterator[RenditionRequest | OriginalRequest]:
        accept = _accept(rendition)
        plain, _, base = urls.build(_ANY, rendition, self._rules).partition("?")
        queries = [base]
        if bool(rendition.width) != bool(rendition.height):
            queries.append(f"{base}&fit=cover")  # may end at a bound where `clip` may not
        for query in queries:
            request = urls.parse(f"{plain}?{query}", accept, self._rules)
            if isinstance(request, RenditionRequest | OriginalRequest):
                yield request
        for params in presets:
            yield self._by_preset(rendition, params)

    def _by_preset(
        self, rendition: Rendition, params: Parameters
    ) -> RenditionRequest | OriginalRequest:
        """Return the request of a preset in the box and the format of `rendition`."""
        if not (rendition.width or rendition.height):
            return OriginalRequest(
                image=_ANY,
                format=rendition.format,
                extension="",
                parameters=params,
                rules=self._rules,
            )
        resized = urls.rendition(
            rendition.width, rendition.height, rendition.format, params, self._rules
        )
        return RenditionRequest(
            image=_ANY,
            rendition=resized,
            extension="",
            sent=params.sent,
            focused=urls.is_focused(params),
            visual=urls.visual(rendition.format, params, self._rules),
        )

    def _of_bucket(self, image: ImageId, rendition: Rendition) -> Iterator[VipRequest]:
        rules, square = self._vip_rules, rendition.fit is Fit.CROP
        full = square and rendition.width == vip.SQUARE
        width = 0 if full else rendition.width
        if width > rules.max_width:
            return
        for animate in (False, True):
            yield VipRequest(
                image=image,
                quality=rules.quality,
                width=width,
                square=square,
                animate=animate,
                jpeg=rules.jpeg_thumbnails,
            )


def made_of(request: Request, original_format: Format) -> RenditionRequest:
    """Return the request as one of a rendition, for an original of that format."""
    return (
        request if isinstance(request, RenditionRequest) else request.rendition_as(original_format)
    )


def _accept(rendition: Rendition) -> str:
    """Return an `Accept` header that leads to the format of `rendition`."""
    output = rendition.format
    if not isinstance(output, Negotiated):
        return ""
    offered = {"jxl": output.jxl, "avif": output.avif, "webp": output.webp}
    return ",".join(f"image/{each}" for each, accepted in offered.items() if accepted)
