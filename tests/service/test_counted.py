"""What components count themselves, for /_metrics to read."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.delivery.publisher import Publisher
from liveresize.settings.pictures import Originals

from .doubles import run
from .house import House, request
from .mirrors import FakeMirror


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow one another as fast as the loop turns."""

    def pauses(_: Publisher) -> Iterator[float]:
        return itertools.repeat(0.0)

    monkeypatch.setattr(Publisher, "_pauses", pauses)


def test_attempts_to_publish_are_counted_with_their_failures(tmp_path: Path) -> None:
    """One rendition, stored at the third attempt."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.fake_store.failures = [errors.ObjectStoreUnavailable() for _ in range(2)]
        await house.publish(100)
        publisher = house.publisher
        assert (publisher.attempts, publisher.failures, publisher.published) == (3, 2, 1)
        assert publisher.refused == 0

    run(main)


def test_a_rendition_that_finds_no_room_is_an_attempt_and_no_failure(tmp_path: Path) -> None:
    """It is refused, once, and not tried again."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.fake_store.failures = [errors.DiskFull()]
        await house.publish(100)
        publisher = house.publisher
        assert (publisher.attempts, publisher.failures, publisher.refused) == (1, 0, 1)

    run(main)


def test_memory_is_counted_once_a_request(tmp_path: Path) -> None:
    """A picture that it answers, one that it cannot, and neither for what is asked inside."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        assert house.pictures.recall(request(100)) is None
        await house.pictures.serve(request(100))
        assert (house.pictures.recalled, house.pictures.missed) == (0, 1)
        assert house.pictures.recall(request(100)) is not None
        assert (house.pictures.recalled, house.pictures.missed) == (1, 1)

    run(main)


def test_the_oldest_that_the_mirror_lacks_is_known(tmp_path: Path) -> None:
    """By the time of its upload; while the mirror is away the others are counted too, and
    when it has everything there is none."""

    async def main() -> None:
        mirror = FakeMirror()
        house = House(tmp_path, mirror=mirror, originals=Originals(mirror_wait=300.0))
        await house.mirroring.catch_up()
        assert house.mirroring.oldest is None
        mirror.answers = False
        stored = [await house.upload(ImageId(f"cat {number}")) for number in range(3)]
        first = await house.index.rows.find(stored[0].image)
        assert first is not None
        await house.mirroring.catch_up()
        assert (house.mirroring.backlog, house.mirroring.oldest) == (3, first.uploaded_at)
        mirror.answers = True
        await house.mirroring.catch_up()
        assert (house.mirroring.backlog, house.mirroring.oldest) == (0, None)

    run(main)
