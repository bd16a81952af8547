"""What single values cannot show: keys that make no sense together."""

import importlib.util
from collections.abc import Iterator

from liveresize import errors
from liveresize.settings.root import Settings


def refuse(settings: Settings) -> None:
    """Raise SettingsError for a combination that cannot work."""
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


def warn(settings: Settings) -> Iterator[str]:
    """Sentences about combinations that work, and perhaps not as was meant."""
    constraints = settings.constraints
    if settings.timeout.conversion == 0:
        yield "timeout.conversion is 0: the built-in limit of 30 seconds applies."
    if constraints.max_on_disk > constraints.max_decode:
        yield (
            f"constraints.max_on_disk ({constraints.max_on_disk:g}) is above "
            f"constraints.max_decode ({constraints.max_decode:g}): originals between them "
            "are kept and never rendered."
        )
    database = settings.postgresql
    if (database.database or database.user) and not database.host and not database.url:
        yield "postgresql.host and postgresql.url are empty: the SQLite file is used."
    if database.host and database.url:
        yield "postgresql.host and postgresql.url are both set: the url is used."
    if settings.studio:
        yield "studio is set, but this release does not use it yet: there is no /_studio/."
    yield from _warn_of_buckets(settings)
    for name, module, extra in (("heif", "pillow_heif", "heic"), ("jxl", "pillow_jxl", "jxl")):
        if name in settings.formats.input and importlib.util.find_spec(module) is None:
            yield f"formats.input lists {name}, which needs liveresize[{extra}] to be installed."
    if settings.redis.url:
        yield "redis.url is accepted and not used: liveresize keeps its links in memory."
