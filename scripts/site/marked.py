"""Parts of a page that are written from elsewhere, between two comments in its Markdown."""

import re
from collections.abc import Sequence


class NoSuchPart(Exception):
    """The page has no such part."""


def filled(page: str, name: str, body: str) -> str:
    """`page` with `body` between the comments of the part `name`. Raises NoSuchPart."""
    start, end = f"<!-- {name}: written by scripts/docs -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(start)}\n.*?{re.escape(end)}", re.DOTALL)
    made, count = pattern.subn(lambda _: f"{start}\n\n{body.strip()}\n\n{end}", page)
    if count != 1:
        raise NoSuchPart(f"{count} parts are called {name}")
    return made


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table; a `|` within a cell is escaped."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )
