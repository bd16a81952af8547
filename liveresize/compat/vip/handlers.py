"""The routes of vip: uploads into buckets and warm-ups. Its pictures are answered by
`images.PictureHandler` and `hits`, like all others.
"""

import fnmatch
from typing import Any
from urllib.parse import urlsplit

from liveresize import errors
from liveresize.compat.vip import requests as vip
from liveresize.compat.vip.requests import VipRequest
from liveresize.compat.vip.uploads import VipUpload
from liveresize.delivery.warmup import Fate
from liveresize.http import responses
from liveresize.http.handlers.base import Handler
from liveresize.http.handlers.bodies import BodyHandler
from liveresize.http.transport import clients

WARMUP = "/warmup"

_CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS"),
    (
        "Access-Control-Allow-Headers",
        "Accept, Content-Type, X-Vip-Token, X-Vip-Warmup, Authorization",
    ),
    ("Access-Control-Max-Age", "86400"),
)

_EMPTY = "File must have size greater than 0"
"""To the letter as vip says it, for its clients may look."""

_JSON = "application/json"
"""What vip calls its answers to uploads, without a charset."""


def origin_allowed(handler: Handler) -> bool:
    """Whether the page that asks is one of those that may; ports do not matter.

    As with vip, the pattern `*` is for those who name no origin, too.
    """
    try:
        host = urlsplit(handler.request.headers.get("Origin", "")).hostname or ""
    except ValueError:
        return False
    return any(
        fnmatch.fnmatchcase(host, pattern.lower()) for pattern in handler.site.vip.allowed_origins
    )


def check_routes(handler: Handler) -> None:
    """Raise BucketMissing where no bucket is listed: the routes are off then."""
    if not handler.site.vip_rules.buckets:
        raise errors.BucketMissing


def authorise(handler: Handler) -> None:
    """Raise SecretRefused or TooManyFailures unless the client may upload, BucketMissing
    where nobody can."""
    check_routes(handler)
    settings = handler.site.vip
    supplied = handler.request.headers.get("X-Vip-Token", "").encode("latin-1")
    token = settings.token
    if token and handler.site.secret_throttle.one_of(handler.client, supplied, (token,)):
        return
    if origin_allowed(handler) and not settings.require_token:
        return
    if settings.allow_anonymous and not token and not settings.allowed_origins:
        return
    raise errors.SecretRefused("The header X-Vip-Token is missing or wrong.")


def cross_origin_headers(handler: Handler) -> responses.Headers:
    """What lets a page that may upload read the answer."""
    vary = ("Vary", "Origin")
    return [*_CORS, vary] if origin_allowed(handler) else [vary]


class VipUploadHandler(BodyHandler):
    """`POST /upload/{bucket}`, the raw picture."""

    cross_origin = False
    route = "vip_upload"

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """No upload is under way yet."""
        super().initialize(*args, **kwargs)
        self.max_body = self.site.vip_uploads.max_bytes
        self._upload: VipUpload | None = None
        self.error_headers = [*cross_origin_headers(self), ("Content-Type", _JSON)]

    async def start(self) -> None:
        """Who asks, and where to; then vip's own two checks of the length."""
        authorise(self)
        bucket = vip.check_bucket(self.request.path.rpartition("/")[2], self.site.vip_rules)
        if self.request.headers.get("Content-Length") == "0":
            raise errors.BadUpload(_EMPTY)
        if self._declared > self.max_body:
            raise self.too_large()
        self._upload = self.site.vip_uploads.begin(bucket, self.client_key)

    async def take(self, chunk: bytes) -> None:
        """Pass it on."""
        assert self._upload is not None
        await self._upload.write(chunk)

    async def end(self) -> None:
        """Store the picture, tell its address, and have renditions made of it."""
        assert self._upload is not None
        if not self.arrived:
            raise errors.BadUpload(_EMPTY)
        upload, self._upload = self._upload, None
        image = (await upload.finish()).image
        header = ",".join(self.request.headers.get_list("X-Vip-Warmup"))
        entries = self.site.request_parser.warmups(image, header)
        self.site.warmup.ask([request for _, request in entries if request is not None])
        await self.respond(
            responses.document(
                {"url": f"{self._base()}/{image.bucket}/{image.name}"},
                [("Cache-Control", responses.NO_STORE), *cross_origin_headers(self)],
                status=201,
                kind=_JSON,
            )
        )

    def _base(self) -> str:
        """How the addresses of this server begin, as far as the client knows."""
        address = clients.asked_for(self.request, self.site.trusted_proxies)
        return f"{address.scheme}://{self.site.vip.hostname or address.host}"

    async def discard(self) -> None:
        """Nothing came of it."""
        upload, self._upload = self._upload, None
        if upload is not None:
            await upload.abort()

    def too_large(self) -> errors.LiveResizeError:
        """To the letter as vip says it."""
        limit = self.site.vip.size_limit
        return errors.UploadTooLarge(f"The file size limit is {limit}MB")


class VipWarmupHandler(BodyHandler):
    """`POST /{bucket}/{id}/warmup`, entries in the header `X-Vip-Warmup`."""

    cross_origin = False
    route = "warmup"

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """See tornado.web.RequestHandler."""
        super().initialize(*args, **kwargs)
        self.error_headers = cross_origin_headers(self)

    async def start(self) -> None:
        """Nobody else is read any further."""
        authorise(self)

    async def take(self, chunk: bytes) -> None:
        """A body says nothing."""

    async def end(self) -> None:
        """Queue what can be made, and tell what becomes of every entry."""
        image = vip.image(self.request.path.removesuffix(WARMUP), self.site.vip_rules)
        await self.site.pictures.original(image)
        header = ",".join(self.request.headers.get_list("X-Vip-Warmup"))
        entries = self.site.request_parser.warmups(image, header)
        if not entries:
            raise errors.BadBody("The header X-Vip-Warmup is missing or empty.")
        requests: list[VipRequest] = [request for _, request in entries if request is not None]
        fates = iter(self.site.warmup.ask(requests))
        results = [
            {"entry": entry, "fate": Fate.INVALID if request is None else next(fates)}
            for entry, request in entries
        ]
        await self.respond(
            responses.document(
                {"warmup": results},
                [("Cache-Control", responses.NO_STORE), *cross_origin_headers(self)],
                status=202,
            )
        )


class VipPreflightHandler(Handler):
    """`OPTIONS` of both."""

    cross_origin = False
    route = "vip_upload"

    async def options(self) -> None:
        """Answer the preflight; 401 to pages that may not upload, as vip does."""
        check_routes(self)
        headers = cross_origin_headers(self)
        if len(headers) == 1:
            self.error_headers = headers
            raise errors.SecretRefused("Pages of this origin may not upload here.")
        await self.respond(responses.Response(status=200, headers=headers, length=0))


class PingHandler(Handler):
    """`/ping`, as vip answers it."""

    route = "status"

    async def get(self) -> None:
        """`pong`."""
        await self.respond(responses.text("pong", [("Cache-Control", responses.NO_STORE)]))

    head = get
