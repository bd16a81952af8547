"""What single values cannot show: keys that make no sense together."""

import contextlib
import ipaddress
import os
import re
from collections.abc import Collection, Iterator

from liveresize import errors
from liveresize.config.root import Settings, texts
from liveresize.settings import entrances, overlays, schema
from liveresize.settings.pictures import RESULT_BYTES, Constraints
from liveresize.settings.server import IDLE_WORKER, Workers

_PACKAGES = {"heif": "pi-heif to be installed", "jxl": "liveresize[jxl] to be installed"}
"""Input formats that a package of their own decodes, and what they need."""

_VIP_KEYS = ("hostname", "token", "allowed_origins", "size_limit", "max_width")


HOW_TO_MAKE_ONE = "`openssl rand -hex 32`"
"""The command that makes a secret."""

_SHORTEST_SECRET = 16

_SAMPLE = re.compile(
    r"(?:^|:)change[-_ ]?me|^<.*>$|^(?:a|another) long random text|^set LIVERESIZE_"
    r"|^the secret that your application",
    re.IGNORECASE,
)
"""The secrets of examples, those of earlier releases included; also as the password of a URL."""


def weak_secrets(settings: Settings) -> list[str]:
    """Return a sentence about each secret that could be guessed."""
    secrets = {
        "secret": (settings.secret,),
        "admin.secrets": settings.admin.secrets,
        "vip.token": (settings.vip.token,),
    }
    return [
        f"{name} has less than {_SHORTEST_SECRET} characters, and can be guessed: make one with "
        f"{HOW_TO_MAKE_ONE}."
        for name, values in secrets.items()
        if any(0 < len(value) < _SHORTEST_SECRET for value in values)
    ]


def _refuse_samples(settings: Settings) -> None:
    """Raise SettingsError for a secret that everybody can read in an example."""
    for name in schema.secrets(Settings):
        if any(_SAMPLE.search(text) for text in texts(schema.value(settings, name))):
            raise errors.SettingsError(
                f"{name} in {settings.sources[name]} is the text of an example, which "
                f"everybody knows: make a secret with {HOW_TO_MAKE_ONE}."
            )


def refuse(settings: Settings, deployments: Collection[str]) -> None:
    """Raise SettingsError for a combination that cannot work, or not in those deployments."""
    aws = settings.aws
    if bool(aws.access_key) != bool(aws.secret_key):
        given, missing = ("access_key", "secret_key")[:: 1 if aws.access_key else -1]
        raise errors.SettingsError(
            f"aws.{given} is set in {settings.sources[f'aws.{given}']}, but aws.{missing} is "
            "not: set both, or neither to take the credentials of the environment."
        )
    if aws.originals_bucket and aws.originals_bucket == aws.bucket:
        raise errors.SettingsError(
            f"aws.originals_bucket and aws.bucket are both {aws.bucket}: originals and "
            "renditions need a bucket each, or the keys of one hide those of the other."
        )
    for name in ("bucket", "originals_bucket"):
        if getattr(aws, name) and getattr(aws, name) in settings.vip.buckets:
            raise errors.SettingsError(
                f"vip.buckets lists {getattr(aws, name)}, which is aws.{name}: what is ours "
                "there would be anyone's to ask for."
            )
    if settings.signing.required and not settings.signing.keys:
        raise errors.SettingsError(
            f"signing.required is set in {settings.sources['signing.required']}, but signing.keys "
            "is empty: nobody could ask for a picture."
        )
    by_profile = settings.sources["constraints.presets_only"].startswith("security.profile")
    if settings.constraints.presets_only and by_profile and not settings.presets:
        raise errors.SettingsError(
            "security.profile is listed, but presets is empty: nobody could ask for a rendition. "
            "Name the parameters of your pages in presets, or set constraints.presets_only to "
            "false."
        )
    if settings.webhook.url and not settings.webhook.secrets:
        raise errors.SettingsError(
            f"webhook.url is set in {settings.sources['webhook.url']}, but webhook.secrets is "
            "empty: its receiver could not tell our messages from anybody's."
        )
    try:
        settings.webhook.receivers  # noqa: B018 (which checks each)
    except ValueError as error:
        raise errors.SettingsError(
            f"webhook.endpoints in {settings.sources['webhook.endpoints']}: {error}."
        ) from None
    try:
        settings.cdn.caches  # noqa: B018 (which checks each)
    except ValueError as error:
        raise errors.SettingsError(
            f"cdn.purge in {settings.sources['cdn.purge']}: {error}."
        ) from None
    _refuse_overlays(settings)
    try:
        settings.shared_by  # noqa: B018 (which checks each)
    except ValueError as error:
        raise errors.SettingsError(
            f"applications in {settings.sources['applications']}: {error}."
        ) from None
    if settings.studio and "production" in deployments and not settings.admin.secrets:
        raise errors.SettingsError(
            f"studio is set in {settings.sources['studio']}, but admin.secrets is empty: in "
            "production the studio asks for one of them."
        )
    _refuse_tls(settings)
    if "production" in deployments:
        _refuse_samples(settings)


