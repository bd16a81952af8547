"""Pictures whose original is not on this disk: only a render needs it."""

from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.geometry import Bounds
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.rates import Rate
from liveresize.delivery.outcomes import Bytes, Cache, HeadInfo, OriginalFile, OutOfBounds, Redirect
from liveresize.delivery.pictures import ORIGINAL
from liveresize.settings import server
from liveresize.settings.pictures import Originals
from liveresize.storage import files

from .doubles import FULL, NO_RESERVE, FakeStore, SteeredIndex, picture, run
from .house import CAT, House, request
from .mirrors import FakeMirror
from .test_pictures import original_request

PATIENT = Originals(mirror_wait=300.0)

CAUSES = ["no room", "no mirror", "mirror away", "mirror lacks it", "no access"]


class Fresh:
    """An instance that made a rendition, and another one that has nothing on its disk and
    cannot have the original, for one `cause` or another."""

    def __init__(self, folder: Path, cause: str, **options: object) -> None:
        self.index, self.store, self.mirror = SteeredIndex(), FakeStore(), FakeMirror()
        self.store.shared = True
        self.cause = cause
        self.here = self._house(folder / "here")
        self.there = self._house(folder / "there", mirrored=cause != "no mirror", **options)

    def _house(self, folder: Path, *, mirrored: bool = True, **options: object) -> House:
        return House(
            folder,
            index=self.index,
            store=self.store,
            mirror=self.mirror if mirrored else None,
            originals=PATIENT,
            **options,  # type: ignore[arg-type]
        )

    def untouched(self) -> bool:
        """Whether the instance without the original has written nothing."""
        self.there.originals._reserve._disk = NO_RESERVE  # or nobody may ask where its folders are
        return self.there.files() == [] and self.there.staged() == []

    async def prepare(self, *widths: int) -> Original:
        """The picture, with renditions of these widths in the store."""
        original = await self.here.upload()
        await self.here.publish(*widths)
        if self.cause == "no room":
            self.there.originals._reserve._disk = FULL
        elif self.cause == "mirror away":
            self.mirror.answers = False
        elif self.cause == "mirror lacks it":
            self.mirror.objects.clear()
        elif self.cause == "no access":
            self.mirror.failures["fetch"] = [errors.BucketMissing("", "denied")] * 100
        self.mirror.calls.clear()
        return original


@pytest.mark.parametrize("cause", CAUSES)
def test_a_linked_rendition_needs_no_original(tmp_path: Path, cause: str) -> None:
    """It is redirected to or sent, and nothing is asked of the mirror."""

    async def main() -> None:
        fresh = Fresh(tmp_path, cause)
        await fresh.prepare(100)
        assert isinstance(await fresh.there.renditions.serve(request(100)), Redirect)
        fresh.there.forget_all()
        sent = await fresh.there.get(request(100, proxy=True))
        assert sent.cache is Cache.HIT
        assert await fresh.there.renditions.warm(request(100))
        assert not fresh.mirror.calls
        assert fresh.untouched()

    run(main)


@pytest.mark.parametrize("cause", CAUSES)
def test_what_is_known_without_the_bytes_needs_no_original(tmp_path: Path, cause: str) -> None:
    """Facts, the headers of HEAD, and where a picture that is too large leads."""

    async def main() -> None:
        fresh = Fresh(tmp_path, cause, bounds=Bounds(300, 300))
        original = await fresh.prepare(100)
        pictures = fresh.there.pictures
        assert await pictures.describe(CAT) == original
        known = await pictures.known(request(100))
        assert isinstance(known, HeadInfo)
        assert known.link is not None
        stored = await pictures.known(original_request("/cat.jpg"))
        assert isinstance(stored, HeadInfo)
        assert isinstance(await pictures.serve(request(5000)), OutOfBounds)
        assert not fresh.mirror.calls

    run(main)


def test_what_is_spooled_or_in_memory_needs_no_original(tmp_path: Path) -> None:
    """Of renditions and of small originals."""

    async def main() -> None:
        fresh = Fresh(tmp_path, "no room")
        original = await fresh.prepare()
        there = fresh.there
        await there.spool.put(original.generation, "50x0-jpeg", "1", "jpg", b"\xff\xd8 spooled")
        assert (await there.get(request(50))).held.data == b"\xff\xd8 spooled"
        here = await fresh.here.pictures.serve(original_request("/cat.jpg"))
        assert isinstance(here, OriginalFile)
        assert here.held is not None
        there.memory.put(original.generation, ORIGINAL, here.held)
        stored = await there.pictures.serve(original_request("/cat.jpg"))
        assert isinstance(stored, OriginalFile)
        assert stored.held == here.held
        assert not fresh.mirror.calls

    run(main)


