"""The sizes that are allowed without a signature, if the settings limit them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from liveresize import errors
from liveresize.compat.vip.requests import VipRequest
from liveresize.core import geometry
from liveresize.core.formats import Format
from liveresize.core.geometry import Bounds
from liveresize.core.urls import FactsRequest, PictureRequest, RenditionRequest
from liveresize.core.values import NO_PAD, Pad

Box = tuple[int, int]
"""Width and height in pixels; 0 means that this side is calculated."""

DENSITIES = (1, 2, 3)
"""The factors of a listed size that are allowed, as `_2x` in the URL or multiplied out."""

_BESIDE_PRESET = frozenset({"preset", "proxy", "allow_webp", "sig", "exp", "held"})
"""The parameters that are allowed beside `preset` with `presets_only`."""

_SHOWN = 20
"""The largest number of sizes in an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRules:
    """The settings about sizes.

    `listed` are the boxes in the settings, none allows any; `allowed` are all boxes derived
    from them, `of_vip` those of vip. `at_bounds` are the boxes that `cover` is redirected to on
    its long side. `presets_only` refuses all parameters but `preset`, and
    `presets`, where there are any, all other presets. `bounds` are those of results.
    """

    listed: tuple[Box, ...] = ()
    allowed: frozenset[Box] = frozenset()
    at_bounds: frozenset[Box] = frozenset()
    of_vip: frozenset[Box] = frozenset()
    presets_only: bool = False
    presets: frozenset[str] = frozenset()
    bounds: Bounds | None = None

    @classmethod
    def of(
        cls,
        listed: Iterable[Box],
        bounds: Bounds,
        vip_width: int,
        *,
        presets_only: bool = False,
        pad: Pad = NO_PAD,
    ) -> "SizeRules":
        """Return the rules for the boxes `listed`, within `bounds` and the largest width of vip.

        The targets of redirects from sizes beyond the bounds, less the pad, are allowed, too.
        """
        boxes = tuple(dict.fromkeys(listed))
        dense = {
            (width * density, height * density) for width, height in boxes for density in DENSITIES
        }
        # The box of a redirect is that beside a multiplied pad, and that of a preset is not.
        top, right, bottom, left = pad
        pads = [(top * n, right * n, bottom * n, left * n) for n in DENSITIES]
        capped = {bounds.capped(output.max_side).inside(each) for output in Format for each in pads}
        limits = {limit for limit in capped if limit is not None}
        largest = {(limit.max_width, limit.max_height) for limit in limits}
        clipped = {(min(w, mw), min(h, mh)) for w, h in dense for mw, mh in largest}
        shrunk = {geometry.shrink_box(box, limit) for box in dense if all(box) for limit in limits}
        ends = {end for width, height in largest for end in ((width, 0), (0, height))}
        free = ends if any(not all(box) for box in boxes) else set()
        return cls(
            listed=boxes,
            allowed=frozenset(dense | clipped | shrunk | largest | free),
            at_bounds=frozenset(ends),
            of_vip=frozenset((min(w, vip_width), min(h, vip_width)) for w, h in dense),
            presets_only=presets_only,
            bounds=bounds,
        )

    def limited_to(self, presets: Iterable[str]) -> "SizeRules":
        """Return the rules for pictures that may be asked for by some presets alone."""
        return replace(self, presets_only=True, presets=frozenset(presets))

    def around(self, pad: Pad) -> "SizeRules":
        """Return the rules for pictures that have a pad."""
        if self.bounds is None or not any(pad):
            return self
        return SizeRules.of(self.listed, self.bounds, 0, pad=pad)


def check(request: PictureRequest | VipRequest, rules: SizeRules) -> None:
    """Raise SizeRefused or PresetRequired if the request needs a signature.

    A picture at its own size is never refused for its size; vip has no presets.
    """
    if rules.presets_only and not _by_preset(request, rules):
        if not rules.presets:
            raise errors.PresetRequired
        shown = ", ".join(f"`{name}`" for name in sorted(rules.presets)[:_SHOWN])
        raise errors.PresetRequired(
            f"This picture may be asked for by `preset` alone, which is one of {shown}, or with a "
            "signature."
        )
    if rules.listed and not _listed(request, rules):
        shown = ", ".join(f"{width}x{height}" for width, height in rules.listed[:_SHOWN])
        more = ", …" if len(rules.listed) > _SHOWN else ""
        raise errors.SizeRefused(
            f"Without a signature the size must be one of {shown}{more}, or 2 or 3 times it."
        )


def allows(request: PictureRequest | VipRequest, rules: SizeRules) -> bool:
    """Whether a request needs no signature."""
    if rules.presets_only and not _by_preset(request, rules):
        return False
    return not rules.listed or _listed(request, rules)


def _listed(request: PictureRequest | VipRequest, rules: SizeRules) -> bool:
    if isinstance(request, VipRequest):
        square = request.width if request.square else 0
        return not request.width or (request.width, square) in rules.of_vip
    if not isinstance(request, RenditionRequest):
        return True
    box = (request.rendition.width, request.rendition.height)
    if box in rules.allowed:
        return True
    rules = rules.around(request.rendition.pad)
    if box in rules.allowed:
        return True
    # With a side free `cover` is nothing else than `clip`; how it was asked for tells.
    covers = any(pair == ("fit", "cover") or pair[0] == "preset" for pair in request.sent)
    return covers and box in rules.at_bounds


def _by_preset(request: PictureRequest | VipRequest, rules: SizeRules) -> bool:
    if isinstance(request, VipRequest | FactsRequest):
        return True
    asked = request if isinstance(request, RenditionRequest) else request.parameters
    if any(name not in _BESIDE_PRESET for name in asked.ignored):
        return False
    sent = dict(asked.sent)
    if not sent.keys() <= _BESIDE_PRESET:
        return False
    if "preset" not in sent:
        return not isinstance(request, RenditionRequest)
    return not rules.presets or sent["preset"] in rules.presets
