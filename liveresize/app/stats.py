"""The line `stats`, as the published service logs it every five minutes."""

import time
from collections.abc import Callable

import structlog

from liveresize.observe.metrics import renders, requests

_log = structlog.get_logger("liveresize.stats")

_HITS = ("HIT-MEMORY", "HIT")
_MISSES = ("MISS", "COALESCED")


class Stats:
    """Logs what has happened since it was made.

    `monotonic` gives seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._before = _counted()

    async def write(self) -> None:
        """Log one line: counts, ratio and pace since the start."""
        uptime = self._monotonic() - self._began
        counts = {name: count - self._before[name] for name, count in _counted().items()}
        asked = counts["hits"] + counts["misses"]
        _log.info(
            "stats",
            **counts,
            hit_ratio=round(counts["hits"] / asked, 4) if asked else 0.0,
            generations_per_minute=round(60 * counts["generations"] / uptime, 2) if uptime else 0.0,
            uptime_s=round(uptime),
        )


def _counted() -> dict[str, int]:
    answers = requests.by_cache()
    return {
        "hits": sum(answers.get(cache, 0) for cache in _HITS),
        "misses": sum(answers.get(cache, 0) for cache in _MISSES),
        "uploads": requests.uploaded(),
        "generations": renders.made(),
    }
