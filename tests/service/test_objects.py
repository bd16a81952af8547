"""Objects of the embedded store: what is answered there, and what is not."""

from pathlib import Path
from urllib.parse import unquote

import pytest

from liveresize import errors
from liveresize.compat.vip.requests import VipRules
from liveresize.core.formats import Format
from liveresize.core.geometry import Bounds
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.originals import Original
from liveresize.core.ports import Selection
from liveresize.core.rates import Rate
from liveresize.core.sizes import SizeRules
from liveresize.core.unsigned import Unsigned
from liveresize.core.values import Quality
from liveresize.delivery.outcomes import Cache
from liveresize.settings.pictures import Originals

from .buckets import BUCKET, LEGACY, Fleet
from .doubles import picture, run
from .house import CAT, House, disk_store, request

BOUNDS = Bounds(2000, 2000)
PLAIN = Quality(82, 80, 60, match=True)
VIP = VipRules(buckets=frozenset({BUCKET}))


def listed(*boxes: tuple[int, int], presets_only: bool = False) -> Unsigned:
    """Rules under which these sizes alone need no signature."""
    rules = UrlRules(presets={"card": (("fit", "crop"), ("quality", "50"))})
    sizes = SizeRules.of(boxes, BOUNDS, VIP.max_width, presets_only=presets_only)
    return Unsigned(rules, VIP, lambda _: sizes)


def key(original: Original, variant: str, extension: str = "jpg") -> str:
    """The key of an object, whether or not there is one."""
    return f"{original.image.key}/{original.generation}/{variant}.{extension}"


async def answered(house: House, asked: str, *, client: str = "") -> bool:
    """Whether there is such an object; HEAD says the same, first."""
    try:
        await house.objects.known(asked)
    except errors.OriginalMissing:
        assert house.objects.recall(asked) is None
        with pytest.raises(errors.OriginalMissing):
            await house.objects.serve(asked, client=client)
        return False
    await house.objects.serve(asked, client=client)
    return True


async def key_of(house: House, width: int = 100) -> str:
    """The key of a published rendition, out of the URL that a client is sent to."""
    await house.publish(width)
    found = await house.find(request(width))
    return unquote(found.url.removeprefix("/_renditions/"))


def test_a_redirect_leads_to_its_object(tmp_path: Path) -> None:
    """From memory, from the disk after a restart, and the same bytes each time."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path))
        await house.upload()
        key = await key_of(house)
        recalled = house.objects.recall(key)
        assert recalled is not None
        assert (recalled.image, recalled.cache) == (CAT, Cache.MEMORY)
        house.forget_all()
        assert house.objects.recall(key) is None
        stored = await house.objects.serve(key)
        assert stored.cache is Cache.HIT
        assert stored.held.data == recalled.held.data
        assert house.objects.recall(key) is not None
        assert len(house.renderer.renders) == 1

    run(main)


@pytest.mark.parametrize("cached", [True, False])
def test_bytes_are_immutable_only_under_the_key_of_what_made_them(
    tmp_path: Path, *, cached: bool
) -> None:
    """A cache must not keep what another engine made for a year."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), engine="2")
        original = await house.upload()
        new = await key_of(house)
        old, newer = key(original, request(100).rendition.variant), new.replace("~2", "~3")
        assert new == old.replace(".jpg", "~2.jpg")
        for asked in (new, old, newer):
            if not cached:
                house.forget_all()
            known = await house.objects.known(asked)
            recalled = house.objects.recall(asked)
            served = await house.objects.serve(asked)
            assert served.immutable is known.immutable is (asked == new)
            assert (recalled is not None) is (cached and asked == new)
            assert recalled is None or recalled.immutable
        assert len(house.renderer.renders) == 1

    run(main)


def test_what_an_older_engine_made_stays_in_use_until_it_is_purged(tmp_path: Path) -> None:
    """Then it has a key of its own, and whoever holds the old one gets the new bytes."""

    async def main() -> None:
        before = House(tmp_path, store=disk_store(tmp_path))
        await before.upload()
        old = await key_of(before)
        house = House(tmp_path, index=before.index, store=disk_store(tmp_path), engine="2")
        assert (await house.find(request(100))).url.endswith(old)
        assert (await house.objects.serve(old)).immutable
        assert not house.renderer.renders
        assert await house.purge.purge(Selection(engine_before="2"), 10) == 1
        again = await house.objects.serve(old)
        assert (again.cache, again.immutable) == (Cache.MISS, False)
        assert await house.publisher.flush(30.0) == 0
        new = unquote((await house.find(request(100))).url.removeprefix("/_renditions/"))
        assert new == old.replace(".jpg", "~2.jpg")
        assert (await house.objects.serve(new)).immutable
        names = {path.name for path in (tmp_path / "renditions").rglob("*.jpg")}
        assert names == {key.rpartition("/")[2] for key in (old, new)}

    run(main)