def _refuse_overlays(settings: Settings) -> None:
    try:
        overlays.entries(settings.overlays)
    except ValueError as error:
        raise errors.SettingsError(
            f"overlays in {settings.sources['overlays']}: {error}."
        ) from None
    given = settings.constraints.overlay_above
    try:
        overlays.above(given, settings.overlays)
    except ValueError as error:
        name = "constraints.overlay_above"
        raise errors.SettingsError(f"{name} in {settings.sources[name]}: {error}.") from None


def _refuse_tls(settings: Settings) -> None:
    tls = settings.tls
    if bool(tls.certificate) != bool(tls.key):
        given, missing = ("certificate", "key")[:: 1 if tls.certificate else -1]
        raise errors.SettingsError(
            f"tls.{given} is set in {settings.sources[f'tls.{given}']}, but tls.{missing} is "
            "not: set both, or neither."
        )
    if tls.port and tls.port == settings.listen_port:
        raise errors.SettingsError(
            f"tls.port and listen_port are both {tls.port}: set tls.port to 0 to answer TLS on "
            "listen_port, or to another port to answer both."
        )
    if tls.redirect and not tls.port:
        raise errors.SettingsError(
            f"tls.redirect is set in {settings.sources['tls.redirect']}, but tls.port is not: "
            "without a port for TLS there is no plain one to send clients from."
        )


def _warn_of_tls(settings: Settings) -> Iterator[str]:
    places = (entrances.CERTIFICATE, entrances.KEY)
    found = [path for path in places if os.path.exists(path)]
    if len(found) == 1 and not settings.tls.certificate:
        (missing,) = set(places) - set(found)
        yield f"{found[0]} is there, but {missing} is not: TLS is not spoken without both."


def _warn_of_buckets(settings: Settings) -> Iterator[str]:
    aws, originals = settings.aws, settings.originals
    if not aws.bucket and settings.delivery == "presign":
        yield "delivery is presign, but aws.bucket is empty: redirects lead to this server."
    if not aws.bucket and (aws.cache_host or aws.bucket_url):
        yield "aws.cache_host is set, but aws.bucket is empty: renditions are kept on disk."
    if aws.bucket_url and not aws.cache_host:
        yield "aws.bucket_url is the old name of aws.cache_host, and used as such."
    if not aws.originals_bucket and (originals.mirror_strict or originals.cache_bytes):
        yield (
            "originals.mirror_strict and originals.cache_bytes need aws.originals_bucket: "
            "originals are kept on this disk alone."
        )
    if aws.originals_bucket and not originals.mirror_strict:
        yield (
            "originals.mirror_strict is false: an upload that aws.originals_bucket has not taken "
            f"within originals.mirror_wait ({originals.mirror_wait:g} s) is acknowledged all the "
            "same, and is on this machine's disk only until the bucket has it. A disk that is "
            "lost before that loses the upload. Set it to true to refuse such uploads with 503."
        )


def _warn_of_vip(settings: Settings) -> Iterator[str]:
    vip = settings.vip
    if not vip.buckets:
        default = entrances.Vip()  # a copied example sets every key, and means nothing by it
        set_ = [key for key in _VIP_KEYS if getattr(vip, key) != getattr(default, key)]
        if set_:
            yield f"vip.{set_[0]} is set, but vip.buckets is empty: the routes of vip are off."
        return
    if vip.allowed_origins and not vip.require_token:
        yield (
            "vip.allowed_origins lets pages upload without a token, as vip does; any program can "
            "claim such an Origin. vip.require_token asks for the token as well."
        )
    for origin in vip.allowed_origins:
        if "/" in origin or re.search(r"[^:]:[0-9]+$", origin):
            yield (
                f"vip.allowed_origins has {origin}, which matches nothing: write the host alone, "
                "without scheme or port."
            )
    if vip.require_token and not vip.token:
        yield "vip.require_token is set, but vip.token is empty: nobody can upload into buckets."
    elif not (vip.token or vip.allowed_origins or vip.allow_anonymous):
        yield "vip.token and vip.allowed_origins are empty: nobody can upload into buckets."
    if vip.allow_anonymous and (vip.token or vip.allowed_origins):
        yield "vip.allow_anonymous has no effect beside vip.token or vip.allowed_origins."


