"""`/_studio/`: the page, what it has to know of the server, and tokens for who is trusted."""

import re
from collections.abc import Mapping
from typing import Any

from tornado.web import HTTPError

from liveresize import __version__, errors
from liveresize.core.operation import Effect
from liveresize.core.operations import OPERATIONS
from liveresize.http import conditions, responses
from liveresize.http.handlers import admin
from liveresize.http.handlers.base import Handler
from liveresize.http.handlers.tokens import TokenHandler
from liveresize.http.responses import Response
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
"""What the page may do: load what is here, and speak to this server alone. It asks for every
picture with `proxy=true`, so that no redirect leads it anywhere else."""

_GUARDS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)

_NEVER = re.compile(r"\s*q\s*=\s*0(?:\.0*)?\s*", re.IGNORECASE)
"""The weight of an encoding that a client does not take."""


class StudioHandler(Handler):
    """Base of what is under `/_studio/`: pages of other origins read none of it."""

    cross_origin = False
    route = "studio"


class StudioRedirectHandler(StudioHandler):
    """`/_studio`, without the slash that the addresses in the page are relative to."""

    async def get(self) -> None:
        """308 to the page, under whatever prefix a proxy has put it."""
        headers = [("Location", ROOT[1:]), ("Cache-Control", "no-cache")]
        await self.respond(Response(status=308, headers=headers))

    head = get


class StudioPageHandler(StudioHandler):
    """`/_studio/` and its files."""

    async def get(self) -> None:
        """The file as it was read at the start, or 304."""
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
    """`/_studio/session`: whether the page may work, and what it has to know for that."""

    async def get(self) -> None:
        """The limits and defaults of this server; 401, 403 or 429 for who may not know."""
        if self.site.admin.secrets:
            admin.authorise(self)
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
            "filters": {
                name: _widest(row.schema)
                for name, row in OPERATIONS.items()
                if row.effect is Effect.FILTER
            },
            "presets": {name: dict(preset) for name, preset in site.rules.presets.items()},
            "facts": site.public_originals,
            "token": self._token(),
            "delete": bool(site.admin.secrets),
        }

    def _token(self) -> str:
        """Where tokens come from: `studio` (/_studio/token), or /token, `open` or for a
        `secret`."""
        if self.site.admin.secrets:
            return "studio"
        return "secret" if self.site.secret else "open"


class StudioTokenHandler(TokenHandler):
    """`POST /_studio/token`: a token for whoever has an admin secret, who may delete as well.

    All else is as for /token.
    """

    cross_origin = False

    async def start(self) -> None:
        """Nobody else is read any further."""
        admin.authorise(self)

    def _authorise(self, fields: object) -> None:
        """`start` has seen to it."""


def _widest(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The last of the schemas that a value may have, for a knob has one: a number, not a flag."""
    each: Mapping[str, Any] = schema.get("anyOf", [schema])[-1]
    return each


def _takes_gzip(accepted: str) -> bool:
    """Whether `Accept-Encoding` has gzip in it, with a weight above 0."""
    for coding in accepted.split(","):
        name, _, weight = coding.partition(";")
        if name.strip().lower() in ("gzip", "*"):
            return not _NEVER.fullmatch(weight)
    return False
