"""What is known of an erasure: true across instances, and after a kill at any step."""

from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.core.erasures import Erasure, Progress
from liveresize.http.receipts import Receipts

from .doubles import run
from .house import CAT, REDIRECTS, House
from .test_deletions import Pair

PLACES = Receipts(bucket=True, mirror=True)


async def known(house: House, erasure: Erasure) -> dict[str, Any]:
    """The receipt, as an admin reads it."""
    return PLACES.document(await house.purge.erasure(erasure.generation))


def gone(receipt: dict[str, Any]) -> dict[str, bool]:
    """From which disks it is gone, and whether from the stores."""
    disks = {each["instance"]: each["gone_at"] is not None for each in receipt["instances"]}
    return {**disks, "stores": receipt["renditions"]["gone_at"] is not None}


class OneFailure:
    """In place of a method: fails once, as a process does that is killed there."""

    def __init__(self, method: Any) -> None:
        self._method = method
        self.failed = False

    async def __call__(self, *given: Any) -> Any:
        if not self.failed:
            self.failed = True
            raise errors.IndexUnavailable("", "killed")
        return await self._method(*given)


def test_a_receipt_follows_the_erasure(tmp_path: Path) -> None:
    """From one disk to the other, until the last redirect has ended."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT)
        erasure = await pair.here.purge.delete(CAT)
        receipt = await known(pair.here, erasure)
        assert gone(receipt) == {"here": False, "there": False, "stores": True}
        await pair.here.purge.listen()
        assert gone(await known(pair.here, erasure))["here"]
        assert not gone(await known(pair.here, erasure))["there"]
        await pair.there.purge.listen()
        assert pair.there.files() == []
        receipt = await known(pair.there, erasure)
        assert gone(receipt) == {"here": True, "there": True, "stores": True}
        assert not receipt["complete"]
        pair.index.advance(REDIRECTS + 1)
        receipt = await known(pair.there, erasure)
        assert receipt["complete"]
        assert (receipt["id"], receipt["erasure"]) == ("cat", erasure.generation)

    run(main)


@pytest.mark.parametrize("method", ["removed_here", "removed_from_stores"])
def test_what_was_done_is_noted_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """That fell between the two: the next start on that disk does it again, and then notes it."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT)
        failing = OneFailure(getattr(pair.index.erasures, method))
        monkeypatch.setattr(pair.index.erasures, method, failing)
        erasure = await pair.here.purge.delete(CAT)
        if method == "removed_here":
            await pair.here.purge.listen()
            assert not gone(await known(pair.here, erasure))["here"]
        assert failing.failed
        again = pair.house("here")
        await again.purge.listen()
        pair.index.advance(61)
        await again.purge.tidy()
        assert gone(await known(again, erasure)) == {"here": True, "there": False, "stores": True}

    run(main)


def test_a_store_that_was_away_is_cleared_by_any_instance(tmp_path: Path) -> None:
    """Even a day later, when no instance owes it any more."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT)
        await pair.listen()
        pair.store.refusing = True
        erasure = await pair.here.purge.delete(CAT)
        pair.index.advance(100_000)
        await pair.there.purge.listen()
        assert not gone(await known(pair.there, erasure))["stores"]
        pair.store.refusing = False
        await pair.there.purge.tidy()
        receipt = await known(pair.there, erasure)
        assert gone(receipt) == {"here": False, "there": True, "stores": True}
        assert not receipt["complete"]

    run(main)


def test_an_index_that_takes_no_writes_is_still_listened_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deletions are heard; the note is made when it can be."""

    async def main() -> None:
        pair = Pair(tmp_path)
        await pair.both_have(CAT)
        erasure = await pair.here.purge.delete(CAT)
        failing = OneFailure(pair.index.erasures.removed_here)
        monkeypatch.setattr(pair.index.erasures, "removed_here", failing)
        await pair.there.purge.listen()
        assert pair.there.files() == []
        assert not gone(await known(pair.there, erasure))["there"]
        await pair.there.purge.listen()
        assert gone(await known(pair.there, erasure))["there"]

    run(main)


def test_an_erasure_that_is_not_known_is_an_error(tmp_path: Path) -> None:
    """But the answer to the deletion itself says what is known without the index."""

    async def main() -> None:
        house = House(tmp_path)
        with pytest.raises(errors.ErasureMissing):
            await house.purge.erasure("0" * 28)
        await house.upload()
        erasure = await house.purge.delete(CAT)
        house.index.available = False
        progress = await house.purge.progress(erasure)
        assert progress == Progress(erasure=erasure, now=erasure.at, instances=(), tellings={})
        assert not PLACES.document(progress)["complete"]

    run(main)
