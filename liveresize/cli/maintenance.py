"""Commands of the operator: delete, purge, reconcile.

As in `cli`, nothing but click is imported outside the commands.
"""

import json
import re
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from liveresize import errors
from liveresize.cli import common

if TYPE_CHECKING:
    from liveresize.config import Settings

ERROR = 2
"""Exit code of `reconcile` where it could not finish; 1 says that findings are left."""

_AGO = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhdw])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}

_SECRET = click.option(
    "--secret",
    metavar="TEXT",
    help="Admin secret of the server.  [default: the first one in the setting `admin.secrets`]",
)
_YES = click.option("--yes", "-y", is_flag=True, help="Skip the confirmation.")


class Moment(click.ParamType[float]):
    """A moment in Unix seconds: as such, as an ISO 8601 time, or as an age such as 30d."""

    name = "WHEN"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        text = str(value).strip()
        ago = _AGO.fullmatch(text)
        if ago:
            return time.time() - float(ago[1]) * _SECONDS[ago[2]]
        try:
            if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
                return float(text)
            return datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError):
            self.fail(
                f"{text!r} is neither a time such as 2026-01-31T12:00Z, nor Unix seconds, "
                "nor an age such as 30d, 12h or 45m.",
                param,
                ctx,
            )


@click.command()
@click.argument("id_", metavar="ID")
@common.URL
@_SECRET
@_YES
def delete(id_: str, url: str | None, secret: str | None, yes: bool) -> None:
    """Delete the image ID and all its renditions from a running server.

    \b
    Examples:
      liveresize delete cat
      liveresize delete cat --yes --url https://images.example.com
    """
    from liveresize.cli import client

    server = common.server(url, secret, _admin_secret)
    _confirm(f"Delete {id_} on {server.url} for good?", yes)
    client.delete(server, id_)


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
    "--limit", type=click.IntRange(min=1), metavar="N", help="Purge at most N renditions."
)
@common.URL
@_SECRET
@_YES
def purge(
    id_: str | None,
    prefix: str | None,
    rendered_before: float | None,
    engine_before: str | None,
    limit: int | None,
    url: str | None,
    secret: str | None,
    yes: bool,
) -> None:
    """Discard renditions of a running server; they are rendered again on request.

    Originals stay. Select the renditions with exactly one of ID, --prefix, --rendered-before
    and --engine-before. The oldest ones are purged first, up to --limit.

    \b
    Examples:
      liveresize purge cat
      liveresize purge --prefix holiday- --limit 1000
      liveresize purge --rendered-before 30d --yes
    """
    selection: dict[str, str | float] = {
        name: value
        for name, value in (
            ("id", id_),
            ("prefix", prefix),
            ("rendered_before", rendered_before),
            ("engine_before", engine_before),
        )
        if value is not None
    }
    if len(selection) != 1:
        raise click.UsageError(
            "Give exactly one of ID, --prefix, --rendered-before and --engine-before."
        )
    from liveresize.cli import client
    from liveresize.observe import progress

    server = common.server(url, secret, _admin_secret)
    ((name, value),) = selection.items()
    _confirm(f"Purge the renditions with {name} {value} on {server.url}?", yes)
    with progress.bar("purged", limit) as bar:
        count = client.purge(server, selection, limit, bar.update)
    click.echo(f"{count} purged")


@click.command()
@click.option("--repair", is_flag=True, help="Repair the findings instead of only reporting them.")
@click.option(
    "--adopt",
    "strays",
    flag_value="ADOPT",
    help="Create the missing rows, for the newest version of each original without a row.",
)
@click.option(
    "--remove",
    "strays",
    flag_value="REMOVE",
    help="Delete originals without a row.",
)
@click.option(
    "--this-is-all",
    is_flag=True,
    help="No other instance has originals on its disk: originals not found here are lost.",
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="Ignore files without a row that are younger than this: they may be uploads in progress.",
)
@click.option("--verbose", "-v", is_flag=True, help="Print every finding, not only the first 20.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def reconcile(
    repair: bool, strays: str | None, this_is_all: bool, grace: float, verbose: bool, as_json: bool
) -> None:
    """Compare the database with the stored files, for example after a restore.

    Finds lost images (a row without a file), originals without a row, wrong records of what
    the mirror has, links without objects and objects without links. Servers can run meanwhile.
    You can stop the command and run it again at any time.

    --repair deletes the rows of lost images, as DELETE does. If instances share PostgreSQL,
    it does so only with --this-is-all, because the file may be on another instance's disk.
    Originals that are missing in the mirror are uploaded by the server that has the file.
    Images in vip's buckets are only reported; nothing in those buckets is changed.

    Originals without a row are only reported unless you give --adopt or --remove, because a
    backup of the disk may have brought back deleted images. If another version of a lost
    image is stored, its row is kept until you decide.

    Exits with 0 if all is well, 1 if findings are left, 2 if it could not finish.

    \b
    Examples:
      liveresize reconcile
      liveresize reconcile --repair --adopt
      liveresize reconcile --json > findings.json
    """
    if strays is not None and not repair:
        raise click.UsageError("--adopt and --remove are ways to --repair: give that too.")
    import asyncio

    from liveresize.app import maintenance
    from liveresize.maintenance.reconcile.findings import Report
    from liveresize.maintenance.reconcile.parts import Options, OrphanPolicy
    from liveresize.observe import log, progress

    tell: Callable[[str], object] = progress.note if as_json else progress.write
    report = Report(tell) if verbose else Report()
    options = Options(
        repair=repair,
        strays=OrphanPolicy[strays or "REPORT"],
        this_is_all=this_is_all,
        grace=grace,
    )
    failure = ""
    try:
        with log.silenced():
            asyncio.run(maintenance.reconcile(common.load(), options, report))
    except errors.LiveResizeError as error:
        failure = f"{error.public} ({error.detail})" if error.detail else error.public
    told = {**report.as_json(), "complete": not failure}
    lines = [json.dumps(told)] if as_json else report.lines(named=not verbose)
    for line in lines:
        click.echo(line)
    if failure:
        click.echo(f"liveresize: {failure}", err=True)
        sys.exit(ERROR)
    sys.exit(1 if report.left else 0)


def _admin_secret(settings: "Settings") -> str:
    if not settings.admin.secrets:
        raise errors.LiveResizeError("Give --secret, or configure one in admin.secrets.")
    return settings.admin.secrets[0]


def _confirm(question: str, yes: bool) -> None:
    """Ask whoever sits at a terminal; a script has decided already."""
    if not yes and at_terminal():
        click.confirm(question, abort=True)


def at_terminal() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty()
