"""`/_studio/`: the page, the settings that it needs, and tokens for administrators."""

import re

from tornado.web import HTTPError

from liveresize import __version__, errors
from liveresize.core.operations import OPERATIONS
from liveresize.http import conditions, responses
from liveresize.http.handlers import admin
from liveresize.http.handlers.base import Handler
from liveresize.http.handlers.tokens import TokenHandler
from liveresize.http.responses import Response
from liveresize.http.scopes import EVERYTHING, Scope
from liveresize.http.studio import knobs
from liveresize.http.studio.assets import INDEX, Asset, Body

ROOT = "/_studio/"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""The policy of the page: it may only load files from this server and connect to it. It requests
every picture with `proxy=true`, so that it is never redirected to another host."""

_GUARDS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)

_NEVER = re.compile(r"\s*q\s*=\s*0(?:\.0*)?\s*", re.IGNORECASE)
"""The weight of an encoding that a client does not accept."""


class StudioHandler(Handler):
    """Base of the handlers under `/_studio/`, which pages of other origins cannot read."""

    cross_origin = False
    route = "studio"


class StudioRedirectHandler(StudioHandler):
    """`/_studio`, without the slash that the relative URLs in the page need."""

    async def get(self) -> None:
        """Respond with a 308 to the page, relative to any prefix of a proxy."""
        headers = [("Location", ROOT[1:]), ("Cache-Control", "no-cache")]
        await self.respond(Response(status=308, headers=headers))

    head = get


class StudioPageHandler(StudioHandler):
    """`/_studio/` and its files."""

    async def get(self) -> None:
        """Respond with the file as read at the start, or 304. Raises HTTPError 404."""
        asset = self.site.studio.get(self.request.path.removeprefix(ROOT) or INDEX)
        if asset is None:
            raise HTTPError(404)
        await self.respond(self._file(asset))

    head = get

    def _file(self, asset: Asset) -> Response:
        packed = _takes_gzip(self.request.headers.get("Accept-Encoding", ""))
        body: Body = asset.packed if packed else asset.plain
        headers = [
            ("ETag", f'"{body.etag}"'),
            ("Cache-Control", "no-cache"),
            ("Vary", "Accept-Encoding"),
            *_GUARDS,
        ]
        if conditions.matches(self.conditionals.if_none_match, body.etag):
            return Response(status=304, headers=headers, length=None)
        headers.append(("Content-Type", asset.kind))
        if packed:
            headers.append(("Content-Encoding", "gzip"))
        return Response(status=200, headers=headers, body=body.data, length=len(body.data))


class StudioSessionHandler(StudioHandler):
    """`/_studio/session`: whether the client may use the page, and the settings for it."""

    async def get(self) -> None:
        """Respond with the limits and defaults of this server, or 401, 403 or 429."""
        if self.site.admin.secrets:
            admin.authorise_all(self)
        elif self.client not in self.site.admin_networks:
            raise errors.NetworkRefused
        no_store = [("Cache-Control", responses.NO_STORE)]
        await self.respond(responses.document(self._session(), no_store))

    head = get

    def _session(self) -> dict[str, object]:
        site = self.site
        return {
            "version": __version__,
            "max_width": site.constraints.max_width,
            "max_height": site.constraints.max_height,
            "max_upload_bytes": site.uploads.max_bytes,
            "max_megapixels": site.constraints.max_input,
            "input": list(site.formats),
            "enlarge": site.rules.enlarge,
            "knobs": knobs.described(site.rules),
            "order": [*OPERATIONS, "preset"],
            "signed": bool(site.signing.keys),
            "jxl": site.rules.jxl,
            "presets": {name: dict(preset) for name, preset in site.rules.presets.items()},
            "facts": site.public_originals,
            "token": self._token(),
            "delete": bool(site.admin.secrets),
        }

    def _token(self) -> str:
        """Return the source of tokens: `studio` (/_studio/token), or /token, which is `open` or
        needs a `secret`."""
        if self.site.admin.secrets:
            return "studio"
        return "secret" if self.site.secret else "open"


class StudioTokenHandler(TokenHandler):
    """`POST /_studio/token`: as /token, with an admin secret, which also allows to delete."""

    cross_origin = False

    async def start(self) -> None:
        """Check the secret before the body is read."""
        admin.authorise_all(self)

    def _authorise(self, fields: object) -> Scope:
        """Allow everything: `start` has checked the secret."""
        return EVERYTHING

    def _may_overwrite(self, scope: Scope) -> bool:
        return True  # whoever may delete may replace


def _takes_gzip(accepted: str) -> bool:
    """Whether `Accept-Encoding` has gzip with a weight above 0."""
    for coding in accepted.split(","):
        name, _, weight = coding.partition(";")
        if name.strip().lower() in ("gzip", "*"):
            return not _NEVER.fullmatch(weight)
    return False