def others_can_connect(address: str) -> bool:
    """Whether other machines can connect to that `listen_address`."""
    if address == "localhost":
        return False
    with contextlib.suppress(ValueError):  # a name of this machine
        return not ipaddress.ip_address(address).is_loopback
    return True


def _warn_of_secret(settings: Settings) -> Iterator[str]:
    address = settings.listen_address
    if settings.secret or not others_can_connect(address):
        return
    yield (
        f"secret is empty in production, and listen_address is {address or 'every address'}: "
        "POST /token gives upload tokens to every client in token.networks, and to no other. "
        "Set a secret."
    )


def _warn_of_sizes(constraints: Constraints, workers: Workers) -> Iterator[str]:
    taken, kept, rendered = (
        constraints.max_input,
        constraints.max_on_disk_pixels / 1e6,
        constraints.max_decode_pixels / 1e6,
    )
    if constraints.max_on_disk is not None and kept > rendered:
        yield (
            f"constraints.max_on_disk ({kept:g}) is above constraints.max_decode ({rendered:g}): "
            "originals between them are kept and never rendered."
        )
    if kept < taken:
        yield (
            f"constraints.max_on_disk ({kept:g}) is below constraints.max_input ({taken:g}): "
            "uploads between them are scaled down and encoded again. Without max_on_disk they "
            "are kept as they are."
        )
    if taken > rendered:
        yield (
            f"constraints.max_input ({taken:g}) is above constraints.max_decode ({rendered:g}): "
            "uploads between them are refused."
        )
    pixels = constraints.max_width * constraints.max_height
    needed = RESULT_BYTES * pixels + IDLE_WORKER
    if needed > workers.memory_bytes:
        yield (
            f"workers.memory_bytes ({workers.memory_bytes}) is too little for AVIF of "
            f"constraints.max_width × max_height at the highest quality, which takes {needed}: "
            "such renditions are refused with 422."
        )


def warn(settings: Settings, deployments: Collection[str]) -> Iterator[str]:
    """Sentences about combinations that work, and perhaps not as was meant."""
    if "production" in deployments:
        yield from _warn_of_secret(settings)
    yield from weak_secrets(settings)
    constraints = settings.constraints
    if settings.timeout.conversion == 0:
        yield "timeout.conversion is 0: the built-in limit of 30 seconds applies."
    yield from _warn_of_sizes(constraints, settings.workers)
    database = settings.postgresql
    if (database.database or database.user) and not database.host and not database.url:
        yield "postgresql.host and postgresql.url are empty: the SQLite file is used."
    if database.host and database.url:
        yield "postgresql.host and postgresql.url are both set: the url is used."
    if settings.compat.lenient:
        yield (
            "compat.lenient is true: invalid values of parameters (quality=abc, blur=TRUE) are "
            "ignored instead of answered with 400. Set it to false once no client sends them."
        )
    if constraints.overlay_above is not None and settings.signing.required:
        yield (
            "constraints.overlay_above has no effect, since signing.required is true: a signature "
            "frees from it. Signed URLs have an overlay only if they say so."
        )
    yield from _warn_of_buckets(settings)
    yield from _warn_of_vip(settings)
    yield from _warn_of_tls(settings)
    for name in settings.formats.missing:
        yield f"formats.input lists {name}, which is not accepted: it needs {_PACKAGES[name]}."
    if settings.jxl.missing:
        yield (
            "jxl.enabled is true, but JPEG XL is not made: it needs liveresize[jxl] to be "
            "installed."
        )
    if settings.jxl.in_auto and not settings.jxl.enabled:
        yield "jxl.in_auto is true, but jxl.enabled is false: no rendition is JPEG XL."
    if settings.webhook.secrets and not settings.webhook.url:
        yield "webhook.secrets is set, but webhook.url is empty: nobody is told of uploads."
    if settings.tracing.missing:
        yield (
            "tracing.enabled is true, but no spans are exported: that needs liveresize[otel] to be "
            "installed."
        )
    if settings.redis.url:
        yield "redis.url is accepted and not used: liveresize keeps its links in memory."
