"""The whole configuration: the keys of the top level, and every section."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from liveresize.settings import backends, caches, entrances, pictures, schema, server
from liveresize.settings.applications import NONE, Applications, entries
from liveresize.settings.schema import key, section
from liveresize.settings.values import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The configuration in force.

    `sources` tells, for every dotted key, where its value comes from; `warnings` are
    sentences about what looks wrong and does not stop the server.
    """

    listen_address: str = key("127.0.0.1", "Address to listen on; empty is all of them.")
    listen_port: int = key(1337, "Port to listen on; 0 takes a free one.", least=0, most=65_535)
    data_dir: str = key("data", "Folder of everything that is stored here.")
    originals_dir: str = key("", "Folder of the originals; empty is originals in `data_dir`.")
    allow_indexing: bool = key(False, "Whether /robots.txt lets search engines in.")
    secret: str = key("", "What /token asks for; empty answers `token.networks`.", secret=True)
    freshness: str = key(
        "", "Header `Freshness-Token` that renders anew; empty is none.", secret=True
    )
    delivery: str = key(
        "redirect",
        "Whether known renditions are redirected to, plainly or signed, or sent.",
        choices=("redirect", "presign", "proxy"),
    )
    redirect_cache_timeout: int = key(
        604_800, "Seconds for which clients may keep a redirect.", least=0
    )
    render_cache_timeout: int = key(
        86_400, "Seconds for which clients may keep a fresh rendition.", least=0
    )
    enlarge: bool = key(True, "Whether small originals are scaled up unless a URL says so.")
    http2: bool = key(True, "Whether HTTP/2 is spoken over TLS, beside HTTP/1.1.")
    http2_cleartext: bool = key(
        False, "Whether ports without TLS speak HTTP/2 to balancers that begin with it."
    )
    studio: bool = key(
        False, "Whether /_studio/ is served; in production that needs `admin.secrets`."
    )
    docs_url: str = key(
        "", "URL of the documentation, which `/` links to; empty is no link.", form=Form.URL
    )
    presets: Mapping[str, Mapping[str, str]] = key({}, "Query parameters behind `preset=name`.")
    fallback: Mapping[str, str] = key(
        {},
        "Images that are shown with a 404 instead of missing ones: the beginning of their ids → "
        'the id of the image, as in `{"avatar-": "nobody"}`. The longest beginning counts.',
    )
    overlays: Mapping[str, Mapping[str, object]] = key(
        {},
        "Pictures that are drawn over renditions, by name: each has `picture`, the id of an image "
        "of this server, and may have `gravity`, `scale`, `opacity`, `margin` and `tile`.",
    )
    applications: Mapping[str, Mapping[str, object]] = key(
        {},
        "Applications (teams, customers) that share this server, by name: each has a `secret` and "
        "the `prefix` of its ids, and may have `max_bytes_total`, `max_pictures`, `formats`, "
        "`presets`, `signing_keys`, `webhook` and `renders_per_second`; see applications.md.",
        secret=True,
    )
    effort: str = key(
        "balanced",
        "How long encoders think: sets every knob of `encoder` that is null.",
        choices=("fast", "balanced", "small"),
    )
    trusted_proxies: tuple[str, ...] = key(
        (), "Networks whose `X-Forwarded-For` is believed.", form=Form.NETWORK
    )
    constraints: pictures.Constraints = section(pictures.Constraints)
    timeout: pictures.Timeout = section(pictures.Timeout)
    webp: pictures.Webp = section(pictures.Webp)
    quality: pictures.Quality = section(pictures.Quality)
    blur: pictures.Blur = section(pictures.Blur)
    formats: pictures.Formats = section(pictures.Formats)
    encoder: pictures.Encoder = section(pictures.Encoder)
    auto: pictures.Auto = section(pictures.Auto)
    jxl: pictures.Jxl = section(pictures.Jxl)
    originals: pictures.Originals = section(pictures.Originals)
    renditions: pictures.Renditions = section(pictures.Renditions)
    token: server.Token = section(server.Token)
    upload: server.Upload = section(server.Upload)
    intake: server.Intake = section(server.Intake)
    uploads: server.Uploads = section(server.Uploads)
    admin: server.Admin = section(server.Admin)
    security: server.Security = section(server.Security)
    signing: server.Signing = section(server.Signing)
    cache: server.Cache = section(server.Cache)
    disk: server.Disk = section(server.Disk)
    workers: server.Workers = section(server.Workers)
    limits: server.Limits = section(server.Limits)
    drain: server.Drain = section(server.Drain)
    ready: server.Ready = section(server.Ready)
    cdn: caches.Cdn = section(caches.Cdn)
    log: server.Log = section(server.Log)
    tls: entrances.Tls = section(entrances.Tls)
    compat: entrances.Compat = section(entrances.Compat)
    vip: entrances.Vip = section(entrances.Vip)
    postgresql: backends.Postgresql = section(backends.Postgresql)
    database: backends.Database = section(backends.Database)
    aws: backends.Aws = section(backends.Aws)
    webhook: backends.Webhook = section(backends.Webhook)
    tracing: backends.Tracing = section(backends.Tracing)
    redis: backends.Redis = section(backends.Redis)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = field(default=(), repr=False)

    @property
    def shared_by(self) -> Applications:
        """All applications. Raises ValueError, which says what is wrong with one of them."""
        if not self.applications:
            return NONE
        others = [text for name in schema.secrets(Settings) for text in self._texts(name)]
        return Applications(
            entries(
                self.applications,
                formats=self.formats.readable,
                presets=self.presets,
                secrets=others,
            )
        )

    def _texts(self, name: str) -> Iterator[str]:
        """Yield every text of a secret key, but for those of `applications`."""
        if name != "applications":
            yield from texts(schema.value(self, name))

    @property
    def originals_folder(self) -> Path:
        """Folder of the originals."""
        return Path(self.originals_dir or Path(self.data_dir, "originals"))

    @property
    def uploads_folder(self) -> Path:
        """Folder of the uploads that arrive in parts."""
        return Path(self.data_dir, "uploads")

    @property
    def renditions_folder(self) -> Path:
        """Folder of the renditions, where they are kept on disk."""
        return Path(self.data_dir, "renditions")

    @property
    def spool_folder(self) -> Path:
        """Folder of the renditions that wait for the store."""
        return Path(self.data_dir, "spool")


def texts(value: object) -> Iterator[str]:
    """Yield every text in a value, however deep it stands in objects and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts(each)
