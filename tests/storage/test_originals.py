"""Originals on the local disk."""

import asyncio
import errno
import os
import time
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.names import ImageId, check_name
from liveresize.core.originals import GENERATION, Original, new_generation
from liveresize.settings.server import Disk
from liveresize.storage import files
from liveresize.storage.originals import DiskOriginals

from . import worlds
from .test_files import statvfs
from .worlds import CAT

NAMES = [
    "cat",
    "c",
    "Cat",
    "cät",
    "a b+%2F&?#",
    "-rf",
    ".hidden",
    "...",
    "_main",
    "_bucket",
    "_staging",
    "_long",
    "ab",
    "cat~" + "0" * 28,
    "~",
    "x" * 226,
    "x" * 227,
    "x" * 255,
    "é" * 127,
    "cat.moving",
]
"""Names that URLs can have, among them those that look like something of ours."""


def store(folder: Path, reserve: int = 0) -> DiskOriginals:
    """A store that is ready, on a disk with room."""
    made = DiskOriginals(folder / "originals", Disk(reserve=reserve, reserve_inodes=0))
    made.prepare()
    return made


def of(image: ImageId = CAT, digit: str = "1") -> Original:
    """An original of that generation."""
    return worlds.original(image, generation=digit * 28)


async def kept(originals: DiskOriginals, original: Original, data: bytes = b"data") -> Path:
    """An original that was uploaded and committed."""
    staged = originals.staging(original.generation)
    staged.write_bytes(data)
    await originals.keep(staged, original)
    originals.settle(original.generation)
    return originals.path(original)


def staged_names(folder: Path) -> list[str]:
    """What lies in the folder of uploads."""
    return sorted(path.name for path in (folder / "originals" / "_staging").iterdir())


def age(path: Path, seconds: float) -> None:
    """Make a file so old."""
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.mark.parametrize("bucket", ["", "pets"])
@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_a_place(tmp_path: Path, name: str, bucket: str) -> None:
    """It is kept, found, and removed under it, and no component is too long for the disk."""

    async def main() -> None:
        originals = store(tmp_path)
        original = of(ImageId(name, bucket))
        assert not originals.exists(original)
        place = await kept(originals, original)
        assert originals.exists(original)
        assert originals.find(original.image) == (original.generation, place)
        assert place.resolve().is_relative_to((tmp_path / "originals").resolve())
        assert place.read_bytes() == b"data"
        assert not originals.foreign(original.generation)
        await originals.remove(original)
        await originals.remove(original)
        assert not originals.exists(original)
        assert originals.find(original.image) is None

    asyncio.run(main())


def test_no_two_names_share_a_place(tmp_path: Path) -> None:
    """Whatever the bucket, and however long or like our own folders they are."""
    originals = store(tmp_path)
    images = [ImageId(name, bucket) for name in NAMES for bucket in ("", "pets", "ab")]
    assert len({originals.path(of(image)) for image in images}) == len(images)


def test_a_picture_is_found_among_its_neighbours(tmp_path: Path) -> None:
    """Names in the same folder that begin alike are other pictures."""

    async def main() -> None:
        originals = store(tmp_path)
        place = await kept(originals, of())
        for stranger in (
            "ca~" + "9" * 28,
            "cat~~" + "9" * 28,
            "cat~9",
            "cat~" + "z" * 28,
            "cat",
            "cat~" + "9" * 28 + ".part",
        ):
            place.with_name(stranger).write_bytes(b"stranger")
        assert originals.find(CAT) == ("1" * 28, place)

    asyncio.run(main())


def test_the_newest_generation_is_found(tmp_path: Path) -> None:
    """As generations sort by age; one whose upload was never settled does not count."""

    async def main() -> None:
        originals = store(tmp_path)
        now = time.time()
        generations = [new_generation(now + second) for second in (2, 0, 1)]
        for generation in generations:
            await kept(originals, worlds.original(generation=generation))
        newest = originals.find(CAT)
        assert newest is not None
        assert newest[0] == generations[0]
        unsettled = worlds.original(generation=new_generation(now + 3))
        staged = originals.staging("staged")
        staged.write_bytes(b"unsettled")
        await originals.keep(staged, unsettled)
        assert originals.find(CAT) == newest
        originals.settle(unsettled.generation)
        assert originals.find(CAT) == (unsettled.generation, originals.path(unsettled))

    asyncio.run(main())


