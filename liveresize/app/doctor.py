"""The examination of `liveresize doctor`, put together from the settings."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

from liveresize import errors
from liveresize.app import container, rules
from liveresize.app.buckets import make_objects
from liveresize.app.database import database_url
from liveresize.app.tls import tls_settings
from liveresize.app.workers import engine_settings
from liveresize.config import Settings, check
from liveresize.maintenance.doctor import (
    applications,
    buckets,
    caches,
    codecs,
    database,
    entrances,
    exposure,
    fallbacks,
    folders,
    intake,
    log_output,
    machine,
    overlays,
    tracing,
)
from liveresize.maintenance.doctor.findings import Finding, ok, problem, warning

Look = Callable[[Settings], Iterable[Finding] | Awaitable[Iterable[Finding]]]


async def examine(settings: Settings) -> list[Finding]:
    """Everything that was found, in the order in which a server needs it.

    One part after the other: two would slow each other down, and each is timed.
    """
    return [finding async for finding in _all(settings)]


async def _all(settings: Settings) -> AsyncIterator[Finding]:
    looks: tuple[tuple[str, Look], ...] = (
        ("config", _config),
        ("data_dir", _folders),
        ("database", _database),
        ("aws", _buckets),
        ("cdn.purge", lambda settings: caches.look(settings.cdn)),
        ("intake", lambda settings: intake.look(settings.intake)),
        ("tracing", lambda settings: tracing.look(settings.tracing)),
        ("codecs", _codecs),
        ("fallback", _fallbacks),
        (
            "overlays",
            lambda settings: overlays.look(rules.overlay_rules(settings), database_url(settings)),
        ),
        (
            "applications",
            lambda settings: applications.look(settings.shared_by, database_url(settings)),
        ),
        ("acceleration", lambda settings: machine.acceleration()),
        ("limits", _limits),
        ("clock", lambda settings: machine.clock()),
        ("ports", _ports),
        ("tls", _tls),
        ("trusted_proxies", _proxies),
        ("secret", _exposure),
        ("log.output", lambda settings: log_output.look(settings.log.output)),
    )
    refused = ""
    for part, look in looks:
        try:
            for finding in await _found(look, settings):
                if finding.what != refused:
                    yield finding
        except errors.SettingsError as error:
            refused = error.public  # the part it is about would say the same again
            yield problem(part, error.public, "Correct it: see config/README.md.")
        except Exception as error:  # noqa: BLE001 (one part that breaks must not hide the others)
            yield problem(
                part,
                f"Looking at it failed: {type(error).__name__}: {error}.",
                "Report this to whoever maintains liveresize.",
            )


async def _found(look: Look, settings: Settings) -> Iterable[Finding]:
    """What `look` finds; whatever blocks in it does so in a thread."""

    def gather() -> Iterable[Finding] | Awaitable[Iterable[Finding]]:
        found = look(settings)
        return found if isinstance(found, Awaitable) else list(found)

    found = await asyncio.to_thread(gather)
    return await found if isinstance(found, Awaitable) else found


def _config(settings: Settings) -> Iterable[Finding]:
    weak = check.weak_secrets(settings)
    for sentence in settings.warnings:
        level = problem if sentence in weak else warning
        yield level("config", sentence, "See config/README.md.")
    container.check(settings)
    yield ok("config", "A server can be put together from the settings.")


def _folders(settings: Settings) -> Iterable[Finding]:
    chosen = [("data_dir", Path(settings.data_dir))]
    if settings.originals_dir:
        chosen.append(("originals_dir", settings.originals_folder))
    for key, path in chosen:
        yield from folders.look(folders.Folder(key=key, path=path, disk=settings.disk))


def _database(settings: Settings) -> Awaitable[Iterable[Finding]]:
    return database.look(database_url(settings))


def _buckets(settings: Settings) -> Iterable[Finding] | Awaitable[Iterable[Finding]]:
    aws = settings.aws
    chosen = []
    if aws.bucket:
        chosen.append(
            buckets.Bucket(
                key="aws.bucket",
                name=aws.bucket,
                prefix=aws.prefix,
                delivery=settings.delivery,
                public=aws.public_url,
                ca="" if aws.ca == "system" else aws.ca,
            )
        )
    if aws.originals_bucket:
        chosen.append(
            buckets.Bucket(key="aws.originals_bucket", name=aws.originals_bucket, prefix=aws.prefix)
        )
    if not chosen:
        return [ok("aws", "No bucket is configured: everything is kept on this disk.")]
    return buckets.look(make_objects(aws), chosen)


def _codecs(settings: Settings) -> Iterable[Finding]:
    return codecs.look(engine_settings(settings))


def _fallbacks(settings: Settings) -> Awaitable[Iterable[Finding]]:
    return fallbacks.look(rules.fallbacks(settings), database_url(settings))


def _limits(settings: Settings) -> Iterable[Finding]:
    return machine.limits(settings.workers.slots, settings.workers.memory_bytes)


def _ports(settings: Settings) -> Iterable[Finding]:
    encrypted = tls_settings(settings) is not None
    second = settings.tls.port
    chosen = [("listen_port", settings.listen_port, encrypted and not second)]
    if second:
        chosen.append(("tls.port", second, True))
    return entrances.ports(settings.listen_address, chosen)


def _tls(settings: Settings) -> Iterable[Finding]:
    tls = tls_settings(settings)
    if tls is None:
        return [ok("tls", "No certificate is configured: connections are not encrypted here.")]
    return entrances.certificate(tls)


def _proxies(settings: Settings) -> Iterable[Finding]:
    return entrances.proxies(settings.trusted_proxies, settings.listen_address)


def _exposure(settings: Settings) -> Iterable[Finding]:
    admin = settings.admin
    others = check.others_can_connect(settings.listen_address)
    yield from exposure.tokens(
        settings.token.networks, has_secret=bool(settings.secret), for_others=others
    )
    yield from exposure.admin(admin.networks, has_secrets=bool(admin.secrets))
    yield from exposure.studio(
        on=settings.studio, has_secrets=bool(admin.secrets), for_others=others
    )
