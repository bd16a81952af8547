"""Run `reconcile` and `verify`, print their report and exit."""

import json
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn

import click

from liveresize import errors

if TYPE_CHECKING:
    from liveresize.maintenance.reconcile.findings import Report

ERROR = 2
"""Exit code of a command that could not finish; 1 means that findings are left."""


def run(
    check: "Callable[[Report], Coroutine[Any, Any, object]]", *, verbose: bool, as_json: bool
) -> NoReturn:
    """Run `check`, print its report and exit."""
    import asyncio

    from liveresize.maintenance.reconcile.findings import Report
    from liveresize.observe import log, progress

    on_finding: Callable[[str], object] = progress.note if as_json else progress.write
    report = Report(on_finding) if verbose else Report()
    failure = ""
    try:
        with log.silenced():
            asyncio.run(check(report))
    except errors.LiveResizeError as error:
        failure = f"{error.public} ({error.detail})" if error.detail else error.public
    summary = {**report.as_json(), "complete": not failure}
    for line in [json.dumps(summary)] if as_json else report.lines(with_examples=not verbose):
        click.echo(line)
    if failure:
        click.echo(f"liveresize: {failure}", err=True)
        sys.exit(ERROR)
    sys.exit(1 if report.left else 0)