def test_an_object_that_made_room_is_rendered_again(tmp_path: Path) -> None:
    """A browser that holds the redirect still gets its picture, and it is kept again."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), disk_bytes=1)
        await house.upload()
        key = await key_of(house)
        await house.purge.tidy()
        assert not [path for path in (tmp_path / "renditions").rglob("*") if path.is_file()]
        assert house.objects.recall(key) is None
        again = await house.objects.serve(key)
        assert again.cache is Cache.MISS
        assert await house.publisher.flush(30.0) == 0
        house.forget_all()
        assert (await house.objects.serve(key)).cache is Cache.HIT

    run(main)


def test_a_key_cannot_ask_for_more_than_a_url_can(tmp_path: Path) -> None:
    """A variant beyond the bounds or the picture is no object, and no render."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), bounds=Bounds(300, 300))
        original = await house.upload()
        far = f"rect{original.width}.0.9.9"
        point = "crop-gu1x2-trim10"  # a focus that the picture does not have
        for variant in (
            request(5000).rendition.variant,
            *(f"9x9-{token}-qa82-jpeg" for token in (far, point)),
        ):
            assert not await answered(house, key(original, variant))
        assert not house.renderer.renders
        for token in ("rect1.0.9.5000f-trim10", "crop-smart-trim0"):
            assert await answered(house, key(original, f"9x9-{token}-qa82-jpeg"))

    run(main)


def test_only_keys_of_the_current_generation_are_objects(tmp_path: Path) -> None:
    """Other generations, other pictures and what is no key at all are missing."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path))
        await house.upload()
        await house.upload(ImageId("dog"))
        key = await key_of(house)
        _, generation, file = key.split("/")
        for other in (
            f"cat/{'0' * 28}/{file}",
            f"dog/{generation}/{file}",
            f"bird/{generation}/{file}",
            f"bucket/cat/{generation}/{file}",
            f"../cat/{generation}/{file}",
            f"/cat/{generation}/{file}",
            f"cat\0/{generation}/{file}",
            f"cat/{generation}/{file}.png",
            f"cat/{generation}/",
            "",
        ):
            assert house.objects.recall(other) is None, other
            with pytest.raises(errors.OriginalMissing):
                await house.objects.serve(other)
        await house.purge.delete(CAT)
        assert house.objects.recall(key) is None
        with pytest.raises(errors.OriginalMissing):
            await house.objects.serve(key)

    run(main)


def test_an_object_is_no_longer_recalled_once_its_picture_was_replaced(tmp_path: Path) -> None:
    """Even if bytes of the old generation are in memory still."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path))
        await house.upload()
        key = await key_of(house)
        recalled = house.objects.recall(key)
        assert recalled is not None
        await house.upload(data=picture(soul="new"))
        _, generation, file = key.split("/")
        house.memory.put(generation, file.removesuffix(".jpg"), recalled.held)
        assert house.objects.recall(key) is None

    run(main)


def test_the_client_of_an_object_has_its_rate(tmp_path: Path) -> None:
    """An object that must be rendered again counts like any new rendition."""

    async def main() -> None:
        rates = Rate(per_second=1.0, burst=1.0)
        house = House(tmp_path, store=disk_store(tmp_path), rates=rates, disk_bytes=1)
        await house.upload()
        key = await key_of(house)
        await house.purge.tidy()
        await house.get(request(50), client="one")
        with pytest.raises(errors.RateLimited):
            await house.objects.serve(key, client="one")
        await house.objects.serve(key, client="two")
        assert await house.publisher.flush(30.0) == 0

    run(main)


CLOSED = {
    "a listed size": listed((100, 0)),
    "a preset": listed(presets_only=True),
    "both": listed((100, 0), presets_only=True),
}


