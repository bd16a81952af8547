"""Renditions that another service has left in a bucket, and what becomes of them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.core.originals import Original
from liveresize.core.ports import Selection
from liveresize.delivery.outcomes import Cache

from .buckets import BUCKET, LEGACY, Fleet
from .doubles import Hook, run
from .house import House, request

ASKED = request(250, image=LEGACY, proxy=True)
VARIANT = ASKED.rendition.variant
THEIRS = b"\xff\xd8\xff\xe0 what vip has made"
KEY = f"{BUCKET}/legacy/s/{VARIANT}"


async def left(fleet: Fleet, data: bytes = THEIRS) -> tuple[House, Original]:
    """An instance that knows a picture, of which another service has left a rendition."""
    fleet.buckets.fill(LEGACY)
    fleet.store.foreign[LEGACY.key, VARIANT] = (KEY, data)
    fleet.store.objects[KEY] = data
    house = fleet.house()
    return house, await house.original_lookup.get(LEGACY)


def test_what_is_there_already_is_not_made(tmp_path: Path) -> None:
    """Its bytes are answered as they are, and linked, so that the next is a hit."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house, original = await left(fleet)
        made = await house.get(ASKED)
        assert (made.held.data, made.held.mime) == (THEIRS, "image/jpeg")
        assert made.cache is Cache.HIT
        link = await fleet.index.links.find(original.generation, VARIANT)
        assert link is not None
        assert (link.key, link.size, link.engine) == (KEY, len(THEIRS), "0")
        assert house.renderer.renders == []
        there = fleet.house("there")
        fleet.store.foreign.clear()
        assert (await there.get(ASKED)).held.data == THEIRS
        assert fleet.store.objects[KEY] == THEIRS

    run(main)


def test_a_hundred_ask_for_it_and_it_is_read_once(tmp_path: Path) -> None:
    """As with a render, they wait for the same bytes."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house, _ = await left(fleet)
        made = await asyncio.gather(*(house.get(ASKED) for _ in range(100)))
        assert {one.held.data for one in made} == {THEIRS}
        assert fleet.index.calls["links.add"] == 1

    run(main)


def test_what_was_purged_is_made_again(tmp_path: Path) -> None:
    """Although its object lies there until its time has come."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house, original = await left(fleet)
        await house.get(ASKED)
        assert await house.purge.purge(Selection(image=LEGACY), 10) == 1
        made = await house.get(ASKED)
        assert made.cache is Cache.MISS
        assert await house.publisher.flush(30.0) == 0
        link = await fleet.index.links.find(original.generation, VARIANT)
        assert link is not None
        assert link.engine == "1"
        assert fleet.store.objects[KEY] == made.held.data

    run(main)


def test_what_is_no_image_is_not_served(tmp_path: Path) -> None:
    """Whatever lies under that key: a picture is made."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house, _ = await left(fleet, b"<html>")
        assert (await house.get(ASKED)).cache is Cache.MISS
        assert await house.publisher.flush(30.0) == 0

    run(main)


@pytest.mark.parametrize("failing", ["find_foreign", "was_purged", "add_link"])
def test_a_store_that_does_not_answer_is_done_without(tmp_path: Path, failing: str) -> None:
    """Nobody waits for it to come back: the picture is made."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house, _ = await left(fleet)

        async def fail(*_: Any) -> None:
            error = errors.ObjectStoreUnavailable if failing == "find_foreign" else None
            raise error or errors.IndexUnavailable

        if failing == "find_foreign":
            fleet.store.find_foreign = fail  # type: ignore[assignment,method-assign]
        elif failing == "was_purged":
            fleet.index.links.was_purged = fail  # type: ignore[assignment,method-assign]
        else:
            hook: Hook = fail
            fleet.index.before["links.add"] = hook
        assert (await house.get(ASKED)).cache is Cache.MISS
        fleet.index.before.clear()
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_picture_deleted_while_its_rendition_is_read(tmp_path: Path) -> None:
    """No link is left of it, and whoever asks next hears that it is gone."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        house, original = await left(fleet)

        async def delete() -> None:
            del fleet.index.before["links.add"]
            await house.purge.delete(LEGACY)

        fleet.index.before["links.add"] = delete
        await house.get(ASKED)
        assert await fleet.index.links.find(original.generation, VARIANT) is None
        with pytest.raises(errors.OriginalMissing):
            await house.get(ASKED)
        assert fleet.store.objects == {}
        assert fleet.buckets.objects == {}

    run(main)
