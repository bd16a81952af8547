"""Compare a server with what the published services answered, and explain the differences."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liveresize.maintenance.compare.differences import Limits, Row
from liveresize.maintenance.compare.run import REPORT, Comparison

FOLDER = Path(__file__).parent / "recorded"


@dataclass(frozen=True, slots=True)
class Difference:
    """A documented difference: its number, the targets it is about, and the kinds of it.

    Where `only` is given, a row must pass it as well.
    """

    number: str
    targets: str
    kinds: str
    only: Callable[[Row], bool] = lambda row: True

    def explains(self, row: Row) -> bool:
        """Whether the row differs as stated, and in nothing else."""
        return (
            re.search(self.targets, row.target) is not None
            and set(row.differences) <= set(self.kinds.split())
            and self.only(row)
        )


def lines(name: str) -> list[dict[str, Any]]:
    """The recorded lines of a file."""
    return [json.loads(line) for line in (FOLDER / name).read_text().splitlines()]


def compared(
    url: str, recorded: Sequence[Mapping[str, Any]], headers: Mapping[str, str], folder: Path
) -> list[Row]:
    """The rows that differ when `url` is asked what was recorded."""
    folder.mkdir(exist_ok=True)
    old = folder / f"old-{REPORT}"
    old.write_text("".join(json.dumps(line) + "\n" for line in recorded))
    found: list[Row] = []
    comparison = Comparison(
        str(old), url, Limits(), folder, headers=headers, width=4, on_difference=found.append
    )
    targets = [(str(line["target"]), 1) for line in recorded]
    asyncio.run(comparison.run(targets, lambda more: None))
    assert comparison.summary.requests == len(recorded)
    return found


def unexplained(rows: Sequence[Row], differences: Sequence[Difference]) -> list[str]:
    """Rows that no documented difference explains, and differences that explain no row."""
    unused = {difference.number for difference in differences}
    found = []
    for row in rows:
        numbers = {each.number for each in differences if each.explains(row)}
        unused -= numbers
        if not numbers:
            found.append(row.line())
    return found + [f"{number} is not seen" for number in sorted(unused)]
