"""How long each stage of a render takes."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stopwatch:
    """How many ms each stage has taken so far.

    A stage inside another interrupts it: while an animation is being written, its
    frames are decoded one by one.
    """

    stages: dict[str, float] = field(default_factory=dict)
    _running: list[str] = field(default_factory=list)
    _since: float = 0.0

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what is done inside to the stage `name`."""
        self._turn()
        self._running.append(name)
        try:
            yield
        finally:
            self._turn()
            self._running.pop()

    def _turn(self) -> None:
        """Give the time since the last turn to the stage that was running."""
        now = time.perf_counter()
        if self._running:
            name = self._running[-1]
            self.stages[name] = self.stages.get(name, 0.0) + (now - self._since) * 1000
        self._since = now

    def ms(self, name: str) -> float:
        """The ms of one stage, to the hundredth."""
        return round(self.stages.get(name, 0.0), 2)
