"""The command `purge`: discard renditions of a running server."""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from liveresize.cli import options

_AGO = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhdw])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


class Moment(click.ParamType[float]):
    """A time in Unix seconds: given as such, in ISO 8601, or as an age such as 30d."""

    name = "WHEN"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            moment = _moment(str(value).strip())
            datetime.fromtimestamp(moment, UTC)  # which no year after 9999 is
            return moment
        except (ValueError, OverflowError, OSError):
            self.fail(
                f"{value!r} is neither a time such as 2026-01-31T12:00Z, nor Unix seconds, "
                "nor an age such as 30d, 12h or 45m.",
                param,
                ctx,
            )


def _moment(text: str) -> float:
    """Return Unix seconds. Raises ValueError and OverflowError."""
    ago = _AGO.fullmatch(text)
    if ago:
        return time.time() - float(ago[1]) * _SECONDS[ago[2]]
    if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    return datetime.fromisoformat(text).timestamp()


class Age(click.ParamType[float]):
    """Seconds: given as such, or as an age such as 90d."""

    name = "AGE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        age = _AGO.fullmatch(str(value).strip())
        if age:
            return float(age[1]) * _SECONDS[age[2]]
        try:
            seconds = float(value)
        except ValueError:
            seconds = 0.0
        if not 1 <= seconds <= 1e10:
            self.fail(f"{value!r} is neither an age such as 90d or 12h, nor seconds.", param, ctx)
        return seconds


@click.command()
@click.argument("id_", metavar="[ID]", required=False)
@click.option("--prefix", metavar="TEXT", help="Images with names that begin with TEXT.")
@click.option(
    "--rendered-before",
    type=Moment(),
    help="Renditions made before WHEN: an ISO 8601 time (in this machine's time zone if it "
    "names none), Unix seconds, or an age such as 30d.",
)
@click.option("--engine-before", metavar="VERSION", help="Renditions of older engines.")
@click.option(
    "--unused-for",
    type=Age(),
    help="Renditions that were not used for AGE, such as 90d: longer than redirects may lead to "
    "them. Renditions of vip's buckets and imported ones stay.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Purge at most N renditions."
)
@options.URL
@options.ADMIN_SECRET
@options.YES
@options.JSON
def purge(
    id_: str | None,
    prefix: str | None,
    rendered_before: float | None,
    engine_before: str | None,
    unused_for: float | None,
    limit: int | None,
    url: str | None,
    secret: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Discard renditions of a running server; they are rendered again on request.

    Originals stay. Select the renditions with exactly one of ID, --prefix, --rendered-before,
    --engine-before and --unused-for. The oldest ones are purged first, up to --limit. ID may end
    like the URL of the image: cat.jpg is cat, unless there are renditions of an id cat.jpg.

    \b
    Examples:
      liveresize purge cat
      liveresize purge --prefix holiday- --limit 1000
      liveresize purge --rendered-before 30d --yes
      liveresize purge --unused-for 90d --yes --json
    """
    selection: dict[str, str | float] = {
        name: value
        for name, value in (
            ("id", id_),
            ("prefix", prefix),
            ("rendered_before", rendered_before),
            ("engine_before", engine_before),
            ("unused_for", unused_for),
        )
        if value is not None
    }
    if len(selection) != 1:
        raise click.UsageError(
            "Give exactly one of ID, --prefix, --rendered-before, --engine-before and --unused-for."
        )
    from liveresize.cli import client
    from liveresize.core import names
    from liveresize.observe import progress

    server = options.admin_server(url, secret)
    options.confirm(f"Purge the renditions with {_words(selection)} on {server.url}?", yes)
    with progress.bar("purged", limit) as bar:
        count = client.purge(server, selection, limit, bar.update)
        stem, suffix = names.split_suffix(id_ or "")
        if suffix and not count:
            selection = {"id": stem}
            count = client.purge(server, selection, limit, bar.update)
    options.report(as_json, {"purged": count, **selection}, f"{count} purged ({_words(selection)})")


def _words(selection: Mapping[str, str | float]) -> str:
    """Describe what is purged: `unused_for 90d`, `rendered_before 2026-11-30T08:00:00Z`."""
    ((name, value),) = selection.items()
    if name == "unused_for":
        value = f"{float(value) / 86_400:.6g}d"
    elif name == "rendered_before":
        value = datetime.fromtimestamp(float(value), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{name} {value}"