@pytest.mark.parametrize("rules", CLOSED.values(), ids=CLOSED)
def test_a_changed_variant_is_neither_rendered_nor_stored(tmp_path: Path, rules: Unsigned) -> None:
    """120 of 120: the key of an object is no way around the rules for URLs."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), unsigned=rules)
        original = await house.upload()
        for number in range(120):
            assert not await answered(house, key(original, f"{401 + number}x0-qa82-jpeg"))
        assert not house.renderer.renders
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.published == 0

    run(main)


def test_what_a_url_may_ask_for_is_rendered_at_its_key(tmp_path: Path) -> None:
    """Two and three times a listed size, and what a preset makes; nothing beside them."""

    async def main() -> None:
        sizes = House(tmp_path / "sizes", store=disk_store(tmp_path), unsigned=listed((100, 0)))
        original = await sizes.upload()
        for variant, expected in (
            ("100x0-qa82-jpeg", True),
            ("300x0-q7-jpeg", True),
            ("400x0-qa82-jpeg", False),
            ("0x100-qa82-jpeg", False),
        ):
            assert await answered(sizes, key(original, variant)) is expected, variant
        preset = House(tmp_path / "p", store=disk_store(tmp_path), unsigned=CLOSED["a preset"])
        original = await preset.upload()
        for variant, expected in (
            ("70x50-crop-q50-jpeg", True),
            ("70x50-qa82-jpeg", False),
            ("70x50-crop-q51-jpeg", False),
            ("70x50-crop-q50-b3-jpeg", False),
        ):
            assert await answered(preset, key(original, variant)) is expected, variant
        for house in (sizes, preset):
            assert await house.publisher.flush(30.0) == 0

    run(main)


def test_where_any_size_is_allowed_the_variants_are_bounded_as_for_urls(tmp_path: Path) -> None:
    """What is too many is rendered and sent, and not kept."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), max_variants=20)
        original = await house.upload()
        for number in range(50):
            assert await answered(house, key(original, f"{100 + number}x0-qa82-jpeg"))
        assert await house.publisher.flush(30.0) == 0
        assert house.publisher.published == 20
        assert len(await house.index.links.of(original.generation, 1000)) == 20

    run(main)


@pytest.mark.parametrize(
    ("variant", "extension"),
    [
        ("100x0-qa101-jpeg", "jpg"),
        ("100x0-q101-webp", "webp"),
        ("100x0-q80.80.101-auto.n", "jpg"),
        ("100x0-qa75-jpeg", "jpg"),
        ("100x0-qa82-b2-jpeg", "jpg"),
        ("100x0-qa82-b1001-jpeg", "jpg"),
        ("100x0-qa82-s101-jpeg", "jpg"),
        ("100x0-qa82-r45-jpeg", "jpg"),
        ("100x50-crop-g1001x0-qa82-jpeg", "jpg"),
        ("100x0-qa82-floor-jpeg", "jpg"),
        ("0100x0-qa82-jpeg", "jpg"),
        ("99999999999x0-qa82-jpeg", "jpg"),
        ("100x0-jpeg", "jpg"),
        ("0x0-qa82-jpeg", "jpg"),
        ("original", "jpg"),
    ],
)
def test_what_no_url_can_ask_for_is_no_object(tmp_path: Path, variant: str, extension: str) -> None:
    """Even where any size is allowed. A URL without a box gets the stored bytes."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path))
        original = await house.upload()
        assert not await answered(house, key(original, variant, extension))
        assert not house.renderer.renders

    run(main)


def test_what_has_a_link_is_answered_whatever_the_rules_say(tmp_path: Path) -> None:
    """It was made for whoever had a signature, or before the rules were changed."""

    async def main() -> None:
        store = disk_store(tmp_path)
        house = House(tmp_path, store=store, unsigned=listed((100, 0)))
        original = await house.upload()
        await house.publish(777)
        asked = key(original, request(777).rendition.variant)
        assert await answered(house, asked)
        house.forget_all()
        assert await answered(house, asked)
        assert len(house.renderer.renders) == 1

    run(main)


def test_what_has_a_link_is_answered_whatever_the_bounds_are_now(tmp_path: Path) -> None:
    """It was within them when it was made; a variant beside it is not."""

    async def main() -> None:
        store = disk_store(tmp_path)
        house = House(tmp_path, store=store)
        original = await house.upload()
        await house.publish(600)
        later = House(tmp_path, index=house.index, store=store, bounds=Bounds(300, 300))
        asked = key(original, request(600).rendition.variant)
        assert await answered(later, asked)
        assert not await answered(later, key(original, "601x0-qa82-jpeg"))
        assert not later.renderer.renders

    run(main)


def test_what_was_evicted_is_rendered_again_while_browsers_may_be_redirected_there(
    tmp_path: Path,
) -> None:
    """Whatever the rules say; once its time is over it is forgotten."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), unsigned=listed((100, 0)), disk_bytes=1)
        original = await house.upload()
        await house.publish(777)
        asked = key(original, request(777).rendition.variant)
        await house.purge.tidy()
        house.index.advance(99)
        await house.purge.tidy()
        again = await house.objects.serve(asked)
        assert again.cache is Cache.MISS
        assert await house.publisher.flush(30.0) == 0
        await house.purge.tidy()
        house.index.advance(101)
        await house.purge.tidy()
        assert not await answered(house, asked)

    run(main)


