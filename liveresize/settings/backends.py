"""Keys about what stands behind the server: the database, the object store, the webhook."""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass

from liveresize.settings.schema import key
from liveresize.settings.values import Form, has_form

_DAY = 86_400.0
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgresql:
    """The database that instances share; SQLite is used while host and url are empty."""

    user: str = key("", "User of the database.")
    password: str = key("", "Password of the database.", secret=True)
    host: str = key("", "Host of the database; empty uses SQLite.")
    port: int = key(5432, "Port of the database.", least=1, most=65_535)
    database: str = key("", "Name of the database.")
    pool: int = key(10, "Connections to the database.", least=1, most=1000)
    sslmode: str = key(
        "prefer",
        "Encryption of the connection, as libpq names it.",
        choices=("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    )
    ca: str = key(
        "",
        "File of the CAs that the server's certificate is verified with, or system for those of "
        "this machine; prefer means verify-full then.",
    )
    url: str = key(
        "",
        "All of it in one, as postgresql://user:password@host/database, with the parameters of "
        "libpq.",
        form=Form.DATABASE_URL,
        secret=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The embedded database."""

    path: str = key("", "SQLite file; empty is liveresize.sqlite in `data_dir`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """S3, or what speaks like it; renditions stay on disk while the bucket is empty."""

    access_key: str = key("", "Access key; empty asks the environment of AWS.", secret=True)
    secret_key: str = key("", "Secret key.", secret=True)
    region: str = key("", "Region of the buckets.")
    bucket: str = key("", "Bucket of the renditions; empty keeps them on disk.")
    cache_host: str = key(
        "", "Public address of the bucket, which clients are redirected to.", form=Form.URL
    )
    bucket_url: str = key(
        "", "What the public address is where `aws.cache_host` is empty.", form=Form.URL
    )
    endpoint_url: str = key("", "Address of a store that is not Amazon's.", form=Form.URL)
    prefix: str = key("", "What the key of every object begins with.")
    path_style: bool | None = key(
        None, "Whether the bucket stands in the path; null does so with an endpoint_url."
    )
    ca: str = key(
        "",
        "File of the CAs that the store's certificate is verified with, or system for those of "
        "this machine; empty is the list that botocore comes with.",
    )
    checksums: str = key(
        "auto",
        "Whether objects are sent with `x-amz-checksum-sha256`; auto does without from then on if "
        "the store refuses it.",
        choices=("auto", "required", "never"),
    )
    originals_bucket: str = key("", "Bucket that originals are mirrored to; empty is none.")
    presign_lifetime: int = key(
        3600,
        "Seconds for which a redirect with `presign` opens the object.",
        least=60,
        most=604_800,
    )
    concurrency: int = key(32, "Requests to the store at once.", least=1, most=256)

    @property
    def public_url(self) -> str:
        """Public address of the bucket of the renditions; empty is that of the store."""
        return self.cache_host or self.bucket_url

    @property
    def in_path(self) -> bool:
        """Whether the bucket stands in the path of addresses."""
        return bool(self.endpoint_url) if self.path_style is None else self.path_style


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One webhook; `events` are the names of what it is told of."""

    name: str
    url: str
    secrets: tuple[str, ...]
    events: tuple[str, ...]


EVENTS = (
    "upload.complete",
    "picture.uploaded",
    "picture.replaced",
    "picture.changed",
    "picture.released",
    "picture.expired",
    "picture.deleted",
    "picture.refused",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """The applications that are told of uploads and changes."""

    url: str = key(
        "",
        "Address that is told of events by POST; empty is none.",
        form=Form.URL,
        secret=True,  # it may hold a password, and is often a secret itself
    )
    secrets: tuple[str, ...] = key(
        (),
        "What signs the messages, as text: each adds its signature. Needed with `webhook.url`.",
        form=Form.SIGNING_KEY,
        secret=True,
    )
    timeout: float = key(10.0, "Seconds that one attempt may take.", least=0.1, most=300)
    give_up: float = key(
        259_200.0,
        "Seconds after an upload from which a failed attempt is the last.",
        least=1,
        most=2_592_000,
    )
    events: tuple[str, ...] = key(
        ("upload.complete",),
        "Events that `webhook.url` is told of; upload.complete is that of 1.0.0, of each upload.",
        choices=EVENTS,
    )
    endpoints: Mapping[str, Mapping[str, object]] = key(
        {},
        "More webhooks by name, each with `url`, `secrets` and `events`.",
        secret=True,
    )
    keep_days: float = key(
        30.0,
        "Days for which events are kept, for `liveresize webhook replay`.",
        least=1,
        most=3650,
    )

    @property
    def receivers(self) -> tuple[Endpoint, ...]:
        """All webhooks. Raises ValueError, which says what is wrong with one of `endpoints`."""
        first = Endpoint(name="", url=self.url, secrets=self.secrets, events=self.events)
        more = tuple(_named(name, given) for name, given in self.endpoints.items())
        return (first, *more) if self.url else more

    @property
    def keep_seconds(self) -> float:
        """Seconds for which events are kept."""
        return self.keep_days * _DAY


def _named(name: str, given: Mapping[str, object]) -> Endpoint:
    """Return one of `webhook.endpoints`. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"`{name[:32]}` is no name of 1 to 32 letters, digits, `-` and `_`")
    return endpoint(name, given)


def endpoint(name: str, given: Mapping[str, object]) -> Endpoint:
    """Return the webhook of that name. Raises ValueError, which says what is wrong with it."""
    url, secrets, events = given.get("url"), given.get("secrets"), given.get("events")
    if not isinstance(url, str) or not url or not has_form(url, Form.URL):
        raise ValueError(f"`{name}` needs a `url` that starts with http:// or https://")
    if (
        not isinstance(secrets, list)
        or not secrets
        or not all(isinstance(one, str) and has_form(one, Form.SIGNING_KEY) for one in secrets)
    ):
        raise ValueError(f"`{name}` needs `secrets`, a list of texts of at least 16 bytes")
    if not isinstance(events, list) or not events or not all(one in EVENTS for one in events):
        raise ValueError(f"`{name}` needs `events`, a list, each one of {', '.join(EVENTS)}")
    unknown = given.keys() - {"url", "secrets", "events"}
    if unknown:
        raise ValueError(f"`{name}` has a key that is not known, `{min(unknown)}`")
    return Endpoint(name=name, url=url, secrets=tuple(secrets), events=tuple(events))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """Where spans of requests are exported to, by OTLP/HTTP."""

    enabled: bool = key(False, "Whether spans are exported. It needs the extra `liveresize[otel]`.")
    endpoint: str = key(
        "",
        "Address of the collector, with its path; empty is http://127.0.0.1:4318/v1/traces.",
        form=Form.URL,
        secret=True,  # some have a key in it
    )
    headers: Mapping[str, str] = key(
        {}, "Headers that the collector asks for, such as `Authorization`.", secret=True
    )
    ratio: float = key(
        0.1,
        "Share of the requests that is exported, where no trusted proxy has decided.",
        least=0,
        most=1,
    )
    service_name: str = key("liveresize", "Name of this service in traces.")

    @property
    def missing(self) -> bool:
        """Whether it is asked for, and the packages that export are not installed."""
        return self.enabled and any(map(_is_missing, ("opentelemetry", "requests")))

    @property
    def on(self) -> bool:
        """Whether spans are exported."""
        return self.enabled and not self.missing

    @property
    def collector(self) -> str:
        """Address of the collector."""
        return self.endpoint or "http://127.0.0.1:4318/v1/traces"


def _is_missing(package: str) -> bool:
    return importlib.util.find_spec(package) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redis:
    """A part of the published service that liveresize does without."""

    url: str = key("", "Accepted for old configurations and not used.", secret=True)
