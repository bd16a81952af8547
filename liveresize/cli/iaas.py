"""What the commands have in common that exchange images with Live Image Resize (iaas)."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from liveresize.cli import options

if TYPE_CHECKING:
    from liveresize.config import Settings

LEFT_OUT = 3
"""Exit code of a run that came to its end, but left something out."""

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def database(*, required: bool) -> _Decorator:
    """Return the option for the other database."""
    return click.option(
        "--database",
        envvar="IAAS_DATABASE",
        metavar="URL",
        required=required,
        help="Its PostgreSQL database: postgresql://user:password@host/name.  [env: IAAS_DATABASE]",
    )


def originals(*, writable: bool) -> _Decorator:
    """Return the option for the other folder, which is read or written."""
    return click.option(
        "--originals",
        type=options.FilePath(
            exists=True,
            file_okay=False,
            writable=writable,
            path_type=Path,
        ),
        required=True,
        help="Its folder with the originals.",
    )


def dry_run(done: str) -> _Decorator:
    """Return the option that only counts what would be `done`."""
    return click.option(
        "--dry-run", is_flag=True, help=f"Change nothing; count what would be {done}."
    )


def yes(what: str) -> _Decorator:
    """Return the option that accepts the built-in folder; `what` begins its help."""
    return click.option(
        "--yes", "-y", is_flag=True, help=f"{what} the built-in folder without a configuration."
    )


def load(yes: bool) -> "Settings":
    """Return the settings in force, and print which variables nobody reads.

    Raises UsageError if they do not say where images are, unless `yes`, and SettingsError.
    """
    settings = options.load()
    from liveresize.app import iaas_places

    if not (yes or iaas_places.configured(settings)):
        raise click.UsageError(iaas_places.NOT_CONFIGURED)
    if unread := iaas_places.unread(os.environ):
        click.echo(f"liveresize: {unread}", err=True)
    return settings


def exchange(work: Callable[[Callable[[str], None]], bool], as_json: bool) -> None:
    """Do `work`, which prints lines and returns whether nothing was left out.

    As JSON, the lines go to stderr as they come, and into the document on stdout at the end.
    Exits with LEFT_OUT if something was left out.
    """
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        click.echo(line, err=as_json)

    complete = work(say)
    if as_json:
        options.report(as_json, {"complete": complete, "lines": lines})
    if not complete:
        sys.exit(LEFT_OUT)
