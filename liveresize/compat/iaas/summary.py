"""The counts of an import or an export."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from liveresize.core import names

EXAMPLES = 10
"""The largest number of names for each reason; there may be millions."""


@dataclass(slots=True)
class Tally:
    """The counts of one kind of item, named `what`; items left out are counted by reason."""

    what: str
    done: str = "taken"
    taken: int = 0
    present: int = 0
    missed: int = 0
    """How many of the items left out somebody could miss."""
    left_out: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    record: Callable[[str], None] = field(default=lambda line: None)
    """Gets a line for every item left out: what, name and reason, separated by tabs."""

    def leave_out(self, reason: str, example: str, *, harmless: bool = False) -> None:
        """Count one item that was not imported; `harmless` if nobody can miss it."""
        self.missed += not harmless
        self.record("\t".join((self.what, names.printable(example), names.printable(reason))))
        self.left_out[reason] = self.left_out.get(reason, 0) + 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < EXAMPLES and example not in examples:
            examples.append(example)

    def lines(self) -> Iterator[str]:
        """Yield a line with the counts, and one for each reason with some names."""
        missing = sum(self.left_out.values())
        there = f"{self.taken} {self.done}, {self.present} already there"
        yield f"{self.what}: {there}, {missing} left out"
        for reason, count in sorted(self.left_out.items(), key=lambda item: -item[1]):
            examples = [names.printable(example) for example in self.examples[reason]]
            more = ", …" if count > len(examples) else ""
            yield f"  {count} × {names.printable(reason).rstrip('.')}: {', '.join(examples)}{more}"


@dataclass(slots=True)
class Summary:
    """The results of one run; `done` is what was done to the items that are `taken`.

    A dry run counts what it would do.
    """

    done: str = "taken"
    originals: Tally = field(init=False)
    links: Tally = field(init=False)
    tokens: Tally = field(init=False)

    def __post_init__(self) -> None:
        self.originals, self.links = Tally("originals", self.done), Tally("links", self.done)
        self.tokens = Tally("tokens" if self.done == "taken" else "ids", self.done)

    def record_to(self, record: Callable[[str], None]) -> None:
        """Have `record` called with a line for every item left out."""
        for tally in (self.originals, self.links, self.tokens):
            tally.record = record

    @property
    def complete(self) -> bool:
        """Whether nothing was left out that somebody could miss."""
        return not (self.originals.missed or self.links.missed or self.tokens.missed)

    def lines(self) -> Iterator[str]:
        """Yield the summary as text."""
        for tally in (self.originals, self.links, self.tokens):
            yield from tally.lines()
