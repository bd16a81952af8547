"""How far something has come, on a terminal."""

import sys
from types import TracebackType
from typing import Protocol, Self

from tqdm import tqdm


class Progress(Protocol):
    """Something that is going on, `update`d by how many more are done."""

    def update(self, more: int) -> object: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> object: ...


def bar(what: str, total: int | None = None) -> Progress:
    """A progress bar on stderr, of a length that may be unknown; nothing where that is no
    terminal."""
    return tqdm(total=total, desc=what, unit="", unit_scale=True, file=sys.stderr, disable=None)


def write(line: str) -> None:
    """A line on stdout, past any bar."""
    tqdm.write(line, file=sys.stdout)


def note(line: str) -> None:
    """A line on stderr, past any bar."""
    tqdm.write(line, file=sys.stderr)