def test_a_file_that_was_here_before_us_is_read_through(tmp_path: Path) -> None:
    """Under a generation made of its name and age: the same as long as it is the same."""

    async def main() -> None:
        originals = store(tmp_path)
        flat = tmp_path / "originals" / "cat"
        flat.write_bytes(b"flat")
        os.utime(flat, (1_600_000_000, 1_600_000_000))
        found = originals.find(CAT)
        assert found is not None
        generation, path = found
        assert path == flat
        assert originals.foreign(generation)
        assert GENERATION.fullmatch(generation)
        assert originals.find(CAT) == found
        original = worlds.original(generation=generation)
        assert originals.path(original) == flat
        assert originals.exists(original)
        own = await kept(originals, of())
        assert originals.find(CAT) == ("1" * 28, own)
        await originals.remove(of())
        os.utime(flat, (1_600_000_001, 1_600_000_001))
        await originals.remove(original)
        assert flat.exists()  # it is another file by now
        newer = originals.find(CAT)
        assert newer is not None
        await originals.remove(worlds.original(generation=newer[0]))
        assert not flat.exists()

    asyncio.run(main())


@pytest.mark.parametrize(
    "image",
    [
        ImageId("cat", "bucket"),
        ImageId("_main"),
        ImageId("_staging"),
        ImageId("folder"),
        ImageId(".."),
        ImageId("."),
        ImageId("x" * 255),
        ImageId("x" * 300),
    ],
)
def test_what_is_no_foreign_original(tmp_path: Path, image: ImageId) -> None:
    """Buckets, our own folders, other folders, and names that cannot be there."""
    originals = store(tmp_path)
    root = tmp_path / "originals"
    (root / "cat").write_bytes(b"flat")
    (root / "folder").mkdir()
    (root / "_main").mkdir(exist_ok=True)
    assert originals.find(image) is None


def test_keeping_is_durable_in_this_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders, then the note, then the move, then the folder that it was moved into."""
    events: list[str] = []
    root = tmp_path / "originals"

    def name(path: str) -> str:
        return str(Path(path).relative_to(tmp_path))

    def fsync(descriptor: int) -> None:
        events.append("sync " + name(os.readlink(f"/proc/self/fd/{descriptor}")))

    rename = os.rename

    def renamed(source: Path, target: Path) -> None:
        events.append("rename " + name(str(target)))
        rename(source, target)

    async def main() -> None:
        originals = store(tmp_path)
        original = of()
        staged = originals.staging("digest")
        staged.write_bytes(b"data")
        place = originals.path(original).relative_to(tmp_path)
        note = f"originals/_staging/{original.generation}.moving"
        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(os, "rename", renamed)
        await originals.keep(staged, original)
        folders = [f"sync {parent}" for parent in reversed(place.parents)][1:-1]
        assert events == [
            *folders,
            f"rename {note}",
            f"sync {note}",
            "sync originals/_staging",
            f"rename {place}",
            f"sync {place.parent}",
        ]

    asyncio.run(main())
    assert root.is_dir()


@pytest.mark.parametrize(
    ("step", "calls"),
    [
        ("make_directory", 0),
        ("write_whole", 0),
        ("sync_file", 0),
        ("sync_directory", 0),
        ("sync_directory", 1),
    ],
)
def test_a_move_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, calls: int
) -> None:
    """Whichever step it is, the one after the move included: no file, no note."""

    async def main() -> None:
        originals = store(tmp_path)
        await kept(originals, of(digit="0"))  # its folders are there
        staged = originals.staging("digest")
        staged.write_bytes(b"data")
        left, really = [calls], getattr(files, step)

        def fail(*args: object) -> None:
            if not left[0]:
                raise OSError(errno.ENOSPC, "No space left on device", "file")
            left[0] -= 1
            really(*args)

        monkeypatch.setattr(files, step, fail)
        with pytest.raises(errors.DiskFull, match="No space"):
            await originals.keep(staged, of())
        assert not originals.exists(of())
        assert set(staged_names(tmp_path)) <= {"digest"}

    asyncio.run(main())


def test_a_note_leads_to_what_was_never_settled(tmp_path: Path) -> None:
    """Once it has aged; settling forgets it, twice if need be."""

    async def main() -> None:
        originals = store(tmp_path)
        original = of(ImageId("cät ~ é" * 20, "pets"))
        staged = originals.staging("digest")
        staged.write_bytes(b"data")
        await originals.keep(staged, original)
        assert await originals.unsettled(60.0) == []
        (note,) = staged_names(tmp_path)
        age(tmp_path / "originals" / "_staging" / note, 61)
        assert await originals.unsettled(60.0) == [
            (original.image, original.generation, originals.path(original))
        ]
        for _ in range(2):
            originals.settle(original.generation)
        assert await originals.unsettled(0.0) == []
        assert originals.exists(original)

    asyncio.run(main())


@pytest.mark.parametrize("bucket", ["", "pets"])
@pytest.mark.parametrize("name", NAMES)
def test_a_note_says_whose_it_is(tmp_path: Path, name: str, bucket: str) -> None:
    """Also where the file's own name does not tell: it may be a hash."""

    async def main() -> None:
        originals = store(tmp_path)
        original = of(ImageId(name, bucket))
        staged = originals.staging("digest")
        staged.write_bytes(b"data")
        await originals.keep(staged, original)
        assert await originals.unsettled(0.0) == [
            (original.image, original.generation, originals.path(original))
        ]

    asyncio.run(main())


