"""The command `doctor`: check what the server depends on."""

import json
import sys
from typing import TYPE_CHECKING

import click

from liveresize import errors
from liveresize.cli import options

if TYPE_CHECKING:
    from liveresize.maintenance.doctor.findings import Finding

REFUSED = "config"
"""The part of settings that cannot be read."""

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command()
@options.above_settings
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a report.")
def doctor(as_json: bool) -> None:
    """Check everything the server depends on and suggest fixes.

    Tests folders, database, buckets, codecs, limits, clocks, ports and the certificate with
    the current settings. It leaves nothing behind, and the server can run meanwhile.

    Exits with 1 if there is a problem.

    \b
    Examples:
      liveresize doctor
      liveresize doctor --port 8080 --data /srv/pictures
      NODE_ENV=production liveresize doctor --json
    """
    findings = examined()
    if as_json:
        click.echo(json.dumps([finding.as_json() for finding in findings], ensure_ascii=False))
    else:
        show(findings)
    sys.exit(1 if any(each.level.value == "problem" for each in findings) else 0)


def examined() -> "list[Finding]":
    """Return the findings; that the settings are refused is one of them, and then the only one."""
    import asyncio

    from liveresize.app import doctor as examination
    from liveresize.maintenance.doctor.findings import problem
    from liveresize.observe import log

    try:
        settings = options.load()
    except errors.SettingsError as error:
        return [problem(REFUSED, error.public, "Correct it: see config/README.md.")]
    with log.silenced():
        return asyncio.run(examination.examine(settings))


def show(findings: "list[Finding]") -> None:
    """Print the findings, and how many there are of each kind."""
    from liveresize.maintenance.doctor.findings import Level

    for finding in findings:
        click.echo(options.coloured(finding.text(), _COLOURS[finding.level.value]))
    counts = [sum(each.level is level for each in findings) for level in Level]
    click.echo(f"{counts[0]} ok, {counts[1]} warnings, {counts[2]} problems")
