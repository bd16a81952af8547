"""The command `check`: doctor, verify and reconcile in their order, and one report."""

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import click

from liveresize.cli import doctor, findings, options

if TYPE_CHECKING:
    from liveresize.maintenance.doctor.findings import Finding
    from liveresize.maintenance.reconcile.findings import Report

_STANDS_ON = ("data_dir", "originals_dir", "database", "aws")
"""Parts that the doctor looks at, without which images cannot be compared: with a disk that is not
mounted, everything would seem to be lost."""


@dataclass(frozen=True, slots=True)
class _Compared:
    """What one comparison came to; `failure` is why it could not finish."""

    report: "Report"
    failure: str

    def summary(self) -> str:
        if self.failure:
            return f"could not finish: {self.failure}"
        return f"{self.report.left} findings left"

    def as_json(self) -> dict[str, Any]:
        return {**self.report.as_json(), "complete": not self.failure}


@click.command()
@options.above_settings
@click.option("--deep", is_flag=True, help="Compare all images, too: their bytes, and their rows.")
@click.option("--repair", is_flag=True, help="Repair what can be repaired without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a report.")
def check(deep: bool, repair: bool, as_json: bool) -> NoReturn:
    """Check whether all is well, in one go.

    Without options this is `doctor`: everything the server depends on, in some seconds. --deep
    adds `verify` (every original against its checksum, its copy in the mirror as well) and
    `reconcile` (rows, files, mirror and links against each other). --repair repairs what they
    find: with --deep both, alone only what `reconcile` finds, without reading every original.

    If the doctor finds a problem of the disk, the database or the buckets, nothing is compared
    or repaired. What needs a decision is only reported: see `reconcile --help`. Images whose
    files are lost stay in the database, so that a backup can bring them back. The server can run
    meanwhile.

    Exits with 0 if all is well (warnings are no problem), 1 if problems or findings are left,
    2 if it could not finish.

    \b
    Examples:
      liveresize check
      liveresize check --deep
      liveresize check --deep --repair --json > report.json
    """
    examined = doctor.examined()
    if not as_json:
        _title("doctor", "everything the server depends on")
        doctor.show(examined)
    steps = [*(["verify"] if deep else []), *(["reconcile"] if deep or repair else [])]
    blocked = bool(steps) and _is_blocked(examined)
    compared: dict[str, _Compared] = {}
    for step in [] if blocked else steps:
        if not as_json:
            _title(step, _TITLES[step])
        compared[step] = _compare(step, repair=repair, deep=deep)
        if not as_json:
            for line in compared[step].report.lines():
                click.echo(line)
    problems = sum(each.level.value == "problem" for each in examined)
    if as_json:
        document: dict[str, Any] = {"doctor": [each.as_json() for each in examined]}
        document |= {step: one.as_json() for step, one in compared.items()}
        document["skipped"] = steps if blocked else []
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        _title("result", "")
        click.echo(f"{'doctor':10} {problems} problems")
        for step in steps:
            told = "skipped, because of the problems" if blocked else compared[step].summary()
            click.echo(f"{step:10} {told}")
    if blocked or any(one.failure for one in compared.values()):
        sys.exit(findings.ERROR)
    sys.exit(1 if problems or any(one.report.left for one in compared.values()) else 0)


_TITLES = {
    "verify": "every original against its checksum",
    "reconcile": "rows, files, mirror and links against each other",
}


def _title(name: str, what: str) -> None:
    if name != "doctor":
        click.echo()
    click.echo(options.coloured(f"== {name}{': ' if what else ''}{what}", "cyan"))


def _is_blocked(examined: "list[Finding]") -> bool:
    """Whether something is wrong with what the comparisons stand on."""
    refused = [each.part for each in examined] == [doctor.REFUSED]
    return refused or any(
        each.level.value == "problem" and each.part.partition(".")[0] in _STANDS_ON
        for each in examined
    )


def _compare(step: str, *, repair: bool, deep: bool) -> _Compared:
    from liveresize.app import maintenance
    from liveresize.maintenance import idle
    from liveresize.maintenance import verify as verification
    from liveresize.maintenance.reconcile.findings import Report
    from liveresize.maintenance.reconcile.parts import Options

    settings, report = options.load(), Report()
    if step == "reconcile":
        failure = findings.collected(
            lambda: maintenance.reconcile(settings, Options(repair=repair, keep_lost=True), report)
        )
        return _Compared(report, failure)
    mirror = deep and bool(settings.aws.originals_bucket)
    checks = verification.Options(repair=repair and mirror, mirror=mirror)
    with idle.stepped_back():
        failure = findings.collected(lambda: maintenance.verify(settings, checks, report))
    return _Compared(report, failure)
