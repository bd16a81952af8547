"""How well a JPEG was encoded, read off its quantisation tables."""

import bisect
from collections.abc import Mapping, Sequence

LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""The luminance table that the JPEG standard gives as an example (ITU-T T.81, table K.1).

Nearly every encoder scales it, by libjpeg's rule; others come close enough for a sum.
"""


def table_sum(quality: int) -> int:
    """The sum of the luminance table that libjpeg uses for `quality` 1–100."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps = (step for row in LUMINANCE for step in row)
    return sum(min(255, max(1, (step * percent + 50) // 100)) for step in steps)


SUMS = [table_sum(quality) for quality in range(100, 0, -1)]
"""Rising, from quality 100 down to 1."""


def estimate(tables: Mapping[int, Sequence[int]]) -> int | None:
    """The libjpeg quality 1–100 nearest to these tables; None without a luminance table.

    Only the sum is compared, so the order of the 64 steps does not matter.
    """
    table = tables.get(0)
    if not table:
        return None
    total = sum(table)
    at = min(bisect.bisect_left(SUMS, total), len(SUMS) - 1)
    if at > 0 and total - SUMS[at - 1] < SUMS[at] - total:
        at -= 1
    return 100 - at
