"""The embedded rendition store."""

import asyncio
import dataclasses
import errno
import hashlib
import os
import time
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core.formats import Format, Negotiated
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original, file_name
from liveresize.core.rendition import Rendition
from liveresize.core.values import Quality
from liveresize.settings.server import Disk
from liveresize.storage import unclean_stop
from liveresize.storage.disk import DiskRenditions

from . import worlds
from .test_files import statvfs
from .worlds import CAT

GENERATION = "0123456789abcdef" * 2
VARIANT = Rendition(format=Format.JPEG, width=100).canonical().variant
AUTO = Rendition(
    format=Negotiated(webp=True), width=100, quality=Quality(82, 80, 60, match=True)
).canonical()


def store(folder: Path, reserve: int = 0) -> DiskRenditions:
    """A store that is ready, on a disk with room."""
    made = DiskRenditions(folder / "renditions", Disk(reserve=reserve, reserve_inodes=0))
    made.prepare()
    return made


def of(image: ImageId = CAT) -> Original:
    """An original of a known generation."""
    return worlds.original(image, generation=GENERATION[:28])


def link(
    renditions: DiskRenditions, original: Original, variant: str = VARIANT, size: int = 4
) -> Link:
    """The link that a published rendition would have."""
    key = renditions.key(original, variant, "1", "jpg")
    return dataclasses.replace(worlds.link(original, variant), key=key, size=size)


def left(folder: Path) -> list[Path]:
    """Everything in the store, folders included."""
    return sorted((folder / "renditions").rglob("*"))


async def keep(renditions: DiskRenditions, data: bytes, one: Link) -> None:
    """Store the bytes of one link. Raises DiskFull."""
    (error,) = await renditions.publish_all([(one, data)])
    if error is not None:
        raise error


def test_what_was_published_can_be_read_and_removed(tmp_path: Path) -> None:
    """With its last rendition a generation leaves no folder."""

    async def main() -> None:
        renditions = store(tmp_path)
        one, other = link(renditions, of()), link(renditions, of(), "50x0-jpeg")
        for each in (one, other):
            await keep(renditions, b"data", each)
            assert await renditions.read(each) == b"data"
        place = renditions.local_path(one.key)
        assert place is not None
        assert place.read_bytes() == b"data"
        await renditions.remove([one])
        assert await renditions.read(one) is None
        assert await renditions.read(other) == b"data"
        await renditions.remove([one, other])
        assert not [each for each in left(tmp_path) if each.name == of().generation]
        await renditions.remove([one, other])

    asyncio.run(main())


def test_of_several_each_is_stored_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the disk does not take keeps no other from it."""
    several = [link(store(tmp_path), of(), f"{width}x0-jpeg") for width in (10, 20, 30)]
    write = os.write

    def refuse(descriptor: int, data: bytes) -> int:
        if bytes(data) == b"bad!":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    async def main() -> None:
        renditions = store(tmp_path)
        monkeypatch.setattr(os, "write", refuse)
        bytes_of = (b"data", b"bad!", b"more")
        first, second, third = await renditions.publish_all(
            list(zip(several, bytes_of, strict=True))
        )
        assert first is None
        assert isinstance(second, errors.DiskFull)
        assert third is None
        assert [await renditions.read(each) for each in several] == [b"data", None, b"more"]

    asyncio.run(main())


def test_publishing_again_replaces(tmp_path: Path) -> None:
    """Also from a file, which stays; nothing half-written is left."""

    async def main() -> None:
        renditions = store(tmp_path)
        first, second = link(renditions, of(), size=5), link(renditions, of(), size=3)
        await keep(renditions, b"first", first)
        spooled = tmp_path / "spooled"
        spooled.write_bytes(b"2nd")
        await renditions.publish(spooled, second)
        assert await renditions.read(second) == spooled.read_bytes() == b"2nd"
        place = renditions.local_path(first.key)
        assert place is not None
        assert [each.name for each in place.parent.iterdir()] == [place.name]

    asyncio.run(main())


def test_a_rendition_has_its_name_only_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written once, beside its place, and renamed; a kill leaves a `.part`."""

    async def main() -> None:
        renditions = store(tmp_path)
        one, names = link(renditions, of()), []

        def die(path: Path, target: Path) -> Path:
            names.extend([path.name, target.name])
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "rename", die)
        with pytest.raises(errors.DiskFull):
            await keep(renditions, b"data", one)
        part, name = names
        assert part.startswith(name)
        assert part.endswith(".part")
        assert not [each for each in left(tmp_path) if each.is_file()]

    asyncio.run(main())