@pytest.mark.parametrize("cause", CAUSES)
def test_what_needs_the_original_is_elsewhere(tmp_path: Path, cause: str) -> None:
    """A render, a fresh one, the stored bytes: never a full disk, and the log knows why."""

    async def main() -> None:
        fresh = Fresh(tmp_path, cause)
        await fresh.prepare()
        there = fresh.there.pictures
        for ask in (
            lambda: there.serve(request(100)),
            lambda: there.serve(request(100), fresh=True),
            lambda: there.serve(original_request("/cat.jpg")),
            lambda: there.serve(original_request("/cat.png")),
        ):
            with pytest.raises(errors.OriginalElsewhere) as caught:
                await ask()
            assert caught.value.detail
            assert fresh.there.memory.original(CAT) is not None
        assert fresh.untouched()

    run(main)


def test_what_memory_has_outlives_a_fetch_that_fails(tmp_path: Path) -> None:
    """One size that cannot be made is no reason to forget the others."""

    async def main() -> None:
        fresh = Fresh(tmp_path, "no room")
        await fresh.prepare(100)
        await fresh.there.find(request(100))
        with pytest.raises(errors.OriginalElsewhere):
            await fresh.there.get(request(50))
        fresh.index.available = False
        await fresh.there.find(request(100))

    run(main)


def test_a_deleted_picture_is_missing_and_not_elsewhere(tmp_path: Path) -> None:
    """Memory may know it still: the index is asked before anyone is told to come back."""

    async def main() -> None:
        fresh = Fresh(tmp_path, "no mirror")
        await fresh.prepare(100)
        await fresh.there.find(request(100))
        await fresh.here.purge.delete(CAT)
        with pytest.raises(errors.OriginalMissing):
            await fresh.there.get(request(50))
        assert fresh.there.memory.original(CAT) is None

    run(main)


@pytest.mark.parametrize("target", ["/cat_50_0.jpg", "/cat.jpg"])
def test_a_replaced_picture_is_served_as_it_is_now(tmp_path: Path, target: str) -> None:
    """What memory knows has ended; its successor is fetched, for stored bytes as well."""

    async def main() -> None:
        fresh = Fresh(tmp_path, "")
        await fresh.prepare(100)
        await fresh.there.find(request(100))
        new = await fresh.here.upload(data=picture(soul="new"))
        asked = request(50) if "_" in target else original_request(target)
        outcome = await fresh.there.pictures.serve(asked)
        assert isinstance(outcome, Bytes | OriginalFile)
        assert outcome.original == new
        assert fresh.there.files() == [fresh.there.originals.path(new)]
        assert await fresh.there.publisher.flush(30.0) == 0

    run(main)


def test_a_successor_with_metadata_is_not_sent_as_stored(tmp_path: Path) -> None:
    """Each new generation is checked again for whether its stored bytes can be sent."""

    async def main() -> None:
        fresh = Fresh(tmp_path, "")
        await fresh.prepare()
        await fresh.there.original_lookup.get(CAT)
        await fresh.here.upload(data=picture(soul="dirty"))
        outcome = await fresh.there.pictures.serve(original_request("/cat.jpg"))
        assert not isinstance(outcome, OriginalFile)
        assert await fresh.there.publisher.flush(30.0) == 0

    run(main)


def test_a_client_over_its_rate_has_nothing_fetched(tmp_path: Path) -> None:
    """A download costs more than a render."""

    async def main() -> None:
        fresh = Fresh(tmp_path, "", rates=Rate(per_second=1.0, burst=1.0))
        await fresh.prepare(100)
        other = await fresh.here.upload(ImageId("dog"))
        await fresh.there.get(request(50), client="one")
        fresh.mirror.calls.clear()
        with pytest.raises(errors.RateLimited):
            await fresh.there.get(request(50, image=other.image), client="one")
        assert not fresh.mirror.calls
        await fresh.there.find(request(100))
        assert await fresh.there.publisher.flush(30.0) == 0

    run(main)


def test_originals_are_fetched_into_half_of_the_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uploads are refused by then; below that, nothing is written any more."""

    class Disk:
        """What statvfs says of a disk with so many bytes free."""

        f_frsize, f_files, f_favail = 1, 0, 0

        def __init__(self, free: int) -> None:
            self.f_bavail = free

    async def main() -> None:
        fresh = Fresh(tmp_path, "")
        original = await fresh.prepare()
        originals = fresh.there.originals
        originals._reserve._disk = server.Disk(reserve=1000, reserve_inodes=0)
        size = len(picture())
        monkeypatch.setattr(files.os, "statvfs", lambda _: Disk(500 + size - 1))
        with pytest.raises(errors.OriginalElsewhere) as caught:
            await fresh.there.get(request(100))
        assert "disk.reserve" in caught.value.detail
        monkeypatch.setattr(files.os, "statvfs", lambda _: Disk(500 + size))
        with pytest.raises(errors.DiskFull):
            originals.staging("an upload")
        await fresh.there.get(request(100))
        assert originals.exists(original)
        await fresh.there.publisher.flush(30.0)

    run(main)
