"""What the handlers work with: one value, built by the composition root."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tornado.httputil import HTTPHeaders

from liveresize.domain import urls
from liveresize.domain.parameters import UrlRules
from liveresize.domain.urls import PictureRequest
from liveresize.service.pictures import Pictures
from liveresize.service.purge import Purge
from liveresize.service.uploads import Uploads
from liveresize.web.clients import Networks
from liveresize.web.responses import ResponseOptions

_REMEMBERED = 4096
_LONGEST = 512
"""Parsed URLs that are remembered, and the longest of them: a hit is asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions:
    """What the web itself decides by.

    Rates are in bytes a second, times in seconds, sizes in bytes. `secret` guards
    /token, `freshness` is the header that renders anew; empty is none.
    """

    responses: ResponseOptions = field(default_factory=ResponseOptions)
    secret: str = ""
    freshness: str = ""
    admin_secrets: tuple[str, ...] = ()
    token_networks: Networks = field(default_factory=lambda: Networks(()))
    admin_networks: Networks = field(default_factory=lambda: Networks(()))
    trusted_proxies: Networks = field(default_factory=lambda: Networks(()))
    token_lifetime: float = 900.0
    formats: tuple[str, ...] = ()
    allow_indexing: bool = False
    body_rate: float = 1024.0
    body_grace: float = 10.0
    ready_strict: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """How one part of the server is, for /_ready; `detail` is for operators alone."""

    ok: bool
    detail: dict[str, object] = field(default_factory=dict)


class Site:
    """The service, the rules of the URLs and the options, for every handler."""

    def __init__(
        self,
        options: SiteOptions,
        *,
        rules: UrlRules,
        pictures: Pictures,
        uploads: Uploads,
        purge: Purge,
        ping: Callable[[], Awaitable[None]],
        parts: Callable[[], Awaitable[dict[str, Part]]],
    ) -> None:
        self.options = options
        self.pictures = pictures
        self.uploads = uploads
        self.purge = purge
        self.ping = ping
        self.parts = parts
        self.ready = False
        self._rules = rules
        self._parsed: dict[tuple[str, str], PictureRequest] = {}

    def parse(self, target: str, headers: HTTPHeaders) -> PictureRequest:
        """The picture that a raw request target asks for. Raises RequestError."""
        key = (target, headers.get("Accept", "*/*"))
        request = self._parsed.get(key)
        if request is None:
            request = urls.parse(*key, self._rules)
            if len(key[0]) + len(key[1]) <= _LONGEST:
                if len(self._parsed) >= _REMEMBERED:
                    self._parsed.clear()
                self._parsed[key] = request
        return request
