"""The command `warm`: render the images of a list ahead of their requests."""

import contextlib
import sys
from collections.abc import Sequence
from typing import Any, TextIO

import click

from liveresize import errors
from liveresize.cli import options


class Variant(click.ParamType[str]):
    """A variant to request of each id in the list."""

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
@options.URL
@options.JSON
def warm(
    list_: TextIO, variants: Sequence[str], concurrency: int, url: str | None, as_json: bool
) -> None:
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
    server = options.server(url, "", lambda settings: "")
    warmed = warm.Warming(server.url, tally, width=concurrency)
    try:
        with progress.bar("warming", _length(list_, variants)) as bar:
            asyncio.run(warmed.run(list_, variants, bar.update))
    except errors.LiveResizeError as error:
        raise errors.LiveResizeError(f"{error.public} {server.advice}") from error
    finally:
        options.report(as_json, tally.as_json(), tally.line())
    sys.exit(0 if tally.well else 1)


def _length(lines: TextIO, variants: Sequence[str]) -> int | None:
    """Return the number of renditions in a list; None if it can be read only once."""
    from liveresize.maintenance import warm

    if not lines.seekable():
        return None
    count = 0
    for line in lines:
        with contextlib.suppress(warm.BadLine):
            count += len(warm.paths(line, variants))
    lines.seek(0)
    return count
