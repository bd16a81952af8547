"""The findings of a comparison, with counts and examples."""

import enum
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from liveresize.core import names

EXAMPLES = 20
"""The largest number of findings of a kind that are kept; there may be millions."""


class Kind(enum.StrEnum):
    """The kinds of findings; the values are the names in JSON."""

    LOST = "lost"
    DAMAGED = "damaged"
    MISSING = "missing"
    CORRUPT = "corrupt"
    COPY = "corrupt_copy"
    UNMIRRORED = "unmirrored"
    UNNOTED = "unnoted"
    ASIDE = "set_aside"
    UNRECORDED = "unrecorded"
    UNNAMED = "unnamed"
    ENDED = "ended"
    LINK = "link_without_object"
    OBJECT = "object_without_link"
    COUNT = "wrong_count"

    @property
    def meaning(self) -> str:
        """The description of the kind."""
        return _MEANINGS[self]


_MEANINGS = {
    Kind.LOST: "pictures that are recorded, but neither on this disk nor in the mirror",
    Kind.DAMAGED: "originals on this disk that do not have their recorded size",
    Kind.MISSING: "pictures that are recorded, and not on this disk",
    Kind.CORRUPT: "originals on this disk whose bytes are not those recorded",
    Kind.COPY: "copies in the mirror whose bytes are not those recorded",
    Kind.UNMIRRORED: "originals that are said to be in the mirror, which lacks them",
    Kind.UNNOTED: "originals that are in the mirror, but not said to be",
    Kind.ASIDE: "originals that were set aside, and have a row again",
    Kind.UNRECORDED: "originals without a row: uploads that a backup of the database lacks, "
    "or deleted pictures that a backup of the disk brought back",
    Kind.UNNAMED: "originals without a row that do not tell the name of their picture",
    Kind.ENDED: "originals left over from versions that were replaced or deleted",
    Kind.LINK: "links that lead to no object",
    Kind.OBJECT: "objects that no link leads to",
    Kind.COUNT: "applications of which other pictures or bytes are counted than there are",
}


@dataclass(slots=True)
class Tally:
    """The numbers of findings of one kind and of repairs, and the first findings."""

    found: int = 0
    repaired: int = 0
    examples: list[str] = field(default_factory=list)


class Report:
    """The findings of one run. `on_finding` is called with each finding at once.

    `looked` counts compared items; `young` counts items that were skipped because their row or
    link may follow in a moment. `remarks` are sentences for the operator.
    """

    def __init__(self, on_finding: Callable[[str], object] = lambda line: None) -> None:
        self._on_finding = on_finding
        self.looked: Counter[str] = Counter()
        self.young = 0
        self.remarks: list[str] = []
        self.tallies: dict[Kind, Tally] = {}

    def add(self, kind: Kind, what: str, *, repaired: bool = False) -> None:
        """Count one finding, and whether it is repaired."""
        tally = self.tallies.setdefault(kind, Tally())
        tally.found += 1
        tally.repaired += repaired
        line = names.printable(what)
        if len(tally.examples) < EXAMPLES:
            tally.examples.append(line)
        self._on_finding(f"{kind.value}: {line}{' (repaired)' if repaired else ''}")

    def remark(self, sentence: str) -> None:
        """Add a remark, unless there is the same one."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    @property
    def left(self) -> int:
        """The number of findings that are not repaired."""
        return sum(tally.found - tally.repaired for tally in self.tallies.values())

    def lines(self, *, with_examples: bool = True) -> Iterator[str]:
        """Yield the report as text, with the first findings of each kind if `with_examples`."""
        counts = ", ".join(f"{count} {what}" for what, count in self.looked.items())
        yield f"compared: {counts or 'nothing'}"
        for kind in Kind:
            tally = self.tallies.get(kind)
            if tally is None:
                continue
            yield f"{kind.value}: {tally.found} found, {tally.repaired} repaired ({kind.meaning})"
            if with_examples:
                yield from (f"  {example}" for example in tally.examples)
                if tally.found > len(tally.examples):
                    yield f"  … and {tally.found - len(tally.examples)} more (--verbose names all)"
        if self.young:
            yield f"left alone, since it may be on its way: {self.young}"
        yield from self.remarks
        yield f"findings left: {self.left}" if self.tallies else "nothing found"

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return {
            "compared": dict(self.looked),
            "findings": {
                kind.value: {
                    "found": tally.found,
                    "repaired": tally.repaired,
                    "examples": tally.examples,
                }
                for kind in Kind
                if (tally := self.tallies.get(kind)) is not None
            },
            "young": self.young,
            "left": self.left,
            "remarks": self.remarks,
        }
