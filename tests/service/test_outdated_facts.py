"""Facts that an older release has found: they are found again, a few at a time."""

import dataclasses
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core import ports
from liveresize.core.jobs import ProbeJob
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.maintenance import outdated_facts

from .doubles import picture, run
from .house import CAT, House


async def outdated(house: House, image: ImageId = CAT) -> Original:
    """A picture whose row an older release has written, and the facts that are right."""
    right = await house.upload(image, picture(soul=image.name))
    house.index.tables.originals[image] = dataclasses.replace(right, frames=7, has_alpha=True)
    house.index.tables.outdated.add(right.generation)
    return right


def probes(house: House) -> int:
    """How many originals were probed."""
    return sum(isinstance(job, ProbeJob) for job in house.renderer.jobs)


def test_outdated_facts_are_found_again(tmp_path: Path) -> None:
    """Once, behind live traffic; every instance hears of what has changed."""

    async def main() -> None:
        house = House(tmp_path / "one")
        other = House(tmp_path / "two", index=house.index)
        right = await outdated(house)
        await other.purge.listen()
        assert (await other.original_lookup.get(CAT)).frames == 7
        await house.outdated_facts.refresh()
        assert await house.index.rows.find(CAT) == right
        assert house.renderer.errands[-1].priority is ports.Priority.BACKGROUND
        await other.purge.listen()
        assert await other.original_lookup.get(CAT) == right
        assert await other.index.rows.known([right.generation])
        house.clock.now += 2 * 86_400
        await house.outdated_facts.refresh()
        assert probes(house) == 1

    run(main)


def test_facts_that_are_right_are_not_announced(tmp_path: Path) -> None:
    """Nearly all are: instances need not forget what they know."""

    async def main() -> None:
        house = House(tmp_path)
        right = await outdated(house)
        house.index.tables.originals[CAT] = right
        await house.outdated_facts.refresh()
        assert (probes(house), house.index.tables.outdated) == (1, set())
        assert await house.index.purges.since(0) == []

    run(main)


def test_an_instance_probes_what_is_on_its_disk(tmp_path: Path) -> None:
    """The others are left to the instances that have them, which come to them all the same."""

    async def main() -> None:
        house = House(tmp_path / "one")
        other = House(tmp_path / "two", index=house.index)
        for number in range(outdated_facts._PAGE + 5):
            await outdated(other, ImageId(f"dog{number}"))
        right = await outdated(house)
        await house.outdated_facts.refresh()
        assert probes(house) == 1
        assert right.generation not in house.index.tables.outdated
        assert len(house.index.tables.outdated) == outdated_facts._PAGE + 5

    run(main)


def test_a_round_probes_only_some(tmp_path: Path) -> None:
    """The next one goes on behind them."""

    async def main() -> None:
        house = House(tmp_path)
        for number in range(outdated_facts._AT_ONCE + 3):
            await outdated(house, ImageId(f"cat{number}"))
        await house.outdated_facts.refresh()
        assert probes(house) == outdated_facts._AT_ONCE
        await house.outdated_facts.refresh()
        assert (probes(house), house.index.tables.outdated) == (outdated_facts._AT_ONCE + 3, set())

    run(main)


def test_a_busy_instance_tries_again(tmp_path: Path) -> None:
    """What was not probed is not passed over."""

    async def main() -> None:
        house = House(tmp_path)
        await outdated(house)
        house.renderer.failure = errors.QueueFull()
        await house.outdated_facts.refresh()
        assert house.index.tables.outdated
        house.renderer.failure = None
        await house.outdated_facts.refresh()
        assert not house.index.tables.outdated

    run(main)


@pytest.mark.parametrize("failure", [errors.UnreadableImage, errors.WorkerDied, None])
def test_what_cannot_be_probed_keeps_its_facts(
    tmp_path: Path, failure: type[errors.LiveResizeError] | None
) -> None:
    """So does a file that is not what its row says; it keeps nobody else from being probed, and
    is tried again a day later."""

    async def main() -> None:
        house = House(tmp_path)
        wrong = await outdated(house)
        if failure is None:
            house.originals.path(wrong).write_bytes(picture(soul="other"))
        else:
            house.renderer.failure = failure()
        await house.outdated_facts.refresh()
        kept = await house.index.rows.find(CAT)
        assert kept is not None
        assert (kept.frames, house.index.tables.outdated) == (7, {wrong.generation})
        await house.outdated_facts.refresh()
        assert probes(house) == 1
        house.renderer.failure = None
        house.clock.now += 86_401
        right = await outdated(house, ImageId("dog"))
        await house.outdated_facts.refresh()
        assert probes(house) == 3
        assert right.generation not in house.index.tables.outdated

    run(main)