def test_a_purged_rendition_is_rendered_again_too(tmp_path: Path) -> None:
    """Browsers hold redirects to it as well."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), unsigned=listed((100, 0)))
        original = await house.upload()
        await house.publish(777)
        asked = key(original, request(777).rendition.variant)
        assert await house.purge.purge(Selection(image=CAT), 10) == 1
        assert await answered(house, asked)
        assert len(house.renderer.renders) == 2
        assert await house.publisher.flush(30.0) == 0

    run(main)


@pytest.mark.parametrize("left", ["file", "memory", "nothing"])
def test_while_the_index_is_away_a_file_or_a_memory_will_do(tmp_path: Path, left: str) -> None:
    """Nobody can ask for the link then; the rules count where there is neither."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), unsigned=listed((100, 0)))
        original = await house.upload()
        await house.publish(777)
        asked = key(original, request(777).rendition.variant)
        path = house.store.local_path(asked)
        assert path is not None
        if left != "memory":
            house.forget_all()
            house.memory.keep_original(original)
        if left == "nothing":
            path.unlink()
        if left == "memory":
            house.clock.now += 1_000_000
            house.memory._images.clear()
        house.index.available = False
        assert await answered(house, asked) is (left != "nothing")
        assert await answered(house, key(original, "100x0-qa82-jpeg"))
        await house.publisher.flush(0.0)

    run(main)


def test_a_lookup_is_all_that_a_guess_costs(tmp_path: Path) -> None:
    """One question to the index, and no wait for anything else."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path), unsigned=listed((100, 0)))
        original = await house.upload()
        await house.original_lookup.get(CAT)
        house.index.calls.clear()
        with pytest.raises(errors.OriginalMissing):
            await house.objects.serve(key(original, "401x0-qa82-jpeg"))
        assert dict(house.index.calls) == {"links.was_purged": 1}

    run(main)


def test_originals_that_are_not_public_are_no_objects_at_full_size(tmp_path: Path) -> None:
    """Neither made nor sent, although somebody with a signature has had one made."""

    async def main() -> None:
        private = Originals(public=False)
        house = House(tmp_path, store=disk_store(tmp_path), originals=private)
        original = await house.upload()
        whole = request(0, format=Format.PNG)
        asked = key(original, whole.rendition.variant, "png")
        assert not await answered(house, asked)
        await house.get(whole)
        assert await house.publisher.flush(30.0) == 0
        assert len(await house.index.links.of(original.generation, 1000)) == 1
        assert not await answered(house, asked)
        house.forget_all()
        assert not await answered(house, asked)
        assert await answered(house, key(original, "100x0-qa82-jpeg"))
        assert await house.publisher.flush(30.0) == 0

    run(main)


def test_a_picture_replaced_meanwhile_is_not_answered_under_the_old_key(tmp_path: Path) -> None:
    """Browsers keep what is under a key for a year."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path))
        old = await house.upload(data=picture(soul="old"))

        async def replace() -> None:
            del house.index.before["links.of"]
            await house.upload(data=picture(soul="new"))

        house.index.before["links.of"] = replace
        with pytest.raises(errors.OriginalMissing):
            await house.objects.serve(key(old, "100x0-qa82-jpeg"))
        assert len(house.renderer.renders) == 1  # of the new one, for the next who asks
        assert await house.publisher.flush(30.0) == 0

    run(main)


@pytest.mark.parametrize("unlisted", [False, True])
def test_pictures_of_buckets_have_their_rules_as_well(tmp_path: Path, unlisted: bool) -> None:
    """`s` up to its bound, squares, stills: nothing else; and no bucket that is not listed
    is looked into."""

    async def main() -> None:
        fleet = Fleet(tmp_path)
        fleet.buckets.fill(LEGACY)
        house = fleet.house()
        original = await house.original_lookup.get(LEGACY)
        fleet.buckets.asked.clear()
        house.store = disk_store(tmp_path)
        house.objects._store = house.store
        rules = VipRules() if unlisted else VIP
        house.objects._unsigned = Unsigned(UrlRules(), rules, lambda _: SizeRules())
        for variant, expected in (
            ("250x0-q80-noenlarge-floor-jpeg", True),
            ("250x250-crop-q80-noenlarge-jpeg", True),
            ("16383x16383-crop-q80-noenlarge-jpeg", True),
            ("721x0-q80-noenlarge-floor-jpeg", False),
            ("250x0-q80-noenlarge-jpeg", False),
            ("250x0-q79-noenlarge-floor-jpeg", False),
            ("250x0-q80-floor-jpeg", False),
            ("250x100-crop-q80-noenlarge-jpeg", False),
            ("0x250-q80-noenlarge-floor-jpeg", False),
        ):
            wanted = expected and not unlisted
            assert await answered(house, key(original, variant)) is wanted, variant
        assert await house.publisher.flush(30.0) == 0
        other = ImageId("other", "somebody-elses")
        for image in (other, ImageId("other", BUCKET)):
            asked = f"{image.key}/{original.generation}/250x0-q80-noenlarge-floor-jpeg.jpg"
            assert not await answered(house, asked)
        assert [each for each in fleet.buckets.asked if not each.startswith(BUCKET)] == []

    run(main)