def test_a_full_disk_keeps_no_folder_of_what_it_did_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes an inode, which uploads would lack; one with files in it stays."""
    full = OSError(errno.ENOSPC, "No space left on device")

    def refuse(*_: object) -> int:
        raise full

    async def main() -> None:
        renditions = store(tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", refuse)
            with pytest.raises(errors.DiskFull):
                await keep(renditions, b"data", link(renditions, of()))
        assert left(tmp_path) == []
        await keep(renditions, b"data", link(renditions, of()))
        before = left(tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", refuse)
            with pytest.raises(errors.DiskFull):
                await keep(renditions, b"data", link(renditions, of(), "50x0-jpeg"))
        assert left(tmp_path) == before

    asyncio.run(main())


def test_a_generation_is_removed_whole(tmp_path: Path) -> None:
    """And no other; that it is gone already is no error."""

    async def main() -> None:
        renditions = store(tmp_path)
        other = worlds.original(CAT, generation="f" * 26 + of().generation[-2:])
        for original in (of(), other):
            for variant in (VARIANT, "50x0-jpeg"):
                await keep(renditions, b"data", link(renditions, original, variant))
        for _ in range(2):
            await renditions.remove_generation(of())
        assert await renditions.read(link(renditions, of())) is None
        assert await renditions.read(link(renditions, other)) == b"data"

    asyncio.run(main())


@pytest.mark.parametrize("data", [b"", b"dat", b"data!"])
def test_an_object_that_is_not_whole_is_gone(tmp_path: Path, data: bytes) -> None:
    """The link knows how long it was."""

    async def main() -> None:
        renditions = store(tmp_path)
        published = link(renditions, of())
        await keep(renditions, b"data", published)
        place = renditions.local_path(published.key)
        assert place is not None
        place.unlink()
        place.write_bytes(data)
        assert await renditions.read(published) is None

    asyncio.run(main())


@pytest.mark.parametrize(
    "image", [CAT, ImageId("cät & ?#%2F", "pets"), ImageId("..."), ImageId("x" * 255)]
)
@pytest.mark.parametrize(
    ("variant", "extension"),
    [
        (VARIANT, "jpg"),
        (AUTO.variant, "jpg"),
        (AUTO.variant, "webp"),
        (AUTO.variant, "png"),
    ],
)
@pytest.mark.parametrize("engine", ["1", "2"])
def test_keys_and_places_agree(
    tmp_path: Path, image: ImageId, variant: str, extension: str, engine: str
) -> None:
    """Every key that is made leads to a place in the store, and its URL is plain ASCII."""
    renditions = store(tmp_path)
    key = renditions.key(of(image), variant, engine, extension)
    place = renditions.local_path(key)
    assert place is not None
    assert place.resolve().is_relative_to((tmp_path / "renditions").resolve())
    assert place.name == file_name(variant, engine, extension)
    published = dataclasses.replace(worlds.link(of(image), variant), key=key)
    url = renditions.url(published)
    assert url.startswith("/_renditions/")
    assert url.isascii()
    assert not set(url) & set("?# &")


G = GENERATION[:28]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "cat",
        f"cat/{G}",
        f"cat/{G}/",
        f"{G}/{VARIANT}.jpg",
        f"/{G}/{VARIANT}.jpg",
        f"/cat/{G}/{VARIANT}.jpg",
        f"//{G}/{VARIANT}.jpg",
        f"pets//{G}/{VARIANT}.jpg",
        f"a/b/c/{G}/{VARIANT}.jpg",
        f"../{G}/{VARIANT}.jpg",
        f"./{G}/{VARIANT}.jpg",
        f"../cat/{G}/{VARIANT}.jpg",
        f"pets/../{G}/{VARIANT}.jpg",
        f"cat/../{VARIANT}.jpg",
        f"cat/{G[:-2]}../{VARIANT}.jpg",
        f"cat/{G.upper()}/{VARIANT}.jpg",
        f"cat/{G}0/{VARIANT}.jpg",
        f"cat/{G}/../{VARIANT}.jpg",
        f"cat/{G}/..",
        f"cat/{G}/.jpg",
        f"cat/{G}/{VARIANT}",
        f"cat/{G}/{VARIANT}.",
        f"cat/{G}/{VARIANT}.png",
        f"cat/{G}/{VARIANT}.jpeg",
        f"cat/{G}/{VARIANT}.JPG",
        f"cat/{G}/{VARIANT}.jpg.part",
        f"cat/{G}/{VARIANT}.jpg\n",
        f"cat/{G}/0{VARIANT}.jpg",
        f"cat/{G}/{VARIANT}-jpeg.jpg",
        f"cat/{G}/{AUTO.variant}.jpeg",
        f"cat/{G}/etc.jpg",
        f"cat/{G}/{VARIANT}~.jpg",
        f"cat/{G}/{VARIANT}~1.jpg",
        f"cat/{G}/{VARIANT}~2.png",
        f"cat/{G}/{VARIANT}~...jpg",
        f"cat\0/{G}/{VARIANT}.jpg",
        f"c\\at/{G}/{VARIANT}.jpg",
        f"cat/{G}/{VARIANT}\0.jpg",
        f"{'x' * 256}/{G}/{VARIANT}.jpg",
        f"\udcff/{G}/{VARIANT}.jpg",
        "/etc/passwd",
        "../../../../etc/passwd",
    ],
)
def test_hostile_keys_lead_nowhere(tmp_path: Path, key: str) -> None:
    """What `key` never makes has no place, whatever it looks like."""
    assert store(tmp_path).local_path(key) is None


def test_twice_the_reserve_stays_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renditions are refused while originals still find room."""

    async def main() -> None:
        renditions = store(tmp_path, reserve=100)
        monkeypatch.setattr(os, "statvfs", lambda _: statvfs(bavail=203))
        with pytest.raises(errors.DiskFull):
            await keep(renditions, b"data", link(renditions, of()))
        monkeypatch.setattr(os, "statvfs", lambda _: statvfs(bavail=204))
        await keep(renditions, b"data", link(renditions, of()))

    asyncio.run(main())


