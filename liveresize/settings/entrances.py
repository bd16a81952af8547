"""Keys about the ways in: TLS, and the routes of vip."""

from dataclasses import dataclass

from liveresize.settings import schema
from liveresize.settings.values import Form

CERTIFICATE, KEY = "/etc/vip/application.pem", "/etc/vip/application.key"
"""Where vip looks for its certificate, and so do we while `tls.certificate` is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Encryption in the process itself."""

    certificate: str = schema.key(
        "", f"PEM file of the certificate and its chain; empty is {CERTIFICATE} if it exists."
    )
    key: str = schema.key("", f"PEM file of its private key; empty is {KEY} if it exists.")
    port: int = schema.key(
        0,
        "Port to answer TLS on, beside plain HTTP on `listen_port`; 0 answers TLS on that.",
        least=0,
        most=65_535,
    )
    redirect: str = schema.key(
        "",
        "Address that the plain port sends clients to, beside `tls.port`; empty answers them.",
        form=Form.HTTPS_URL,
    )
    min_version: str = schema.key("1.2", "Oldest version that is spoken.", choices=("1.2", "1.3"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compat:
    """What clients of Live Image Resize rely on."""

    lenient: bool = schema.key(
        False,
        "Whether invalid values of parameters are ignored, as by Live Image Resize; never those of "
        "`sig`, `exp` and `preset`.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vip:
    """The routes of vip: buckets of pictures, uploaded without a one-time token."""

    buckets: tuple[str, ...] = schema.key(
        (),
        "Buckets that are answered for, `*` for any valid name; none turns the routes off.",
        form=Form.BUCKET,
    )
    hostname: str = schema.key(
        "",
        "Host, and port, of the addresses that uploads are answered with; empty is the one asked.",
        form=Form.HOST,
    )
    token: str = schema.key("", "What `X-Vip-Token` must say for an upload.", secret=True)
    allowed_origins: tuple[str, ...] = schema.key(
        (), "Hosts whose pages may upload, as `www.example.com` or `*.example.com`."
    )
    require_token: bool = schema.key(
        False, "Whether the pages of `vip.allowed_origins` need `vip.token` too."
    )
    allow_anonymous: bool = schema.key(
        False, "Whether anyone may upload while `vip.token` and `vip.allowed_origins` are empty."
    )
    size_limit: int = schema.key(5, "Largest upload, in MiB.", least=1, most=10_240)
    max_width: int = schema.key(720, "Widest rendition, in pixels.", least=1, most=16_383)
    jpeg_thumbnails: bool = schema.key(
        False,
        "Whether `s` of a PNG or GIF is a JPEG, as of vip: a fifth of the bytes or less, and "
        "without transparency.",
    )
    s3: bool | None = schema.key(
        None,
        "Whether buckets are those of S3; null is so where `aws` has a key, address or bucket.",
    )

    @property
    def max_bytes(self) -> int:
        """`size_limit` in bytes."""
        return self.size_limit << 20
