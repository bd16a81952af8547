"""What the handlers work with: one value, built by the composition root."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from liveresize.compat.vip.requests import VipRequest, VipRules
from liveresize.compat.vip.uploads import VipUploads
from liveresize.core import ports
from liveresize.core.geometry import Bounds
from liveresize.core.operation import UrlRules
from liveresize.core.sizes import SizeRules
from liveresize.delivery.objects import StoredObjects
from liveresize.delivery.pictures import Pictures
from liveresize.delivery.warmup import Warmup
from liveresize.http.request_parser import RequestParser, SigningOptions
from liveresize.http.responses import ResponseOptions
from liveresize.http.secret_throttle import SecretThrottle
from liveresize.http.studio import assets
from liveresize.http.transport import clients
from liveresize.http.transport.clients import Networks, UnlistedProxies
from liveresize.http.transport.unsent import Unsent
from liveresize.maintenance.purge import Purge
from liveresize.observe.metrics.exposition import Scrape
from liveresize.uploads.token_uploads import Uploads

_YEAR = 31_536_000
"""Seconds for which pictures of vip may be kept: their ids are never given out again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VipOptions:
    """Who may upload into buckets, and how the address of what came of it begins.

    `origins` are patterns of hosts; `hostname` empty is the one that was asked.
    """

    hostname: str
    token: str = field(repr=False)
    origins: tuple[str, ...]
    require_token: bool
    allow_anonymous: bool
    size_limit: int
    responses: ResponseOptions = field(
        default_factory=lambda: ResponseOptions(dated=True, render_max_age=_YEAR)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioOptions:
    """What the studio is told of pictures here beyond what `SiteOptions` has, so that it
    offers what can be had."""

    max_megapixels: float
    enlarge: bool
    public_originals: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions:
    """What the web itself decides by.

    Rates are in bytes a second, times in seconds, sizes in bytes. A refused body, and one
    that nobody takes, is read for `unwanted_body` seconds at most. `secret` guards
    /token, `freshness` is the header that renders anew; empty is none. `failed_secrets`
    are the wrong ones for one secret that one client may try a minute, 0 is any. Without
    `studio` there is none. `bounds` are the largest rendition, in pixels.
    """

    responses: ResponseOptions
    vip: VipOptions
    signing: SigningOptions
    studio: StudioOptions | None
    bounds: Bounds
    secret: str
    freshness: str
    admin_secrets: tuple[str, ...]
    failed_secrets: int
    token_networks: Networks
    admin_networks: Networks
    trusted_proxies: Networks
    private_networks: Networks
    token_lifetime: float
    formats: tuple[str, ...]
    allow_indexing: bool
    body_rate: float
    body_grace: float
    unwanted_body: float
    ready_strict: bool


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """How one part of the server is, for /_ready; `detail` is for operators alone."""

    ok: bool
    detail: dict[str, object] = field(default_factory=dict)


class AppContext:
    """The service, the rules of the URLs and the options, for every handler."""

    def __init__(
        self,
        options: SiteOptions,
        *,
        rules: UrlRules,
        vip_rules: VipRules,
        sizes: SizeRules,
        clock: ports.Clock,
        pictures: Pictures,
        objects: StoredObjects,
        uploads: Uploads,
        vip_uploads: VipUploads,
        warmup: Warmup[VipRequest],
        purge: Purge,
        ping: Callable[[], Awaitable[None]],
        parts: Callable[[], Awaitable[dict[str, ComponentHealth]]],
        unsent: Unsent,
    ) -> None:
        self.options = options
        self.pictures = pictures
        self.objects = objects
        self.uploads = uploads
        self.vip_uploads = vip_uploads
        self.warmup = warmup
        self.purge = purge
        self.ping = ping
        self.parts = parts
        self.scrape: Scrape
        """Set by the server, since metrics count its connections, too."""
        self.unsent = unsent
        self.ready = False
        self.rules = rules
        self.vip_rules = vip_rules
        self.unlisted_proxies = UnlistedProxies(options.private_networks, options.trusted_proxies)
        self.secret_throttle = SecretThrottle(options.failed_secrets, clock.monotonic)
        self.studio: assets.Assets = {}
        if options.studio is not None:
            self.studio = assets.load(locked=bool(options.admin_secrets))
        self.request_parser = RequestParser(
            options.signing,
            rules=rules,
            vip_rules=vip_rules,
            sizes=sizes,
            responses=options.responses,
            vip_responses=options.vip.responses,
            secret_throttle=self.secret_throttle,
            clock=clock.time,
        )

    def is_proxy(self, peer: str) -> bool:
        """Whether the peer at that address asks for others: one of `trusted_proxies`, or an
        unlisted one."""
        return peer in self.options.trusted_proxies or peer in self.unlisted_proxies

    def client_key(self, peer: str, forwarded: str | None) -> str:
        """What limits for one client count the client as; empty for an unlisted proxy."""
        if self.unlisted_proxies.notice(peer, forwarded):
            return ""
        return clients.counted_as(clients.client_ip(peer, forwarded, self.options.trusted_proxies))
