"""Which rendition is requested when: popularity by Zipf's law, and more in the evening."""

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

DAY = 86_400
PEAK_HOUR = 20
SWING = 0.6
"""By how much the busiest moment is above the mean, and the quietest below it."""

VARIANTS = (0.40, 0.25, 0.15, 0.12, 0.08)
"""The shares of the renditions of a picture in its requests."""

SIZES = (9_000, 22_000, 40_000, 70_000, 120_000)
"""Bytes of each of them, as of a photo 240 to 1200 pixels wide."""


@dataclass(frozen=True)
class Request:
    """One request for a rendition; `generation` grows when a new picture takes the place."""

    at: float
    picture: int
    generation: int
    variant: int


def zipf_sum(count: int, exponent: float) -> float:
    """The sum of rank ** -exponent over the ranks 1 to `count`."""
    exact = min(count, 1000)
    total = math.fsum(rank**-exponent for rank in range(1, exact + 1))
    return total + between(exact, count, exponent)


def between(above: float, to: float, exponent: float) -> float:
    """The same over the ranks above `above`, as an integral; good to a thousandth from 10 on."""
    low, high = above + 0.5, to + 0.5
    if exponent == 1:
        return math.log(high / low)
    return float((high ** (1 - exponent) - low ** (1 - exponent)) / (1 - exponent))


def shares(pictures: int, exponent: float, sample: int = 1) -> list[float]:
    """The share of each picture in the requests, most popular first.

    With a `sample`, one stands for so many pictures of neighbouring ranks and has their mean:
    the result has `pictures / sample` entries that add up to `1 / sample`.
    """
    whole = zipf_sum(pictures, exponent)
    found, done = [], 0.0
    for rank in range(sample, pictures + 1, sample):
        reached = (
            zipf_sum(rank, exponent)
            if rank <= 10_000
            else done + between(rank - sample, rank, exponent)
        )
        found.append((reached - done) / whole / sample)
        done = reached
    return found


def load(second: float) -> float:
    """Requests at this time of the day ÷ their mean."""
    return 1 + SWING * math.cos((second / 3600 - PEAK_HOUR) * math.pi / 12)


@dataclass(frozen=True)
class Traffic:
    """`rate` requests a second in the mean of a day, `uploads` new pictures a day.

    A new picture takes the place of one that it picks by chance, and each of its renditions is
    requested once in the minute after its upload, besides what that place gets.
    """

    pictures: int
    rate: float
    exponent: float = 0.9
    uploads: int = 0
    sample: int = 1
    seed: int = 21

    def requests(self, until: float = DAY) -> Iterator[Request]:
        """The requests of the sample from 0:00 on, in their order."""
        chance = random.Random(self.seed)  # noqa: S311 (reproducible, and no secret)
        each = shares(self.pictures, self.exponent, self.sample)
        picks = list(itertools.accumulate(each))
        places, variants = range(len(each)), range(len(VARIANTS))
        generations = [0] * len(each)
        mean = self.rate * picks[-1]
        new = self.uploads / self.sample / DAY
        first: list[Request] = []
        second = 0
        while second < until:
            busy = load(second)
            count = _poisson(chance, mean * busy)
            found = [
                (second + chance.random(), picture, variant)
                for picture, variant in zip(
                    chance.choices(places, cum_weights=picks, k=count),
                    chance.choices(variants, VARIANTS, k=count),
                    strict=True,
                )
            ]
            for _ in range(_poisson(chance, new * busy)):
                picture = chance.randrange(len(each))
                generations[picture] += 1
                first += [
                    Request(second + 60 * chance.random(), picture, generations[picture], variant)
                    for variant in variants
                ]
            due = [one for one in first if one.at < second + 1]
            if due:
                first = [one for one in first if one.at >= second + 1]
            ready = due + [
                Request(at, picture, generations[picture], variant)
                for at, picture, variant in found
            ]
            yield from sorted(ready, key=lambda one: one.at)
            second += 1


def _poisson(chance: random.Random, mean: float) -> int:
    """How often something happens that is expected `mean` times."""
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    count, product = 0, chance.random()
    limit = math.exp(-mean)
    while product > limit:
        count += 1
        product *= chance.random()
    return count
