"""`/openapi.json`: made once, at the start."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from liveresize import __version__
from liveresize.web import conditions
from liveresize.web.conditions import Validators
from liveresize.web.handler import Handler
from liveresize.web.openapi import document
from liveresize.web.openapi.document import Row
from liveresize.web.openapi.schemas import Limits
from liveresize.web.responses import Answer
from liveresize.web.site import Site

_AGE = 3600
"""Seconds for which it may be kept: a release or a new configuration may change it."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The bytes of the document, and their SHA-256 in hex."""

    data: bytes
    etag: str

    @classmethod
    def of(cls, rows: Sequence[Row], site: Site) -> "Contract":
        """That of a site and its routes; some milliseconds of work."""
        told = document.build(rows, limits(site))
        data = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(data, hashlib.sha256(data).hexdigest())


class OpenApiHandler(Handler):
    """`/openapi.json`."""

    route = "status"

    async def get(self) -> None:
        """The document, or 304."""
        contract: Contract = self.application.settings["contract"]
        headers = [
            ("Cache-Control", f"public, max-age={_AGE}"),
            ("ETag", f'"{contract.etag}"'),
            ("Access-Control-Allow-Origin", "*"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        if conditions.unchanged(self.asked, Validators(contract.etag)):
            await self.respond(Answer(status=304, headers=headers, length=None))
            return
        headers.append(("Content-Type", "application/json"))
        await self.respond(
            Answer(status=200, headers=headers, body=contract.data, length=len(contract.data))
        )

    head = get


def limits(site: Site) -> Limits:
    """What of the configuration the document tells."""
    options = site.options
    return Limits(
        version=__version__,
        max_width=options.bounds.max_width,
        max_height=options.bounds.max_height,
        max_upload_bytes=site.uploads.options.max_bytes,
        formats=options.formats,
        presets=tuple(site.rules.presets),
    )
