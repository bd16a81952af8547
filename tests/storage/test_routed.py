"""Which pictures go to the stores of vip, and which to those of the main namespace."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.compat.vip import buckets
from liveresize.compat.vip.buckets import Access, VipOriginals, VipRenditions
from liveresize.compat.vip.routed import RoutedMirror, RoutedRenditions
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.settings.server import Disk
from liveresize.storage.disk import DiskRenditions
from liveresize.storage.mirror import S3Mirror
from liveresize.storage.objects import Objects

from . import worlds
from .s3worlds import BUDGET, Faulty, Place, World, needs_moto, shared

pytestmark = needs_moto

DATA = b"the bytes of a picture"
VARIANT = "1x1-jpeg"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not a store that does not answer."""
    monkeypatch.setattr(buckets, "READ_BUDGET", BUDGET)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of those bytes."""
    made = tmp_path / "file"
    made.write_bytes(DATA)
    return made


def of(image: ImageId) -> Original:
    """An original of those bytes."""
    digest = hashlib.sha256(DATA).hexdigest()
    return worlds.original(image, bytes=len(DATA), sha256=digest)


@dataclass(frozen=True)
class Stores:
    """Both kinds of stores, put together and apart; `main` is the bucket of the mirror."""

    mirror: RoutedMirror
    lone: RoutedMirror
    renditions: RoutedRenditions
    disk: DiskRenditions
    main: Place
    bucket: Place

    @property
    def images(self) -> tuple[ImageId, ImageId]:
        """One of the main namespace, one of a bucket."""
        return ImageId("cat"), ImageId("cat", self.bucket.bucket)

    def link(self, original: Original) -> Link:
        """The link of a rendition."""
        return worlds.link(
            original,
            VARIANT,
            key=self.renditions.key(original, VARIANT, "1", "jpg"),
            size=len(DATA),
            etag=original.sha256,
        )


def run(folder: Path, scenario: Callable[[Stores], Awaitable[None]], relay: str = "") -> None:
    """Run a scenario on empty stores, through a relay if there is one."""
    disk = DiskRenditions(folder / "renditions", Disk(reserve=0, reserve_inodes=0))
    disk.prepare()
    with World("moto").place() as main, World("moto").place() as bucket:

        async def play(objects: Objects) -> None:
            originals = VipOriginals(objects, Access())
            mirror = S3Mirror(objects, bucket=main.bucket, read_budget=BUDGET)
            await scenario(
                Stores(
                    RoutedMirror(mirror, originals),
                    RoutedMirror(None, originals),
                    RoutedRenditions(disk, VipRenditions(objects, Access())),
                    disk,
                    main,
                    bucket,
                )
            )

        changes = {"endpoint_url": relay, "attempts": 1} if relay else {}
        main.run(play, **changes)


def test_originals_go_where_their_namespace_is(tmp_path: Path, path: Path) -> None:
    """Each in its own bucket, under the key that is usual there."""
    target = tmp_path / "target"

    async def scenario(stores: Stores) -> None:
        mirror = stores.mirror
        for image, place in zip(stores.images, (stores.main, stores.bucket), strict=True):
            original = of(image)
            assert mirror.takes(image)
            assert not await mirror.exists(original)
            assert await mirror.facts(original) is None
            await mirror.put(path, original)
            assert place.listed() == {mirror.key(original)}
            assert await mirror.exists(original)
            assert await mirror.facts(original) == (original.bytes, original.sha256)
            assert await mirror.fetch(original, target)
            assert target.read_bytes() == DATA
            entries = [entry async for entry in mirror.entries()]
            assert len(entries) == (not image.bucket)
            await mirror.remove(original)
            assert place.listed() == set()
        assert mirror.healthy

    run(tmp_path, scenario)


def test_without_a_mirror_of_its_own_the_main_namespace_has_none(
    tmp_path: Path, path: Path
) -> None:
    """Buckets have theirs all the same."""

    async def scenario(stores: Stores) -> None:
        main, bucket = stores.images
        assert not stores.lone.takes(main)
        assert stores.lone.takes(bucket)
        await stores.lone.put(path, of(bucket))
        assert stores.bucket.listed() == {"cat"}
        assert [entry async for entry in stores.lone.entries()] == []
        assert stores.lone.healthy

    run(tmp_path, scenario)


def test_the_mirror_is_as_well_as_its_worse_half(tmp_path: Path, path: Path) -> None:
    """A bucket that fails leaves the mirror of the main namespace in use."""
    with Faulty(shared("moto").address) as relay:

        async def scenario(stores: Stores) -> None:
            main, bucket = stores.images
            relay.answer(503, path=f"/{stores.bucket.bucket}/")
            for _ in range(3):
                with pytest.raises(errors.ObjectStoreUnavailable):
                    await stores.mirror.put(path, of(bucket))
            assert not stores.mirror.healthy
            assert not stores.lone.healthy
            await stores.mirror.put(path, of(main))
            assert len(stores.main.listed()) == 1

        run(tmp_path, scenario, relay.address)


def test_renditions_go_where_their_picture_is(tmp_path: Path, path: Path) -> None:
    """Published, read and removed there, and nowhere else."""

    async def scenario(stores: Stores) -> None:
        store = stores.renditions
        main, bucket = (of(image) for image in stores.images)
        links = [stores.link(main), stores.link(bucket)]
        assert links[0].key == stores.disk.key(main, VARIANT, "1", "jpg")
        assert links[1].key == f"cat/{bucket.generation}/{VARIANT}.jpg"
        for link in links:
            await store.publish(path, link)
            assert await store.read(link) == DATA
            body = await store.open(link, 4, 8)
            assert body is not None
            assert [chunk async for chunk in body.chunks()] == [DATA[4:9]]
            await body.close()
        assert await stores.disk.read(links[0]) == DATA
        assert await stores.disk.read(links[1]) is None
        assert stores.bucket.listed() == {links[1].key}
        await store.remove(links)
        assert [await store.read(link) for link in links] == [None, None]
        assert stores.bucket.listed() == set()

    run(tmp_path, scenario)


def test_the_end_of_a_generation(tmp_path: Path, path: Path) -> None:
    """In a bucket all renditions of the picture go, in the main namespace those of that
    generation; the bucket of the same name as a picture is nobody's picture."""

    async def scenario(stores: Stores) -> None:
        store = stores.renditions
        main, bucket = (of(image) for image in stores.images)
        younger = replace(main, generation="f" * 28)
        for each in (main, younger, bucket, replace(bucket, generation="e" * 28)):
            await store.publish(path, stores.link(each))
        await store.remove_generation(main)
        assert await store.read(stores.link(main)) is None
        assert await store.read(stores.link(younger)) == DATA
        assert len(stores.bucket.listed()) == 2
        await store.remove_generation(bucket)
        assert stores.bucket.listed() == set()

    run(tmp_path, scenario)


def test_vip_left_its_renditions_in_buckets_alone(tmp_path: Path) -> None:
    """In the main namespace nobody looks for any."""

    async def scenario(stores: Stores) -> None:
        main, bucket = (of(image) for image in stores.images)
        stores.bucket.client.put_object(
            Bucket=stores.bucket.bucket, Key="cat/s/250", Body=b"of vip"
        )
        made = "250x0-q80-noenlarge-floor-jpeg"
        assert await stores.renditions.find_foreign(bucket, made) == ("cat/s/250", b"of vip")
        assert await stores.renditions.find_foreign(main, made) is None

    run(tmp_path, scenario)


def test_clients_are_sent_to_the_main_store_alone(tmp_path: Path) -> None:
    """Its addresses, its files and its health are all that redirects depend on."""

    async def scenario(stores: Stores) -> None:
        store, link = stores.renditions, stores.link(of(stores.images[0]))
        assert store.url(link) == stores.disk.url(link)
        assert store.local_path(link.key) == stores.disk.local_path(link.key)
        assert (store.healthy, store.shared) == (stores.disk.healthy, stores.disk.shared)

    run(tmp_path, scenario)
