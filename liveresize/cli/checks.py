"""Commands that look after an installation: verify, doctor, warm.

As in `cli`, nothing but click is imported outside the commands.
"""

import contextlib
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO

import click

from liveresize import errors
from liveresize.cli import common
from liveresize.cli.maintenance import ERROR


@click.command()
@click.option("--repair", is_flag=True, help="Replace damaged files with copies from the mirror.")
@click.option("--mirror", is_flag=True, help="Check the copies in the mirror, too.")
@click.option("--here", is_flag=True, help="Check only files on this machine's disk.")
@click.option("--verbose", "-v", is_flag=True, help="Print each finding as soon as it is found.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a report.")
def verify(repair: bool, mirror: bool, here: bool, verbose: bool, as_json: bool) -> None:
    """Check every original against its recorded checksum.

    The server can run meanwhile; this command reads with a low disk priority. With --repair,
    damaged files are replaced with intact copies from the mirror. With --mirror and --repair,
    damaged or missing copies in the mirror are uploaded again. An original that is only in
    the mirror is not a finding: it was removed from the disk to make room, and is fetched
    when it is requested.

    Exits with 0 if all is well, 1 if findings are left, 2 if it could not finish.

    \b
    Examples:
      liveresize verify
      liveresize verify --mirror --repair
      liveresize verify --json > findings.json
    """
    import asyncio

    from liveresize.app import maintenance
    from liveresize.maintenance import idle
    from liveresize.maintenance.reconcile.findings import Report
    from liveresize.maintenance.verify import Options
    from liveresize.observe import log, progress

    tell: Callable[[str], object] = progress.note if as_json else progress.write
    report = Report(tell) if verbose else Report()
    options = Options(repair=repair, mirror=mirror, here=here)
    failure = ""
    try:
        with log.silenced(), idle.stepped_back():
            asyncio.run(maintenance.verify(common.load(), options, report))
    except errors.LiveResizeError as error:
        failure = f"{error.public} ({error.detail})" if error.detail else error.public
    told = {**report.as_json(), "complete": not failure}
    for line in [json.dumps(told)] if as_json else report.lines(named=not verbose):
        click.echo(line)
    if failure:
        click.echo(f"liveresize: {failure}", err=True)
        sys.exit(ERROR)
    sys.exit(1 if report.left else 0)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a report.")
def doctor(as_json: bool) -> None:
    """Check everything the server depends on and suggest fixes.

    Tests folders, database, buckets, codecs, limits, clocks, ports and the certificate with
    the current settings. It leaves nothing behind, and the server can run meanwhile.

    Exits with 1 if there is a problem.

    \b
    Examples:
      liveresize doctor
      NODE_ENV=production liveresize doctor --json
    """
    import asyncio

    from liveresize.app import doctor as examination
    from liveresize.maintenance.doctor.findings import Level, problem
    from liveresize.observe import log

    try:
        with log.silenced():
            found = asyncio.run(examination.examine(common.load()))
    except errors.SettingsError as error:
        found = [problem("config", error.public, "Correct it: see config/README.md.")]
    if as_json:
        click.echo(json.dumps([finding.as_json() for finding in found], ensure_ascii=False))
    else:
        for finding in found:
            click.echo(finding.text())
        counts = [sum(each.level is level for each in found) for level in Level]
        click.echo(f"{counts[0]} ok, {counts[1]} warnings, {counts[2]} problems")
    sys.exit(1 if any(each.level is Level.PROBLEM for each in found) else 0)


class Variant(click.ParamType[str]):
    """What is made of each picture whose id is on the list."""

    name = "VARIANT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from liveresize.maintenance import warm

        try:
            return warm.check_variant(str(value))
        except warm.BadLine as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("list_", metavar="LIST", type=click.File(errors="surrogateescape"))
@click.option(
    "--variant",
    "variants",
    multiple=True,
    type=Variant(),
    help="Rendition to make of each id, such as 800_600.webp?fit=crop. Can be repeated.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    default=4,
    show_default=True,
    help="Renditions to request at the same time.",
)
@common.URL
def warm(list_: TextIO, variants: Sequence[str], concurrency: int, url: str | None) -> None:
    """Request everything in LIST, so that a running server renders and stores it.

    Each line of LIST is the path of a URL or the id of an image. An id is requested in every
    --variant. Use - as LIST for standard input. Existing renditions cost little, so you can
    run the command again to continue.

    Exits with 1 if a line was invalid or a rendition failed.

    \b
    Examples:
      liveresize warm popular.txt
      liveresize warm ids.txt --variant 400_0.webp --variant '800_600.jpg?fit=crop'
      echo '/cat_800_600.webp?fit=crop' | liveresize warm -
    """
    import asyncio

    from liveresize.maintenance import warm
    from liveresize.observe import progress

    tally = warm.Tally(progress.note)
    server = common.server(url, "", lambda settings: "").url
    warmed = warm.Warming(server, tally, width=concurrency)
    try:
        with progress.bar("warming", _length(list_, variants)) as bar:
            asyncio.run(warmed.run(list_, variants, bar.update))
    finally:
        click.echo(tally.line())
    sys.exit(0 if tally.well else 1)


def _length(lines: TextIO, variants: Sequence[str]) -> int | None:
    """How many renditions a list has; None where it can be read only once."""
    from liveresize.maintenance import warm

    if not lines.seekable():
        return None
    count = 0
    for line in lines:
        with contextlib.suppress(warm.BadLine):
            count += len(warm.paths(line, variants))
    lines.seek(0)
    return count
