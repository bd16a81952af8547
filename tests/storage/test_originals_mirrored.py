"""Originals on the local disk that are copies: brought back, counted, and let go."""

import asyncio
import errno
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.storage import files
from liveresize.storage.originals import DiskOriginals

from . import worlds
from .test_originals import NAMES, kept, of, staged_names, store
from .worlds import CAT


async def restored(originals: DiskOriginals, original: Original, data: bytes = b"copy") -> Path:
    """A copy that has come from the mirror."""
    staged = originals.staging(original.generation)
    staged.write_bytes(data)
    await originals.restore(staged, original)
    return originals.path(original)


def read_at(path: Path, accessed: float, modified: float) -> None:
    """Make a file so old, in Unix seconds."""
    os.utime(path, (accessed, modified))


@pytest.mark.parametrize("bucket", ["", "pets"])
@pytest.mark.parametrize("name", NAMES)
def test_a_copy_takes_the_place_of_what_it_was_made_of(
    tmp_path: Path, name: str, bucket: str
) -> None:
    """It is found and removed as the original was, and leaves nothing to settle."""

    async def main() -> None:
        originals = store(tmp_path)
        original = of(ImageId(name, bucket))
        place = await restored(originals, original)
        assert originals.exists(original)
        assert originals.find(original.image) == (original.generation, place)
        assert place.read_bytes() == b"copy"
        assert staged_names(tmp_path) == []
        assert [one.path for one in await originals.kept()] == [place]
        await originals.remove(original)
        assert not originals.exists(original)

    asyncio.run(main())


def test_a_copy_of_what_is_there_replaces_it_whole(tmp_path: Path) -> None:
    """Whoever reads the one that was there reads on."""

    async def main() -> None:
        originals = store(tmp_path)
        place = await kept(originals, of(), b"data")
        with place.open("rb") as reader:
            await restored(originals, of(), b"copy")
            assert reader.read() == b"data"
        assert place.read_bytes() == b"copy"

    asyncio.run(main())


def test_a_copy_of_a_file_that_was_here_before_us_is_that_file(tmp_path: Path) -> None:
    """With its age, and so with its generation, down to the millisecond."""

    async def main() -> None:
        here, there = store(tmp_path / "here"), store(tmp_path / "there")
        for milliseconds in (0, 1, 499, 500, 999):
            flat = tmp_path / "here" / "originals" / "cat"
            flat.write_bytes(b"flat")
            modified = 1_600_000_000_000 + milliseconds
            os.utime(flat, ns=(modified * 1_000_000, modified * 1_000_000))
            found = here.find(CAT)
            assert found is not None
            original = worlds.original(generation=found[0])
            place = await restored(there, original)
            assert place == tmp_path / "there" / "originals" / "cat"
            assert there.find(CAT) == (found[0], place)
            await there.remove(original)
            assert not place.exists()

    asyncio.run(main())


@pytest.mark.parametrize("step", ["make_directory", "rename", "staged"])
def test_a_copy_that_cannot_be_placed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whichever step it is: nothing lies in its place, and it is our own error."""

    async def main() -> None:
        originals = store(tmp_path)

        def fail(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", "file")

        staged = originals.staging("digest")
        if step != "staged":
            staged.write_bytes(b"copy")
            where: object = Path if step == "rename" else files
            monkeypatch.setattr(where, step, fail)
        with pytest.raises(errors.DiskFull):
            await originals.restore(staged, of())
        monkeypatch.undo()
        assert not originals.exists(of())
        assert originals.find(CAT) is None

    asyncio.run(main())


def test_those_that_are_kept_are_listed_by_their_last_use(tmp_path: Path) -> None:
    """Read or written, whichever came later; with their bytes and generations."""

    async def main() -> None:
        originals = store(tmp_path)
        times = {"a": (50.0, 10.0), "b": (10.0, 40.0), "c": (30.0, 30.0), "d": (20.0, 10.0)}
        for size, (name, (accessed, modified)) in enumerate(times.items()):
            image = ImageId(name, "pets" if name in "bd" else "")
            path = await kept(originals, of(image, digit=name), b"." * size)
            read_at(path, accessed, modified)
        listed = [(one.generation[0], one.bytes, one.used_at) for one in await originals.kept()]
        assert listed == [("d", 3, 20.0), ("c", 2, 30.0), ("b", 1, 40.0), ("a", 0, 50.0)]

    asyncio.run(main())


def test_only_what_is_ours_is_listed(tmp_path: Path) -> None:
    """Not what lay there before us, what is on its way, what is linked, or a folder."""

    async def main() -> None:
        originals = store(tmp_path)
        assert await originals.kept() == []
        root = tmp_path / "originals"
        place = await kept(originals, of(ImageId("cat~" + "0" * 28)))
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_bytes(b"an archive's own")
        place.with_name("dog~" + "9" * 28).symlink_to(elsewhere)
        place.with_name("bird~" + "9" * 28).mkdir()
        place.with_name("cow~" + "9" * 27).write_bytes(b"not a generation")
        place.with_name("cow~" + "z" * 28).write_bytes(b"nor this")
        (root / ("flat~" + "9" * 28)).write_bytes(b"the published service's")
        originals.staging("body~" + "9" * 28).write_bytes(b"on its way")
        assert [one.path for one in await originals.kept()] == [place]

    asyncio.run(main())


def test_what_is_discarded_is_gone_and_may_be_gone_before(tmp_path: Path) -> None:
    """Each alone: its neighbours stay, those of the same picture too."""

    async def main() -> None:
        originals = store(tmp_path)
        await kept(originals, of(digit="1"))
        await kept(originals, of(digit="2"))
        first = next(one for one in await originals.kept() if one.generation == "1" * 28)
        for _ in range(2):
            await originals.discard(first)
        assert not originals.exists(of(digit="1"))
        assert [one.generation for one in await originals.kept()] == ["2" * 28]

    asyncio.run(main())


def test_a_disk_that_cannot_let_go_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room is not made then, but nothing else suffers."""

    async def main() -> None:
        originals = store(tmp_path)
        await kept(originals, of())
        (one,) = await originals.kept()

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        with capture_logs() as logs, monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", refuse)
            await originals.discard(one)
        assert [line["event"] for line in logs] == ["original_not_removed"]
        assert originals.exists(of())

    asyncio.run(main())
