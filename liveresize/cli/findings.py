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
    from liveresize.maintenance.reconcile.findings import Report
    from liveresize.observe import progress

    on_finding: Callable[[str], object] = progress.note if as_json else progress.write
    report = Report(on_finding) if verbose else Report()
    failure = collected(lambda: check(report))
    summary = {**report.as_json(), "complete": not failure}
    for line in [json.dumps(summary)] if as_json else report.lines(with_examples=not verbose):
        click.echo(line)
    if failure:
        click.echo(f"liveresize: {failure}", err=True)
        sys.exit(ERROR)
    sys.exit(1 if report.left else 0)


def collected(check: Callable[[], Coroutine[Any, Any, object]]) -> str:
    """Run `check`; return why it could not finish, or an empty text."""
    import asyncio

    from liveresize.observe import log

    try:
        with log.silenced():
            asyncio.run(check())
    except errors.LiveResizeError as error:
        return f"{error.public} ({error.detail})" if error.detail else error.public
    return ""
