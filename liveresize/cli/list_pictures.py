"""The command `list`: list the pictures of a running server."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from liveresize.cli import options
from liveresize.cli.purge import Moment

_COLUMNS = "{:<8}  {:>11}  {:<6}  {:>13}  {:<24}  {:<8}  {}"


@click.command("list")
@click.option("--prefix", metavar="TEXT", help="Images with names that begin with TEXT.")
@click.option(
    "--uploaded-since",
    type=Moment(),
    help="Images uploaded since WHEN: an ISO 8601 time (in this machine's time zone if it "
    "names none), Unix seconds, or an age such as 30d.",
)
@click.option("--held/--not-held", default=None, help="Images that are held, or are not.")
@click.option(
    "--expiring/--not-expiring", default=None, help="Images that expire by themselves, or do not."
)
@click.option("--format", "format_", metavar="NAME", help="Images of one format, such as png.")
@click.option("--bucket", metavar="NAME", help="Images of a bucket of vip.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="List at most N images.")
@options.URL
@options.ADMIN_SECRET
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each image.")
def list_(
    prefix: str | None,
    uploaded_since: float | None,
    held: bool | None,
    expiring: bool | None,
    format_: str | None,
    bucket: str | None,
    limit: int | None,
    url: str | None,
    secret: str | None,
    as_json: bool,
) -> None:
    """List the images of a running server by name.

    \b
    Examples:
      liveresize list
      liveresize list --prefix holiday- --json | jq -r .id
      liveresize list --held --uploaded-since 7d
    """
    from liveresize.cli import client

    moment = None if uploaded_since is None else datetime.fromtimestamp(uploaded_since, UTC)
    selection = {
        "prefix": prefix,
        "uploaded_since": None if moment is None else moment.isoformat(),
        "held": None if held is None else str(held).lower(),
        "expiring": None if expiring is None else str(expiring).lower(),
        "format": format_,
        "bucket": bucket,
    }
    chosen = {name: value for name, value in selection.items() if value is not None}
    pictures = client.listed(options.admin_server(url, secret), chosen, limit)
    for line in map(_json, pictures) if as_json else _table(pictures):
        click.echo(line)


def _json(picture: Any) -> str:
    return json.dumps(picture, ensure_ascii=False)


def _table(pictures: Iterator[Any]) -> Iterator[str]:
    """Yield a line for each picture, below a line of titles.

    The titles come with the first page, so that an error is all that is printed.
    """
    first = next(pictures, None)
    yield _COLUMNS.format("STATE", "PIXELS", "FORMAT", "BYTES", "UPLOADED", "VERSION", "ID")
    for each in () if first is None else itertools.chain([first], pictures):
        yield _COLUMNS.format(
            each["state"],
            f"{each['width']}x{each['height']}",
            each["format"],
            f"{each['bytes']:,}",
            each["uploaded_at"],
            each["version"],
            each["id"],
        )