@pytest.mark.parametrize("name", ["two\nlines", "a/b", "a\rb", "a\\b"])
def test_no_name_can_forge_a_note(name: str) -> None:
    """A note is two lines, the second with at most one slash: names have neither."""
    with pytest.raises(errors.MalformedUrl):
        check_name(name)


@pytest.mark.parametrize("name", ["cat", "x" * 255, "cät ~ é"])
def test_a_note_of_an_earlier_release_leads_to_the_file_alone(tmp_path: Path, name: str) -> None:
    """It was one line, the place; whose it was nobody needed to know without a mirror."""

    async def main() -> None:
        originals = store(tmp_path)
        original = of(ImageId(name))
        staged = originals.staging("digest")
        staged.write_bytes(b"data")
        await originals.keep(staged, original)
        (note,) = staged_names(tmp_path)
        path = tmp_path / "originals" / "_staging" / note
        place = originals.path(original).relative_to(tmp_path / "originals")
        path.write_bytes(os.fsencode(place))
        assert await originals.unsettled(0.0) == [
            (ImageId(""), original.generation, originals.path(original))
        ]

    asyncio.run(main())


def test_an_empty_note_is_no_reason_to_stop(tmp_path: Path) -> None:
    """Power failed as it was written, before anything was moved: it goes, others stay."""

    async def main() -> None:
        originals = store(tmp_path)
        staged = originals.staging("digest")
        staged.write_bytes(b"data")
        await originals.keep(staged, of())
        empty = originals.staging("2" * 28 + ".moving")
        empty.touch()
        assert [generation for _, generation, _ in await originals.unsettled(0.0)] == ["1" * 28]
        assert not empty.exists()

    asyncio.run(main())


def test_sweeping_goes_by_age(tmp_path: Path) -> None:
    """Bodies that nobody has touched for so long go; notes and younger ones stay."""

    async def main() -> None:
        originals = store(tmp_path)
        for name, seconds in (("old", 61), ("old.cleaned", 3600), ("new", 1), ("a.moving", 99)):
            path = originals.staging(name)
            path.touch()
            age(path, seconds)
        assert await originals.sweep(60.0) == 2
        assert staged_names(tmp_path) == ["a.moving", "new"]
        assert await originals.sweep(60.0) == 0

    asyncio.run(main())


def test_a_missing_folder_of_uploads_is_an_empty_one(tmp_path: Path) -> None:
    """There is nothing to sweep or to settle."""

    async def main() -> None:
        originals = store(tmp_path)
        (tmp_path / "originals" / "_staging").rmdir()
        assert await originals.sweep(0.0) == 0
        assert await originals.unsettled(0.0) == []

    asyncio.run(main())


def test_the_reserve_refuses_uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Originals may use what renditions may not, and then they are refused too."""
    originals = store(tmp_path, reserve=100)
    monkeypatch.setattr(os, "statvfs", lambda _: statvfs(bavail=100))
    assert originals.staging("digest").parent == tmp_path / "originals" / "_staging"
    monkeypatch.setattr(os, "statvfs", lambda _: statvfs(bavail=99))
    with pytest.raises(errors.DiskFull):
        originals.staging("digest")


def test_a_disk_that_cannot_remove_is_logged_and_lived_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is gone already, so nobody is helped by a failure."""

    async def main() -> None:
        originals = store(tmp_path)
        await kept(originals, of())

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(Path, "unlink", refuse)
        await originals.remove(of())
        originals.settle("1" * 28)
        monkeypatch.undo()
        assert originals.exists(of())

    asyncio.run(main())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """The start hears of it in our own terms."""
    (tmp_path / "originals").write_text("a file")
    with pytest.raises(errors.DiskFull):
        store(tmp_path)
