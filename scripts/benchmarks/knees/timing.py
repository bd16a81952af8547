"""How long a call takes, in processor time."""

import statistics
import time
from collections.abc import Callable


def ms(call: Callable[[], object], rounds: int) -> float:
    """The median ms of `rounds` calls after one to warm up."""
    found = []
    for turn in range(rounds + 1):
        begun = time.process_time()
        call()
        if turn:
            found.append((time.process_time() - begun) * 1000)
    return float(statistics.median(found))
