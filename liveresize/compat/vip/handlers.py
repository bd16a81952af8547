"""The routes of vip: uploads into buckets and warm-ups.

Its pictures are served by `images.PictureHandler` and the fast path, like all others.
"""

import fnmatch
import string
from typing import Any
from urllib.parse import quote, urlsplit

from tornado.web import HTTPError

from liveresize import errors
from liveresize.compat.vip import requests as vip
from liveresize.compat.vip.requests import VipRequest
from liveresize.compat.vip.uploads import VipUpload
from liveresize.core import byte_limit
from liveresize.delivery.warmup import Fate
from liveresize.http import cors, responses
from liveresize.http.handlers.base import Handler, Unknown
from liveresize.http.handlers.bodies import BodyHandler
from liveresize.http.transport import clients

WARMUP = "/warmup"

_METHODS = ("GET", "HEAD", "POST", "OPTIONS")
_HEADERS = "Accept, Content-Type, X-Vip-Token, X-Vip-Warmup, Authorization"
"""What pages of allowed origins may send, as vip has it; other headers that they ask for, too."""

_CORS = (
    cors.ANY_ORIGIN,
    ("Access-Control-Allow-Methods", ", ".join(_METHODS)),
    ("Access-Control-Allow-Headers", _HEADERS),
    ("Access-Control-Max-Age", "86400"),
)
"""vip sends these with every response to such a page."""

_CLEAN_AGE = 86_400
"""Seconds for which a redirect to a clean path may be kept."""

_EMPTY = "File must have size greater than 0"
"""The exact text of vip, because clients may compare it."""

_JSON = "application/json"
"""The media type of vip's responses to uploads, without a charset."""


def origin_allowed(handler: Handler) -> bool:
    """Whether the origin of the request is allowed; ports are ignored.

    As with vip, the pattern `*` also allows requests without an origin.
    """
    try:
        host = urlsplit(handler.request.headers.get("Origin", "")).hostname or ""
    except ValueError:
        return False
    return any(
        fnmatch.fnmatchcase(host, pattern.lower()) for pattern in handler.site.vip.allowed_origins
    )


def check_routes(handler: Handler) -> None:
    """Raise BucketMissing if no bucket is configured, which disables the routes."""
    if not handler.site.vip_rules.buckets:
        raise errors.BucketMissing


def authorise(handler: Handler) -> None:
    """Raise SecretRefused or TooManyFailures unless the client may upload, and BucketMissing if
    the routes are disabled."""
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
    """Return the headers that allow a page with an allowed origin to read the response."""
    vary = ("Vary", "Origin")
    if not origin_allowed(handler):
        return [vary]
    return [*_CORS, cors.EXPOSED, vary]


class VipUploadHandler(BodyHandler):
    """`POST /upload/{bucket}`, the raw picture."""

    cross_origin = False
    route = "vip_upload"

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Set the initial state."""
        super().initialize(*args, **kwargs)
        self.max_body = self.site.vip_uploads.max_bytes
        self._upload: VipUpload | None = None
        self.error_headers = [*cross_origin_headers(self), ("Content-Type", _JSON)]

    async def start(self) -> None:
        """Check the client and the bucket, then the length, as vip does."""
        authorise(self)
        bucket = vip.check_bucket(self.request.path.rpartition("/")[2], self.site.vip_rules)
        if self.request.headers.get("Content-Length") == "0":
            raise errors.BadUpload(_EMPTY)
        if self._declared > self.max_body:
            raise self.too_large()
        self._upload = self.site.vip_uploads.begin(bucket, self.client_key)

    async def take(self, chunk: bytes) -> None:
        """Write the chunk to the upload."""
        assert self._upload is not None
        await self._upload.write(chunk)

    async def end(self) -> None:
        """Store the picture, queue its warm-ups, and respond with its URL."""
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
        """Return the base URL of this server, as the client requested it."""
        address = clients.asked_for(self.request, self.site.trusted_proxies)
        return f"{address.scheme}://{self.site.vip.hostname or address.host}"

    async def discard(self) -> None:
        """Abort the upload."""
        upload, self._upload = self._upload, None
        if upload is not None:
            await upload.abort()

    def too_large(self) -> errors.LiveResizeError:
        """Return the error with the exact text of vip, and ours as a field."""
        hint = byte_limit.exceeded("The body", self.max_body, "`vip.size_limit`", self._declared)
        limit = self.site.vip.size_limit
        return errors.UploadTooLarge(f"The file size limit is {limit}MB", "", {"hint": hint.public})


class VipWarmupHandler(BodyHandler):
    """`POST /{bucket}/{id}/warmup`, entries in the header `X-Vip-Warmup`."""

    cross_origin = False
    route = "warmup"

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """See tornado.web.RequestHandler."""
        super().initialize(*args, **kwargs)
        self.error_headers = cross_origin_headers(self)

    async def start(self) -> None:
        """Check the client before the body is read."""
        authorise(self)

    async def take(self, chunk: bytes) -> None:
        """Ignore the body."""

    async def end(self) -> None:
        """Queue the valid entries, and respond with the result of every entry."""
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
    """`OPTIONS` of uploads and warm-ups."""

    cross_origin = False
    route = "vip_upload"

    async def options(self) -> None:
        """Respond to the preflight request; 401 to other origins, as vip does."""
        check_routes(self)
        vary = ("Vary", "Origin, Access-Control-Request-Headers")
        if not origin_allowed(self):
            self.error_headers = [vary]
            raise errors.SecretRefused("Pages of this origin may not upload here.")
        allowed = [*cors.preflight(self.request.headers, _METHODS, _HEADERS), vary]
        await self.respond(responses.Response(status=200, headers=allowed, length=0))


class UncleanPathHandler(Unknown):
    """Paths without a route: `//bucket/id` and `/bucket/../bucket/id` have a clean one."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Redirect to the clean path, as vip does. Raises HTTPError 404 if there is none."""
        request = self.request
        clean = None
        if request.method in ("GET", "HEAD") and self.site.vip_rules.buckets:
            clean = vip.cleaned(request.path)
        if clean is None:
            raise HTTPError(404)
        target = f"{clean}?{request.query}" if request.query else clean
        headers = [
            ("Location", quote(target.encode("latin-1"), safe=string.punctuation)),
            ("Cache-Control", f"public, max-age={_CLEAN_AGE}"),
            ("Access-Control-Allow-Origin", "*"),
        ]
        await self.respond(responses.Response(status=301, headers=headers))


class PingHandler(Handler):
    """`/ping`, as in vip."""

    route = "status"

    async def get(self) -> None:
        """Respond with `pong`."""
        await self.respond(responses.text("pong", [("Cache-Control", responses.NO_STORE)]))

    head = get
