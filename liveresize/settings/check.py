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
    for name, given, instead in (
        ("aws.bucket", settings.aws.bucket, "renditions are kept on disk"),
        ("aws.originals_bucket", settings.aws.originals_bucket, "originals are kept on disk alone"),
        ("studio", settings.studio, "there is no /_studio/"),
    ):
        if given:
            yield f"{name} is set, but this release does not use it yet: {instead}."
    for name, module, extra in (("heif", "pillow_heif", "heic"), ("jxl", "pillow_jxl", "jxl")):
        if name in settings.formats.input and importlib.util.find_spec(module) is None:
            yield f"formats.input lists {name}, which needs liveresize[{extra}] to be installed."
    if settings.redis.url:
        yield "redis.url is accepted and not used: liveresize keeps its links in memory."
