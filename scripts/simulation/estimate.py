"""What instances ask the database for at sizes that cannot be simulated request by request.

By the formula for LRU caches of Che, Tung and Wang, on ranks in groups of about the same
popularity; links are trusted for a time, so a link is looked up once in that time at most.
"""

import math
from dataclasses import dataclass

from scripts.simulation import traffic
from scripts.simulation.instance import ORIGINALS


@dataclass(frozen=True)
class Estimate:
    """Shares of requests that memory answers, and lookups a second of all instances."""

    by_link: float
    by_original: float
    lookups: float


def estimate(
    pictures: int,
    rate: float,
    instances: int,
    *,
    exponent: float = 0.9,
    link_ttl: float = 60,
    originals: int = ORIGINALS,
) -> Estimate:
    """For `rate` requests a second on `instances` with enough `cache.links`."""
    groups = _groups(pictures, rate, exponent)
    room = min(instances * originals, pictures)
    low, high = 0.0, 1e12
    for _ in range(100):
        middle = (low + high) / 2
        held = sum(count * -math.expm1(-each * middle) for count, each in groups)
        low, high = (middle, high) if held < room else (low, middle)
    by_original = sum(count * each * -math.expm1(-each * low) for count, each in groups) / rate
    by_link = 0.0
    for count, each in groups:
        for share in traffic.VARIANTS:
            known = each * share * link_ttl
            by_link += count * each * share * known / (1 + known)
    by_link /= rate
    return Estimate(by_link, by_original, rate * (2 - by_link - by_original))


def _groups(pictures: int, rate: float, exponent: float) -> list[tuple[int, float]]:
    """(how many pictures, requests a second of each of them), most popular first."""
    whole = traffic.zipf_sum(pictures, exponent)
    found, above = [], 0
    while above < pictures:
        to = min(pictures, max(above + 1, int(above * 1.05)))
        part = traffic.between(above, to, exponent) if above > 10 else (above + 1) ** -exponent
        found.append((to - above, rate * part / (to - above) / whole))
        above = to
    return found