def test_a_spooled_file_that_is_gone_cannot_be_published(tmp_path: Path) -> None:
    """The refusal is one of ours, and no half of an object is left."""

    async def main() -> None:
        renditions = store(tmp_path)
        with pytest.raises(errors.DiskFull):
            await renditions.publish(tmp_path / "gone", link(renditions, of()))
        assert not [each for each in left(tmp_path) if each.is_file()]

    asyncio.run(main())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """The start hears of it in our own terms."""
    (tmp_path / "renditions").write_text("a file")
    with pytest.raises(errors.DiskFull):
        store(tmp_path)


def test_the_disk_is_always_healthy(tmp_path: Path) -> None:
    """What it cannot do, it says when asked to."""
    assert store(tmp_path).healthy
    assert store(tmp_path).direct(CAT) is not None


def damage(renditions: DiskRenditions, published: Link, data: bytes) -> None:
    """What a machine that went down leaves of a file that was never synced."""
    place = renditions.local_path(published.key)
    assert place is not None
    place.write_bytes(data)


async def run_one(folder: Path, data: bytes, *, crash: bool) -> Link:
    """One run that stores `data`; returns its link, as the index has it."""
    renditions = store(folder)
    await renditions.begin()
    sha256 = hashlib.sha256(data).hexdigest()
    published = dataclasses.replace(
        link(renditions, of(), size=len(data)), etag=sha256, rendered_at=time.time()
    )
    await keep(renditions, data, published)
    if not crash:
        await renditions.end()
    return published


