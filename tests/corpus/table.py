"""The corpus as it describes itself, and what this project expects of each of its files."""

import csv
import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / os.environ.get("LIVERESIZE_CORPUS", "../shared/corpus")
MANIFEST = CORPUS / "MANIFEST.tsv"
EXPECTATIONS = Path(__file__).with_name("expectations.tsv")

needs_corpus = pytest.mark.skipif(
    not MANIFEST.is_file(), reason="the corpus of test pictures is not here (LIVERESIZE_CORPUS)"
)

RENDITIONS = {
    "jpg": "_200_0.jpg",
    "webp": "_0_150.webp",
    "png": "_100_100.png?fit=crop",
    "avif": "_64_64.avif?fit=canvas",
    "gif": "_120_0.gif",
}
"""Column of the table → what is asked for, after the name of the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One line of the table; each field holds what the file says, as text.

    `upload` is the status of the upload and `code` that of its error. What follows is
    empty where nothing is stored: size (upright), format, frames and alpha as the facts
    tell them, the status of each rendition, and whether renditions move. `why` says why
    the line departs from the manifest's advice; it is empty where it does not.
    """

    path: str
    upload: str
    code: str = ""
    width: str = ""
    height: str = ""
    format: str = ""
    frames: str = ""
    alpha: str = ""
    moves: str = ""
    jpg: str = ""
    webp: str = ""
    png: str = ""
    avif: str = ""
    gif: str = ""
    why: str = ""

    @property
    def stored(self) -> bool:
        """Whether the upload is to be taken."""
        return self.upload == "200"

    @property
    def size(self) -> tuple[int, int]:
        """The upright (width, height) in pixels of a file that is stored."""
        return int(self.width), int(self.height)

    @property
    def name(self) -> str:
        """The id under which the tests store the file; unlike a stem it is unique."""
        return self.path.replace("/", "-").replace(".", "-")


COLUMNS = [field.name for field in dataclasses.fields(Expected)]


def lines(path: Path) -> list[dict[str, str]]:
    """The lines of a table with a heading, by column; none where there is no such file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


EXPECTED = [Expected(**line) for line in lines(EXPECTATIONS)]
STORED = [each for each in EXPECTED if each.stored]


def at(path: str) -> Expected:
    """The line of one file."""
    return next(each for each in EXPECTED if each.path == path)
