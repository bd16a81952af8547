"""The URLs of vip, `/{bucket}/{id}?s=&c=`, and the keys of its objects.

vip ignores invalid parameters, and so does this parser.
"""

import functools
import re
from dataclasses import dataclass, field
from urllib.parse import quote

from liveresize import errors
from liveresize.core import names, numbers, parameters
from liveresize.core.formats import Format
from liveresize.core.names import ImageId
from liveresize.core.rendition import Rendition
from liveresize.core.urls import RenditionRequest
from liveresize.core.values import Fit, Quality

EVERY = "*"
"""In a list of buckets: every bucket with a valid name."""

SQUARE = Format.WEBP.max_side
"""The box of the largest possible square: the largest side that every format supports."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""A valid name of an S3 bucket."""

_NO_SLASH = "There is nothing at this address: the name of a picture has no slash."
"""The answer where no bucket is configured: clients of such a server know of none."""

KNOWN = ("s", "c", "animate")
"""Every parameter of vip's URLs; all others are ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VipRules:
    """The settings of vip: its buckets, refused buckets, the largest width of a rendition in
    pixels, the quality of renditions, and whether those of a PNG or GIF are JPEG."""

    buckets: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    max_width: int = 720
    jpeg_thumbnails: bool = False
    quality: Quality = field(default_factory=lambda: Quality(80, 80, 60))

    def takes(self, bucket: str) -> bool:
        """Whether pictures of `bucket` are served."""
        if bucket == "upload" or bucket.startswith("_") or bucket in self.refused:
            return False
        if bucket in self.buckets:
            return True
        return EVERY in self.buckets and bool(_BUCKET.fullmatch(bucket)) and ".." not in bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class VipRequest:
    """A request for a picture of a bucket; `width` is the largest width in pixels, 0 is any.

    Like urls.OriginalRequest it keeps the format of the original; with `jpeg` renditions of a
    PNG or GIF are JPEG. `signed`: the request is allowed even if originals are not public.
    `sees_hidden` as for urls.RenditionRequest.
    """

    image: ImageId
    quality: Quality
    width: int = 0
    square: bool = False
    animate: bool = False
    jpeg: bool = False
    signed: bool = False
    sees_hidden: bool = False

    varies = False

    def __str__(self) -> str:
        """The query of the URL."""
        params = [f"s={self.width}"] if self.width else []
        return "&".join(params + ["c=true"] * self.square + ["animate=true"] * self.animate)

    @property
    def whole(self) -> bool:
        """Whether the original itself is requested."""
        return not (self.width or self.square)

    def stored_will_do(self, original_format: str, *, animated: bool) -> bool:
        """Whether the stored bytes can be sent."""
        return self.whole

    def rendition_as(self, original_format: Format) -> RenditionRequest:
        """Return the request as one of a rendition, for an original of that format."""
        return _rendition_as(self, original_format)


@functools.lru_cache(maxsize=4096)
def _rendition_as(request: VipRequest, original_format: Format) -> RenditionRequest:
    """See VipRequest.rendition_as; cached, because every hit needs it."""
    animate = request.animate or request.whole
    bare = request.jpeg and not request.whole and original_format in (Format.PNG, Format.GIF)
    output = original_format
    if output is Format.GIF and not animate:
        output = Format.PNG
    if bare and output is Format.PNG:
        output = Format.JPEG
    rendition = Rendition(
        format=output,
        width=SQUARE if request.square and not request.width else request.width,
        height=(request.width or SQUARE) if request.square else 0,
        fit=Fit.CROP if request.square else Fit.CLIP,
        quality=request.quality,
        enlarge=False,
        animate=animate,
        floor=True,
        bare=bare,
    ).canonical()
    return RenditionRequest(
        image=request.image,
        rendition=rendition,
        extension=output.extension,
        proxy=True,
        bounded=False,
        signed=request.signed,
        sees_hidden=request.sees_hidden,
    )


def parse(target: str, rules: VipRules) -> VipRequest:
    """Parse the raw target of a request for a picture, `/bucket/id?query`.

    Raises BucketMissing for a bucket that is not in `rules`, OriginalMissing if there are none
    at all, MalformedUrl for an invalid id.
    """
    path, _, query = target.partition("?")
    return read(image(path, rules), query, rules)


def image(path: str, rules: VipRules) -> ImageId:
    """Parse a raw path `/bucket/id`. Raises as `parse`."""
    bucket, _, name = path[1:].partition("/")
    checked = check_bucket(bucket, rules)
    return ImageId(names.check_name(parameters.percent_decode(name)), checked)


def cleaned(path: str) -> str | None:
    """Return a raw path without empty segments, `.` and `..`; None if it is clean, or does not
    lead to `/bucket/id`."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    if len(segments) != 2 or not path.endswith(f"/{segments[1]}"):
        return None
    if path == "/".join(("", *segments)) or not _BUCKET.fullmatch(segments[0]):
        return None
    try:
        name = names.check_name(parameters.percent_decode(segments[1]))
    except errors.MalformedUrl:
        return None
    return f"/{segments[0]}/{quote(name, safe='')}"


def check_bucket(raw: str, rules: VipRules) -> str:
    """Return the bucket of a raw path segment.

    Raises BucketMissing if it is not configured, OriginalMissing if no bucket is.
    """
    if not rules.buckets:
        raise errors.OriginalMissing(_NO_SLASH)
    if not rules.takes(raw):
        raise errors.BucketMissing
    return raw


def read(image: ImageId, query: str, rules: VipRules) -> VipRequest:
    """Parse a raw query for `image`; a width that is not a positive number is ignored."""
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
        jpeg=rules.jpeg_thumbnails,
    )


def _decoded(raw: str) -> str:
    """Decode a value; return an empty text if it is malformed."""
    try:
        return parameters.percent_decode(raw)
    except errors.MalformedUrl:
        return ""


def warmups(image: ImageId, header: str, rules: VipRules) -> list[tuple[str, VipRequest | None]]:
    """Parse an `X-Vip-Warmup` header, `s=250&c=true,s=500`, into entries with their requests.

    The request is None for an entry without a rendition. Empty entries are left out.
    """
    entries = [entry.strip() for entry in header.split(",")]
    requests = [(entry, read(image, entry.lstrip("?"), rules)) for entry in entries if entry]
    return [(entry, None if request.whole else request) for entry, request in requests]


def rendition_key(image: ImageId, variant: str) -> str | None:
    """Return vip's own key of a rendition; None if vip does not make it."""
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
        bare=rendition.bare,
    ).canonical()
    if rendition != plain or moving or not rendition.width or rendition.width == SQUARE:
        return None
    if rendition.fit is Fit.CROP and rendition.width == rendition.height:
        return f"{image.name}/c/s/{rendition.width}"
    return None if rendition.height else f"{image.name}/s/{rendition.width}"
