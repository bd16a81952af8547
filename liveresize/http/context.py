"""The context of the handlers: one value, built by the composition root."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from liveresize.compat.vip.requests import VipRequest, VipRules
from liveresize.compat.vip.uploads import VipUploads
from liveresize.core import ports
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.sizes import SizeRules
from liveresize.delivery.fallback_pictures import FallbackPictures
from liveresize.delivery.objects import StoredObjects
from liveresize.delivery.pictures import Pictures
from liveresize.delivery.warmup import Warmup
from liveresize.http.near_misses import NearMisses
from liveresize.http.receipts import Receipts
from liveresize.http.request_parser import RequestParser
from liveresize.http.responses import ResponseOptions
from liveresize.http.secret_throttle import SecretThrottle
from liveresize.http.studio import assets
from liveresize.http.transport import clients, unwanted
from liveresize.http.transport.clients import Networks, UnlistedProxies
from liveresize.http.transport.unsent import Unsent
from liveresize.maintenance.bucket_bounds import BucketBounds
from liveresize.maintenance.changes import Changes
from liveresize.maintenance.purge import Purge
from liveresize.observe.metrics.exposition import Scrape
from liveresize.observe.tracing.incoming import IncomingTraces
from liveresize.settings.applications import NONE, Applications
from liveresize.settings.entrances import Vip
from liveresize.settings.pictures import Constraints
from liveresize.settings.server import PRIVATE_NETWORKS, Admin, Limits, Signing, Token
from liveresize.uploads.resumable import ResumableUploads
from liveresize.uploads.token_uploads import Uploads

_YEAR = 31_536_000

_VIP_RESPONSES = ResponseOptions(dated=True, render_max_age=_YEAR)
"""Caches may keep pictures of vip for a year: their ids are never reused."""


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """The health of one component, for /_ready; `detail` is only for operators."""

    ok: bool
    detail: dict[str, object] = field(default_factory=dict)


class AppContext:
    """The services, the rules of URLs and the settings, for every handler."""

    def __init__(
        self,
        *,
        secret: str,
        freshness: str,
        trusted_proxies: Iterable[str],
        allow_indexing: bool,
        formats: tuple[str, ...],
        public_originals: bool,
        ready_strict: bool,
        studio: bool,
        forces_overlays: bool,
        docs_url: str,
        constraints: Constraints,
        limits: Limits,
        token: Token,
        admin: Admin,
        signing: Signing,
        vip: Vip,
        responses: ResponseOptions,
        rules: UrlRules,
        vip_rules: VipRules,
        size_rules: Callable[[ImageId], SizeRules],
        fallbacks: FallbackPictures,
        clock: ports.Clock,
        pictures: Pictures,
        objects: StoredObjects,
        uploads: Uploads,
        resumable: ResumableUploads,
        vip_uploads: VipUploads,
        warmup: Warmup[VipRequest],
        purge: Purge,
        receipts: Receipts,
        changes: Changes,
        bucket_bounds: BucketBounds,
        page: Callable[[ports.Listing, str, int], Awaitable[ports.Page]],
        ping: Callable[[], Awaitable[None]],
        parts: Callable[[], Awaitable[dict[str, ComponentHealth]]],
        unsent: Unsent,
        traces: IncomingTraces,
        applications: Applications = NONE,
    ) -> None:
        self.secret = secret
        """The secret for /token; empty is none."""
        self.freshness = freshness
        """The header that bypasses the caches; empty is none."""
        self.trusted_proxies = Networks(trusted_proxies)
        self.token_networks = Networks(token.networks)
        self.admin_networks = Networks(admin.networks)
        self.allow_indexing = allow_indexing
        self.formats = formats
        """The accepted formats of uploads."""
        self.public_originals = public_originals
        self.ready_strict = ready_strict
        self.forces_overlays = forces_overlays
        """Whether `constraints.overlay_above` is set."""
        self.docs_url = docs_url
        """The URL of the documentation; empty is none."""
        self.applications = applications
        self.constraints = constraints
        self.limits = limits
        self.token = token
        self.admin = admin
        self.signing = signing
        self.vip = vip
        self.responses = responses
        self.unwanted_body = min(unwanted.SECONDS, limits.body_grace)
        """The time for reading a body that is refused or not used, in seconds."""
        self.pictures = pictures
        self.objects = objects
        self.uploads = uploads
        self.resumable = resumable
        self.vip_uploads = vip_uploads
        self.warmup = warmup
        self.purge = purge
        self.receipts = receipts
        self.changes = changes
        self.bucket_bounds = bucket_bounds
        self.page = page
        self.ping = ping
        self.parts = parts
        self.scrape: Scrape
        """Set by the server, because metrics count its connections, too."""
        self.unsent = unsent
        self.traces = traces
        self.ready = False
        self.rules = rules
        self.vip_rules = vip_rules
        self.fallbacks = fallbacks
        self.unlisted_proxies = UnlistedProxies(Networks(PRIVATE_NETWORKS), self.trusted_proxies)
        self.secret_throttle = SecretThrottle(limits.failed_secrets, clock.monotonic)
        self.studio = assets.load(locked=bool(admin.secrets)) if studio else {}
        """The files of the studio; empty if it is disabled."""
        self.request_parser = RequestParser(
            signing,
            rules=rules,
            vip_rules=vip_rules,
            size_rules=size_rules,
            responses=responses,
            vip_responses=_VIP_RESPONSES,
            secret_throttle=self.secret_throttle,
            clock=clock.time,
            applications=applications,
        )
        self.near_misses = NearMisses(pictures, self.request_parser, clock.monotonic)

    def is_proxy(self, peer: str) -> bool:
        """Whether the peer at that address is a proxy: one of `trusted_proxies`, or an unlisted
        one."""
        return peer in self.trusted_proxies or peer in self.unlisted_proxies

    def client_key(self, peer: str, forwarded: str | None) -> str:
        """Return the key of the client for limits; empty for an unlisted proxy."""
        if self.unlisted_proxies.notice(peer, forwarded):
            return ""
        return clients.counted_as(clients.client_ip(peer, forwarded, self.trusted_proxies))
