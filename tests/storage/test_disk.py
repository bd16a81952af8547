"""The embedded rendition store."""

import asyncio
import dataclasses
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from liveresize import errors
from liveresize.core.formats import Format, Negotiated
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.core.rendition import Rendition
from liveresize.core.values import Quality
from liveresize.settings.server import Disk
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
    key = renditions.key(original, variant, "jpg")
    return dataclasses.replace(worlds.link(original, variant), key=key, size=size)


def spooled(folder: Path, data: bytes = b"data") -> Path:
    """A file that is to be published."""
    path = folder / "spooled"
    path.write_bytes(data)
    return path


def left(folder: Path) -> list[Path]:
    """Everything in the store, folders included."""
    return sorted((folder / "renditions").rglob("*"))


def test_what_was_published_can_be_read_and_removed(tmp_path: Path) -> None:
    """The spooled file stays; with its last rendition a generation leaves no folder."""

    async def main() -> None:
        renditions = store(tmp_path)
        one, other = link(renditions, of()), link(renditions, of(), "50x0-jpeg")
        path = spooled(tmp_path)
        for each in (one, other):
            await renditions.publish(path, each)
            assert await renditions.read(each) == b"data"
        assert path.read_bytes() == b"data"
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


def test_publishing_again_replaces(tmp_path: Path) -> None:
    """A part that a kill has left is in nobody's way."""

    async def main() -> None:
        renditions = store(tmp_path)
        first = link(renditions, of(), size=5)
        await renditions.publish(spooled(tmp_path, b"first"), first)
        place = renditions.local_path(first.key)
        assert place is not None
        place.with_name(place.name + ".part").write_bytes(b"hal")
        (tmp_path / "spooled").unlink()
        second = link(renditions, of(), size=3)
        await renditions.publish(spooled(tmp_path, b"2nd"), second)
        assert await renditions.read(second) == b"2nd"
        assert [each.name for each in place.parent.iterdir()] == [place.name]

    asyncio.run(main())


def test_publishing_the_same_file_again_leaves_one_name(tmp_path: Path) -> None:
    """A kill between object and link has the next start store what is stored already."""

    async def main() -> None:
        renditions = store(tmp_path)
        twice, path = link(renditions, of(), size=4), spooled(tmp_path, b"data")
        for _ in range(2):
            await renditions.publish(path, twice)
        place = renditions.local_path(twice.key)
        assert place is not None
        assert [each.name for each in place.parent.iterdir()] == [place.name]

    asyncio.run(main())


def test_a_generation_is_removed_whole(tmp_path: Path) -> None:
    """And no other; that it is gone already is no error."""

    async def main() -> None:
        renditions = store(tmp_path)
        other = worlds.original(CAT, generation="f" * 26 + of().generation[-2:])
        for original in (of(), other):
            for variant in (VARIANT, "50x0-jpeg"):
                await renditions.publish(spooled(tmp_path), link(renditions, original, variant))
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
        await renditions.publish(spooled(tmp_path), published)
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
def test_keys_and_places_agree(
    tmp_path: Path, image: ImageId, variant: str, extension: str
) -> None:
    """Every key that is made leads to a place in the store, and its URL is plain ASCII."""
    renditions = store(tmp_path)
    key = renditions.key(of(image), variant, extension)
    place = renditions.local_path(key)
    assert place is not None
    assert place.resolve().is_relative_to((tmp_path / "renditions").resolve())
    assert place.name == f"{variant}.{extension}"
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


@pytest.mark.parametrize("reason", [errno.EPERM, errno.EXDEV, errno.EOPNOTSUPP, errno.EMLINK])
def test_where_there_are_no_hard_links_bytes_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    """Another file system than the spool's will do as well, and what is copied is synced."""

    async def main() -> None:
        renditions = store(tmp_path)
        synced: list[str] = []

        def refuse(*_: Any) -> None:
            raise OSError(reason, os.strerror(reason))

        monkeypatch.setattr(os, "link", refuse)
        monkeypatch.setattr(
            os, "fsync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        )
        published = link(renditions, of())
        await renditions.publish(spooled(tmp_path), published)
        assert await renditions.read(published) == b"data"
        assert synced[-1].endswith(".part")

    asyncio.run(main())


def test_a_copy_that_fails_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is as full as before."""

    async def main() -> None:
        renditions = store(tmp_path)

        def refuse(*_: Any) -> None:
            raise OSError(errno.EXDEV, "Invalid cross-device link")

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        path = spooled(tmp_path)
        monkeypatch.setattr(os, "link", refuse)
        fsync, calls = os.fsync, [0]

        def second(descriptor: int) -> None:
            calls[0] += 1
            (full if calls[0] == 2 else fsync)(descriptor)

        monkeypatch.setattr(os, "fsync", second)
        with pytest.raises(errors.DiskFull):
            await renditions.publish(path, link(renditions, of()))
        assert not [each for each in left(tmp_path) if each.is_file()]

    asyncio.run(main())


def test_bytes_are_durable_before_they_have_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power failure leaves no object that is there and not whole."""
    events: list[str] = []
    fsync, rename = os.fsync, os.rename

    def synced(descriptor: int) -> None:
        events.append("sync " + Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def renamed(source: Path, target: Path) -> None:
        events.append("rename")
        rename(source, target)

    async def main() -> None:
        renditions = store(tmp_path)
        path = spooled(tmp_path)
        monkeypatch.setattr(os, "fsync", synced)
        monkeypatch.setattr(os, "rename", renamed)
        await renditions.publish(path, link(renditions, of()))
        assert events[:2] == ["sync spooled", "rename"]

    asyncio.run(main())


def test_twice_the_reserve_stays_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renditions are refused while originals still find room."""

    async def main() -> None:
        renditions = store(tmp_path, reserve=100)
        path = spooled(tmp_path)
        monkeypatch.setattr(os, "statvfs", lambda _: statvfs(bavail=203))
        with pytest.raises(errors.DiskFull):
            await renditions.publish(path, link(renditions, of()))
        monkeypatch.setattr(os, "statvfs", lambda _: statvfs(bavail=204))
        await renditions.publish(path, link(renditions, of()))

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
