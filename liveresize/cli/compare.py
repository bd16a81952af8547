"""The command `compare`: the answers of an old server and of this one, to the same requests."""

import json
import sys
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

import click

from liveresize import errors

CANNOT = 2
"""Exit code of a comparison that could not be finished; 1 means that too much differs."""

_KINDS = ("status", "type", "size", "likeness", "bytes")


class Header(click.ParamType[tuple[str, str]]):
    """A header to send, as `Name: value`."""

    name = "HEADER"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        name, colon, text = str(value).partition(":")
        if not colon or not name.strip() or not str(value).isprintable():
            self.fail(f"{value!r} is no header such as 'Accept: image/webp'.", param, ctx)
        return name.strip(), text.strip()


class ServerUrl(click.ParamType[str]):
    """The URL of a server."""

    name = "URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        split = urllib.parse.urlsplit(str(value))
        if split.scheme not in ("http", "https") or not split.netloc or split.query:
            self.fail(f"{value!r} is no URL such as http://localhost:1337.", param, ctx)
        return str(value)


class OldServer(ServerUrl):
    """The URL of a server, or the report of an earlier comparison."""

    name = "URL|REPORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if "://" in str(value):
            return super().convert(value, param, ctx)
        if not Path(str(value)).is_file():
            self.fail(f"{value!r} is neither a URL such as http://old:1337 nor a file.", param, ctx)
        return str(value)


@click.command()
@click.argument(
    "logs",
    metavar="LOG...",
    nargs=-1,
    required=True,
    type=click.File(encoding="utf-8", errors="surrogateescape"),
)
@click.option(
    "--old", required=True, type=OldServer(), help="Old server, or the report of a comparison."
)
@click.option("--new", required=True, type=ServerUrl(), help="Server to compare with it.")
@click.option(
    "--sample",
    type=click.IntRange(1, 1_000_000),
    default=500,
    show_default=True,
    help="Different requests to send, drawn from all in LOG.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Another number draws another sample.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    type=Header(),
    help="Header to send to both, such as 'Accept: image/webp'. Can be repeated.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Requests to send to each server at the same time.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("comparison"),
    show_default=True,
    help="Folder for report.jsonl and sheet.png.",
)
@click.option(
    "--min-ssim",
    type=click.FloatRange(0, 1),
    default=0.9,
    show_default=True,
    help="Pictures below this SSIM differ.",
)
@click.option(
    "--max-growth",
    type=click.FloatRange(0, min_open=True),
    default=2.0,
    show_default=True,
    help="Pictures with more times the bytes of the old one differ.",
)
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    type=click.Choice(_KINDS),
    help="Kind of difference that does not count. Can be repeated.",
)
@click.option(
    "--max-different",
    type=click.FloatRange(0, 100),
    default=0.0,
    show_default=True,
    help="Percentage of the requests that may differ.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def compare(
    logs: Sequence[TextIO],
    old: str,
    new: str,
    sample: int,
    seed: int,
    headers: Sequence[tuple[str, str]],
    concurrency: int,
    output: Path,
    min_ssim: float,
    max_growth: float,
    ignored: Sequence[str],
    max_different: float,
    as_json: bool,
) -> None:
    """Send requests of access logs to an old server and to a new one, and compare the answers.

    A line of LOG has a request as nginx, Apache, HAProxy or a load balancer writes it, is an object
    in JSON, or is only a path with its query. Use - as LOG for standard input. Only GET and HEAD
    are sent, both as GET; redirects are followed. If the URL of --old has a path, only requests
    below it are sent, without it to --new.

    Compared are the status, the media type, width and height, how alike the pictures are (SSIM),
    and the bytes. Every row is in report.jsonl, the worst pairs of pictures are in sheet.png.
    The report can be the --old of a later comparison, when the old server is gone.

    Exits with 1 if too many requests differ, with 2 if the comparison could not be finished.

    \b
    Examples:
      liveresize compare access.log --old http://old:1337 --new http://localhost:1337
      zcat access.log.*.gz | liveresize compare - --old http://old --new http://new --sample 5000
      liveresize compare access.log --old comparison/report.jsonl --new http://localhost:1337 \\
                 --output again
    """
    from liveresize.maintenance.compare.access_log import Sample
    from liveresize.maintenance.compare.differences import Limits, Row
    from liveresize.maintenance.compare.run import Comparison
    from liveresize.observe import progress

    drawn = Sample(sample, seed)
    below = urllib.parse.urlsplit(old).path.rstrip("/") if "://" in old else ""
    for log in logs:
        drawn.read(log, below)
    targets = drawn.targets()
    if not targets:
        _stop("No request to compare was found", drawn.skipped.line())

    def show(row: Row) -> None:
        (progress.note if as_json else progress.write)(row.line())

    comparison = Comparison(
        old,
        new,
        Limits(min_ssim, max_growth, max_different, frozenset(ignored)),
        output,
        headers=dict(headers),
        width=concurrency,
        on_difference=show,
    )
    files = _run(comparison, targets)
    summary = comparison.summary
    if as_json:
        click.echo(json.dumps({**summary.as_json(), "files": [str(file) for file in files]}))
    else:
        skipped = drawn.skipped.line()
        click.echo("\n".join(summary.text()))
        click.echo(f"not sent: {skipped}" if skipped else "every line was a GET or HEAD")
        click.echo(f"written: {', '.join(str(file) for file in files)}")
    sys.exit(0 if summary.passed else 1)


def _run(comparison: Any, targets: Sequence[tuple[str, int]]) -> list[Path]:
    import asyncio

    from liveresize.observe import progress

    try:
        with progress.bar("comparing", len(targets)) as bar:
            written: list[Path] = asyncio.run(comparison.run(targets, bar.update))
    except errors.LiveResizeError as error:
        _stop(error.public)
    return written


def _stop(reason: str, detail: str = "") -> NoReturn:
    click.echo(f"liveresize: {reason}{f' ({detail})' if detail else ''}", err=True)
    sys.exit(CANNOT)