def test_after_an_unclean_stop_renditions_are_checked_before_their_first_use(
    tmp_path: Path,
) -> None:
    """Those of that run, by their SHA-256; whole ones are read on, and only looked at once."""

    async def main() -> None:
        published = await run_one(tmp_path, b"data", crash=True)
        again = store(tmp_path)
        damage(again, published, b"dat\0")
        await again.begin()
        assert await again.read(published) is None
        assert await again.open(published) is None
        damage(again, published, b"data")
        body = await again.open(published, 1, 2)
        assert body is not None
        assert b"".join([chunk async for chunk in body.chunks()]) == b"at"
        await body.close()
        damage(again, published, b"dat\0")
        assert await again.read(published) == b"dat\0"  # was looked at

    asyncio.run(main())


def test_doubts_outlive_a_clean_stop(tmp_path: Path) -> None:
    """What a crash left is not whole because a later run ended well."""

    async def main() -> None:
        published = await run_one(tmp_path, b"data", crash=True)
        await run_one(tmp_path, b"other", crash=False)
        again = store(tmp_path)
        await again.begin()
        damage(again, published, b"dat\0")
        assert await again.read(published) is None

    asyncio.run(main())


def test_what_is_not_in_doubt_is_not_checked(tmp_path: Path) -> None:
    """After a clean stop nothing is; after a crash, neither what was there before that run
    began nor what was stored since."""

    async def main() -> None:
        published = await run_one(tmp_path, b"data", crash=False)
        clean = store(tmp_path)
        await clean.begin()
        damage(clean, published, b"dat\0")
        assert await clean.read(published) == b"dat\0"
        again = store(tmp_path)
        await again.begin()
        for seconds in (-3600.0, 3600.0):
            other = dataclasses.replace(published, rendered_at=time.time() + seconds)
            assert await again.read(other) == b"dat\0"
        assert await again.read(dataclasses.replace(published, rendered_at=0.0)) == b"dat\0"
        assert await again.read(published) is None

    asyncio.run(main())


def test_a_note_that_cannot_be_read_puts_everything_in_doubt(tmp_path: Path) -> None:
    """It may have been written as the machine went down."""

    async def main() -> None:
        published = await run_one(tmp_path, b"data", crash=False)
        (tmp_path / "unclean").write_bytes(b"\0\0")
        again = store(tmp_path)
        await again.begin()
        damage(again, published, b"dat\0")
        assert await again.read(published) is None

    asyncio.run(main())


def test_a_full_disk_is_marked_before_anything_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start needs no room; what cannot be marked is not stored."""

    async def main() -> None:
        def full(_: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "touch", full)
            renditions = store(tmp_path)
            await renditions.begin()
            with pytest.raises(errors.DiskFull):
                await keep(renditions, b"data", link(renditions, of()))
        await keep(renditions, b"data", link(renditions, of()))
        assert (tmp_path / "running").exists()

    asyncio.run(main())


def test_a_note_that_cannot_be_written_leaves_the_marker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells the next start of both runs."""

    async def main() -> None:
        published = await run_one(tmp_path, b"data", crash=True)
        published = dataclasses.replace(published, rendered_at=time.time() - 3000)
        os.utime(tmp_path / "running", (time.time() - 3600,) * 2)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(unclean_stop.files, "write_whole", full)
            again = store(tmp_path)
            await again.begin()
        damage(again, published, b"dat\0")
        assert await again.read(published) is None
        third = store(tmp_path)
        await third.begin()
        assert await third.read(published) is None

    asyncio.run(main())


def test_a_sync_that_fails_leaves_the_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk does not have everything, and says so once."""

    async def main() -> None:
        published = await run_one(tmp_path, b"data", crash=True)

        def fail(_: Path) -> None:
            raise OSError(errno.EIO, "Input/output error")

        again = store(tmp_path)
        await again.begin()
        monkeypatch.setattr(unclean_stop, "_sync_file_system", fail)
        await again.end()
        assert (tmp_path / "running").exists()
        assert await again.read(published) == b"data"

    asyncio.run(main())
