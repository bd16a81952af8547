"""What came of many requests: how many were sent, and how many of them got their picture.

*Refused* is 503 with `Retry-After` where the contract allows that, *misled* is a redirect
to a bucket that did not have the object or did not answer, *lost* is whatever remains.
"""

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from .visitor import Misled, Refused

FAULT = "fault"
"""The phase in which clients are misled, if ever."""


@dataclass
class Tally:
    """What came of the requests of one kind in one phase; `slowest` is in seconds."""

    sent: int = 0
    right: int = 0
    refused: int = 0
    misled: int = 0
    lost: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def add(self, other: "Tally") -> None:
        """Count those too."""
        self.sent += other.sent
        self.right += other.right
        self.refused += other.refused
        self.misled += other.misled
        self.lost += other.lost
        self.slowest = max(self.slowest, other.slowest)

    def row(self, name: str) -> str:
        """A line of a table."""
        counts = f"{self.sent:8}{self.right:8}{self.refused:9}{self.misled:8}{len(self.lost):6}"
        return f"{name:28}{counts}{self.slowest:8.2f}s"


class Count:
    """Tallies by phase and kind of request; any number of threads may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
        self._phase = "before"
        self._began = self._broken_at = time.monotonic()
        self._misled_at = 0.0

    def enter(self, phase: str) -> None:
        """Count what is sent from now on under that name.

        To the phase `FAULT` belongs what was under way when it began, too: whoever breaks
        something enters it before.
        """
        self._phase, self._began = phase, time.monotonic()
        if phase == FAULT:
            self._broken_at = self._began

    def went_well(self, kind: str, deed: Callable[[], object], *, refusable: bool = False) -> bool:
        """Do `deed` and note what came of it; whether all was right."""
        began, phase = time.monotonic(), self._phase
        one = Tally(sent=1)
        try:
            deed()
            one.right = 1
        except Misled:
            one.misled = 1
        except Refused as error:
            one.refused = int(refusable)
            one.lost += [] if refusable else [f"{kind} was refused: {error}"]
        except Exception as error:  # noqa: BLE001 (whatever it is, it counts)
            one.lost.append(f"{phase}, {kind}, after {began - self._began:.1f} s: {error!r}")
        one.slowest = time.monotonic() - began
        if self._phase == FAULT:
            phase = FAULT  # it came in the middle of this
        with self._lock:
            self._tallies[phase, kind].add(one)
            if one.misled:
                self._misled_at = max(self._misled_at, began)
        return bool(one.right)

    def of(self, phase: str) -> Tally:
        """All that was sent in one phase; empty for all of them."""
        total = Tally()
        with self._lock:
            for (each, _), tally in self._tallies.items():
                if phase in ("", each):
                    total.add(tally)
        return total

    def show(self, title: str, *remarks: str) -> None:
        """Write a table to stdout, a line for each phase and kind."""
        head = f"{'':28}{'sent':>8}{'right':>8}{'refused':>9}{'misled':>8}{'lost':>6}{'slowest':>9}"
        rows = [tally.row(f"{phase}, {kind}") for (phase, kind), tally in self._tallies.items()]
        if self._misled_at:
            last = self._misled_at - self._broken_at
            remarks = (*remarks, f"last redirect to nothing: {last:.1f} s after the fault")
        lines = ["", title, head, *rows, self.of("").row("all"), *remarks, ""]
        sys.stdout.write("\n".join(lines))
