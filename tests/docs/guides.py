"""The pages of docs/ as their readers have them: blocks to copy, tables, links."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^```([a-z]+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def page(name: str) -> str:
    """The text of a page, by its path in the project."""
    return (ROOT / name).read_text()


def blocks(name: str, language: str) -> list[str]:
    """What stands in the fences of that language, in their order."""
    return [body for found, body in _FENCE.findall(page(name)) if found == language]


def rows(name: str, heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without those of the header."""
    text = page(name).split(f"\n{heading}\n", 1)[1]
    section = re.split(r"^#{1,6} ", text, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for at, row in enumerate(cells) if not _frames(lines, at)]


def _frames(lines: list[str], at: int) -> bool:
    """Whether a line is the header of a table, or the one below that."""
    rules = [*(set(line) <= set("|- :") for line in lines), False]
    return rules[at] or rules[at + 1]


def code(cell: str) -> list[str]:
    """What a cell has in backticks."""
    return re.findall(r"`([^`]+)`", cell)
