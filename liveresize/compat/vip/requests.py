"""Addresses of vip, `/{bucket}/{id}?s=&c=`, and the keys that vip gives what it stores.

vip reads leniently: what it does not understand it leaves out.
"""

import functools
import re
from dataclasses import dataclass, field

from liveresize import errors
from liveresize.core import names, numbers, parameters
from liveresize.core.formats import Format
from liveresize.core.names import ImageId
from liveresize.core.rendition import Rendition
from liveresize.core.urls import RenditionRequest
from liveresize.core.values import Fit, Quality

EVERY = "*"
"""Stands in a list of buckets for any that has a valid name."""

SQUARE = Format.WEBP.max_side
"""The box of a square as large as the picture allows: the most that every format holds."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""What S3 takes for the name of a bucket."""

KNOWN = ("s", "c", "animate")
"""Every parameter that an address of vip may carry; all others are ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VipRules:
    """What configuration says about vip: its buckets, those that never are one of its, the
    widest rendition in pixels, and the quality of renditions."""

    buckets: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    max_width: int = 720
    quality: Quality = field(default_factory=lambda: Quality(80, 80, 60))

    def takes(self, bucket: str) -> bool:
        """Whether pictures of `bucket` are answered for."""
        if bucket == "upload" or bucket.startswith("_") or bucket in self.refused:
            return False
        if bucket in self.buckets:
            return True
        return EVERY in self.buckets and bool(_BUCKET.fullmatch(bucket)) and ".." not in bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class VipRequest:
    """A picture of a bucket; `width` in pixels is the most, 0 leaves it free.

    Like an urls.OriginalRequest it depends on the original, whose format it keeps.
    `signed` tells that it may be had although originals are not public.
    """

    image: ImageId
    quality: Quality
    width: int = 0
    square: bool = False
    animate: bool = False
    signed: bool = False

    varies = False

    def __str__(self) -> str:
        """As it is written in a URL."""
        params = [f"s={self.width}"] if self.width else []
        return "&".join(params + ["c=true"] * self.square + ["animate=true"] * self.animate)

    @property
    def whole(self) -> bool:
        """Whether the picture is asked for as it is."""
        return not (self.width or self.square)

    def stored_will_do(self, original_format: str, *, animated: bool) -> bool:
        """Whether the stored bytes are the answer."""
        return self.whole

    def rendition_as(self, original_format: Format) -> RenditionRequest:
        """The rendition that is asked for, `original_format` being the original's format."""
        return _rendition_as(self, original_format)


@functools.lru_cache(maxsize=4096)
def _rendition_as(request: VipRequest, original_format: Format) -> RenditionRequest:
    """See VipRequest.rendition_as; remembered, for every hit asks again."""
    animate = request.animate or request.whole
    output = Format.PNG if original_format is Format.GIF and not animate else original_format
    rendition = Rendition(
        format=output,
        width=SQUARE if request.square and not request.width else request.width,
        height=(request.width or SQUARE) if request.square else 0,
        fit=Fit.CROP if request.square else Fit.CLIP,
        quality=request.quality,
        enlarge=False,
        animate=animate,
        floor=True,
    ).canonical()
    return RenditionRequest(
        image=request.image,
        rendition=rendition,
        extension=output.extension,
        proxy=True,
        bounded=False,
    )


def parse(target: str, rules: VipRules) -> VipRequest:
    """Read the raw target of a request for a picture, `/bucket/id?query`.

    Raises OriginalMissing for a bucket that is none of `rules`, MalformedUrl for what can
    be no id.
    """
    path, _, query = target.partition("?")
    return read(image(path, rules), query, rules)


def image(path: str, rules: VipRules) -> ImageId:
    """The picture of a raw path `/bucket/id`; raises as `parse` does."""
    bucket, _, name = path[1:].partition("/")
    checked = check_bucket(bucket, rules)
    return ImageId(names.check_name(parameters.percent_decode(name)), checked)


def check_bucket(raw: str, rules: VipRules) -> str:
    """The bucket of a raw path segment. Raises BucketMissing for one not listed."""
    if not rules.takes(raw):
        raise errors.BucketMissing
    return raw


def read(image: ImageId, query: str, rules: VipRules) -> VipRequest:
    """What a raw query asks of `image`; what is no positive number is no width."""
    params: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name in KNOWN and name not in params:
            params[name] = _decoded(value)
    width = numbers.at_most(params.get("s", "").removeprefix("+"), rules.max_width)
    return VipRequest(
        image=image,
        quality=rules.quality,
        width=width or 0,
        square=params.get("c", "").lower() == "true",
        animate=params.get("animate", "").lower() == "true",
    )


def _decoded(raw: str) -> str:
    """A value as it was meant; empty for one that cannot be read."""
    try:
        return parameters.percent_decode(raw)
    except errors.MalformedUrl:
        return ""


def warmups(image: ImageId, header: str, rules: VipRules) -> list[tuple[str, VipRequest | None]]:
    """The entries of an `X-Vip-Warmup` header, `s=250&c=true,s=500`, and what each asks for.

    None stands for an entry that asks for no rendition. Empty entries are left out.
    """
    entries = [entry.strip() for entry in header.split(",")]
    requests = [(entry, read(image, entry.lstrip("?"), rules)) for entry in entries if entry]
    return [(entry, None if request.whole else request) for entry, request in requests]


def rendition_key(image: ImageId, variant: str) -> str | None:
    """The key under which vip itself keeps a rendition; None for what it never makes."""
    try:
        rendition = Rendition.from_variant(variant)
    except ValueError:
        return None
    moving = (
        isinstance(rendition.format, Format) and rendition.format.animates and rendition.animate
    )
    plain = Rendition(
        format=rendition.format,
        width=rendition.width,
        height=rendition.height,
        fit=rendition.fit,
        quality=rendition.quality,
        enlarge=False,
        animate=rendition.animate,
        floor=True,
    ).canonical()
    if rendition != plain or moving or not rendition.width or rendition.width == SQUARE:
        return None
    if rendition.fit is Fit.CROP and rendition.width == rendition.height:
        return f"{image.name}/c/s/{rendition.width}"
    return None if rendition.height else f"{image.name}/s/{rendition.width}"
