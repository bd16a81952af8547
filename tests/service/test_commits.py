"""The one moment from which an upload has happened, and what may go wrong around it."""

import json
from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.delivery.outcomes import Cache

from .doubles import Hook, away, picture, run
from .house import CAT, House, disk_store, request


def test_a_commit_that_never_happened_leaves_nothing(tmp_path: Path) -> None:
    """The index goes away before it and is asked after it: no row, so no file."""

    async def main() -> None:
        house = House(tmp_path)
        house.index.before["tokens.complete"] = away()
        with pytest.raises(errors.IndexUnavailable):
            await house.send(await house.token(), picture())
        await house.holds_nothing()

    run(main)


def full() -> Hook:
    """A hook that has the index refuse one call for want of room."""

    async def hook() -> None:
        raise errors.IndexFull("", "database or disk is full")

    return hook


@pytest.mark.parametrize("call", ["issue", "claim", "complete"])
def test_an_index_without_room_is_a_full_disk(tmp_path: Path, call: str) -> None:
    """Whoever wants something stored hears so, at every step; nothing is left of it."""

    async def main() -> None:
        house = House(tmp_path)
        token = await house.token()
        dog = ImageId("dog")

        async def refuse(*_: object, **__: object) -> None:
            await full()()

        setattr(house.index.tokens, call, refuse)
        with pytest.raises(errors.DiskFull) as refused:
            await house.send(await house.token(dog) if call == "issue" else token, picture())
        assert refused.value.detail == "database or disk is full"
        assert house.files() == []
        assert house.staged() == []

    run(main)


def test_an_index_without_room_keeps_no_picture_from_being_shown(tmp_path: Path) -> None:
    """A link that cannot be written is no reason to refuse a rendition."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.index.before["links.add_all"] = full()
        assert (await house.get(request(100))).cache is Cache.MISS
        await house.publisher.flush(0.1)
        assert (await house.get(request(100))).cache is Cache.MEMORY

    run(main)


def test_what_makes_room_goes_on_in_an_index_without_room(tmp_path: Path) -> None:
    """That uses cannot be noted holds up no eviction."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), disk_bytes=1)
        await house.upload()
        await house.get(request(100))
        assert await house.publisher.flush(30.0) == 0
        assert len(await house.index.links.least_used(10)) == 1
        await house.find(request(100))
        house.index.before["links.touch"] = full()
        await house.purge.tidy()
        assert await house.index.links.least_used(10) == []
        await house.get(request(100))
        assert await house.publisher.flush(30.0) == 0
        await house.find(request(100))
        house.index.before["links.touch"] = away()
        with pytest.raises(errors.IndexUnavailable):
            await house.purge.tidy()

    run(main)


def test_a_commit_whose_answer_was_lost_is_a_success(tmp_path: Path) -> None:
    """The row is there when the index is asked, so the client hears of it."""

    async def main() -> None:
        house = House(tmp_path)
        house.index.after["tokens.complete"] = away()
        token = await house.token()
        receipt = await house.send(token, picture())
        assert json.loads(receipt)["status"] == "OK"
        assert len(house.files()) == 1
        assert house.staged() == []
        assert await house.repeats(token, picture())

    run(main)


def test_a_commit_that_is_still_on_its_way_cannot_arrive_after_the_look(tmp_path: Path) -> None:
    """The claim is given up first: what comes late is refused, and no row lacks its file."""

    async def main() -> None:
        house = House(tmp_path)
        late: list[Any] = []
        complete = house.index.tokens.complete

        async def hang(*args: Any, **marks: bool) -> None:
            late.extend(args)
            raise errors.IndexUnavailable

        async def arrive() -> None:
            with pytest.raises(errors.TokenRefused):
                await complete(*late)

        house.index.tokens.complete = hang  # type: ignore[assignment,method-assign]
        house.index.after["rows.of"] = arrive
        with pytest.raises(errors.IndexUnavailable):
            await house.send(await house.token(), picture())
        assert house.index.calls["rows.of"] == 1
        await house.holds_nothing()

    run(main)


@pytest.mark.parametrize("committed", [False, True])
def test_a_commit_that_nobody_can_tell_about_is_settled_later(
    tmp_path: Path, committed: bool
) -> None:
    """File and note stay until the index is back; then either both go, or it is served."""

    async def main() -> None:
        house = House(tmp_path, lease=0.0)
        token = await house.token()

        async def vanish() -> None:
            house.index.available = False
            raise errors.IndexUnavailable

        (house.index.after if committed else house.index.before)["tokens.complete"] = vanish
        with pytest.raises(errors.IndexUnavailable):
            await house.send(token, picture())
        assert len(house.files()) == 1
        assert len(house.staged()) == 1
        with pytest.raises(errors.IndexUnavailable):
            await house.original_lookup.get(CAT)
        with pytest.raises(errors.IndexUnavailable):
            await house.uploads.recover()
        house.index.available = True
        house.index.advance(1)
        await house.uploads.recover()
        assert house.staged() == []
        if committed:
            assert (await house.original_lookup.get(CAT)).width == 640
            assert await house.repeats(token, picture())
        else:
            await house.holds_nothing()

    run(main)


def test_recovery_leaves_commits_under_way_alone(tmp_path: Path) -> None:
    """However old its note, an upload that is being committed here is no leftover."""

    async def main() -> None:
        house = House(tmp_path, lease=0.0)

        async def meddle() -> None:
            assert len(house.staged()) == 2
            await house.uploads.recover()

        house.index.before["tokens.complete"] = meddle
        await house.send(await house.token(), picture())
        assert len(house.files()) == 1
        assert await house.original_lookup.get(CAT)

    run(main)
