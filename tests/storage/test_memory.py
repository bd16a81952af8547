"""What one process remembers, and how it forgets."""

import dataclasses
import random

from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original
from liveresize.core.ports import CachedImage, LinkList
from liveresize.core.records import Record
from liveresize.settings.server import Cache
from liveresize.storage.memory import Memory

from . import worlds
from .worlds import CAT

DOG = ImageId("dog")


class Time:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def held(size: int = 10) -> CachedImage:
    """Bytes of a rendition."""
    return CachedImage(data=b"." * size, mime="image/jpeg", etag="e" * 64)


def of(image: ImageId = CAT, digit: str = "1") -> Original:
    """An original of that generation."""
    return worlds.original(image, generation=digit * 28)


def link(original: Original, variant: str = "v") -> Link:
    """A link to one of its renditions."""
    return worlds.link(original, variant)


def sizes(memory: Memory) -> tuple[int, ...]:
    """How much bookkeeping there is."""
    return (
        len(memory._originals),
        len(memory._images),
        len(memory._links),
        len(memory._variants),
        memory.bytes,
    )


def test_what_was_kept_is_there() -> None:
    """Facts by name, bytes and links by generation and variant; nothing else."""
    memory = Memory(Cache(), Time())
    cat = of()
    assert memory.original(CAT) is None
    memory.keep_original(cat)
    memory.put(cat.generation, "v", held())
    memory.keep_link(link(cat))
    assert memory.original(CAT) is cat
    assert memory.held(cat.generation, "v") == held()
    assert memory.link(cat.generation, "v") == link(cat)
    assert memory.original(ImageId("cat", "bucket")) is None
    assert memory.held(cat.generation, "w") is None
    assert memory.link("2" * 28, "v") is None


def test_nothing_hidden_is_kept() -> None:
    """So that whoever asks memory need not look whether what it knows may be shown."""
    memory = Memory(Cache(), Time())
    cat = of()
    memory.keep_original(cat)
    memory.put(cat.generation, "v", held())
    memory.keep_link(link(cat))
    memory.keep_original(dataclasses.replace(cat, record=Record(held_at=1.0)))
    assert memory.original(CAT) is None
    assert sizes(memory) == (0,) * 5


def test_bytes_have_a_bound() -> None:
    """The rendition used longest ago goes; using one keeps it."""
    memory = Memory(Cache(memory_bytes=80), Time())
    for number in range(8):
        memory.put("g", str(number), held())
    assert memory.held("g", "0")
    memory.put("g", "8", held())
    assert memory.held("g", "1") is None
    assert memory.held("g", "0")
    assert (memory.bytes, memory.evictions) == (80, 1)


def test_one_rendition_takes_an_eighth_at_most() -> None:
    """A larger one is not held, and drives nobody out."""
    memory = Memory(Cache(memory_bytes=80), Time())
    memory.put("g", "small", held(10))
    memory.put("g", "large", held(11))
    assert memory.held("g", "large") is None
    assert memory.held("g", "small")
    nothing = Memory(Cache(memory_bytes=0), Time())
    nothing.put("g", "v", held(1))
    assert sizes(nothing) == (0, 0, 0, 0, 0)


def test_holding_again_replaces() -> None:
    """The same rendition counts once."""
    memory = Memory(Cache(memory_bytes=800), Time())
    memory.put("g", "v", held(90))
    memory.put("g", "v", held(20))
    assert memory.bytes == 20
    found = memory.held("g", "v")
    assert found is not None
    assert len(found.data) == 20


def test_all_links_of_a_generation_are_kept_for_seconds() -> None:
    """They answer as links that are kept do, with those that are kept since."""
    time = Time()
    memory = Memory(Cache(links=1), time)
    cat = of()
    links = {variant: link(cat, variant) for variant in ("a", "b")}
    memory.keep_link_list(cat.generation, LinkList(links=links, complete=True))
    assert memory.link(cat.generation, "a") == link(cat, "a")
    assert memory.link(cat.generation, "b") == link(cat, "b")
    assert memory.link(cat.generation, "c") is None
    memory.keep_link(link(cat, "c"))
    listed = memory.link_list(cat.generation)
    assert listed is not None
    assert set(listed.links) == {"a", "b", "c"}
    time.now += 5.0
    assert memory.link_list(cat.generation) is None
    assert memory.link(cat.generation, "a") is None


def test_lists_of_links_are_few_and_go_with_what_they_tell_of() -> None:
    """With one rendition, the generation, its successor, or everything; old ones make room."""
    time = Time()
    memory = Memory(Cache(), time)
    cat = of()
    nothing = LinkList(links={}, complete=True)

    def gone() -> bool:
        return memory.link_list(cat.generation) is None

    for forget in (
        lambda: memory.drop(CAT, cat.generation, "v"),
        lambda: memory.drop(CAT, cat.generation),
        lambda: memory.keep_original(of(digit="2")),
        lambda: memory.forget(CAT),
        lambda: memory.drop_link_list(cat.generation),
        memory.clear,
    ):
        memory.keep_original(cat)
        memory.keep_link_list(cat.generation, nothing)
        assert not gone()
        forget()
        assert gone()
    for number in range(1000):
        memory.keep_link_list(f"{number:028}", nothing)
    assert 100 < len(memory._link_lists) < 1000
    time.now += 5.0
    memory.keep_link_list(cat.generation, nothing)
    assert list(memory._link_lists) == [cat.generation]


def test_links_have_a_bound_and_a_time() -> None:
    """The one used longest ago goes; past its time one is only given where stale will do."""
    time = Time()
    memory = Memory(Cache(links=2, link_ttl=60.0), time)
    cat = of()
    for variant in ("a", "b"):
        memory.keep_link(link(cat, variant))
    assert memory.link(cat.generation, "a")
    memory.keep_link(link(cat, "c"))
    assert memory.link(cat.generation, "b") is None
    time.now += 59.9
    assert memory.link(cat.generation, "a")
    time.now += 0.1
    assert memory.link(cat.generation, "a") is None
    assert memory.link(cat.generation, "a", stale=True)
    memory.keep_link(link(cat, "a"))
    assert memory.link(cat.generation, "a")


def test_originals_have_a_bound() -> None:
    """The one used longest ago goes."""
    memory = Memory(Cache(), Time(), max_originals=2)
    for name in "ab":
        memory.keep_original(of(ImageId(name)))
    assert memory.original(ImageId("a"))
    memory.keep_original(of(ImageId("c")))
    assert memory.original(ImageId("b")) is None
    assert memory.original(ImageId("a"))


def test_a_new_generation_drives_out_the_old_one() -> None:
    """Its bytes and links go with it; the same one again drives out nothing."""
    memory = Memory(Cache(), Time())
    old, new = of(digit="1"), of(digit="2")
    memory.keep_original(old)
    memory.put(old.generation, "v", held())
    memory.keep_link(link(old))
    memory.keep_original(dataclasses.replace(old, uploaded_at=1.0))
    assert memory.held(old.generation, "v")
    memory.keep_original(new)
    assert memory.original(CAT) is new
    assert sizes(memory) == (1, 0, 0, 0, 0)


def test_one_rendition_is_dropped_alone() -> None:
    """Its bytes and its link; its siblings and the facts stay."""
    memory = Memory(Cache(), Time())
    cat = of()
    memory.keep_original(cat)
    for variant in ("a", "b"):
        memory.put(cat.generation, variant, held())
        memory.keep_link(link(cat, variant))
    memory.drop(CAT, cat.generation, "a")
    assert memory.held(cat.generation, "a") is None
    assert memory.link(cat.generation, "a", stale=True) is None
    assert memory.held(cat.generation, "b")
    assert memory.link(cat.generation, "b")
    assert memory.original(CAT)


def test_a_generation_is_dropped_whole() -> None:
    """And no other: neither a newer one of the same picture, nor another picture's."""
    memory = Memory(Cache(), Time())
    cat, dog = of(), of(DOG, "2")
    for original in (cat, dog):
        memory.keep_original(original)
        memory.put(original.generation, "v", held())
        memory.keep_link(link(original))
    memory.drop(CAT, "0" * 28)
    assert memory.original(CAT) is cat
    memory.drop(CAT, cat.generation)
    assert memory.original(CAT) is None
    assert sizes(memory) == (1, 1, 1, 1, 10)
    assert memory.held(dog.generation, "v")


def test_a_picture_is_forgotten_by_name() -> None:
    """Whatever generation of it is known."""
    memory = Memory(Cache(), Time())
    cat = of()
    memory.keep_original(cat)
    memory.put(cat.generation, "v", held())
    memory.forget(DOG)
    assert memory.original(CAT)
    memory.forget(CAT)
    assert sizes(memory) == (0, 0, 0, 0, 0)


def test_bookkeeping_stays_flat() -> None:
    """After thousands of random deeds the sums are right, and dropping all leaves nothing."""
    dice = random.Random(7)
    cache = Cache(memory_bytes=2000, links=20, link_ttl=5.0)
    time = Time()
    memory = Memory(cache, time, max_originals=10)
    images = [ImageId(f"cat{number}") for number in range(15)]
    generations = {image: [worlds.original(image) for _ in range(3)] for image in images}
    for _ in range(5000):
        time.now += dice.random()
        original = dice.choice(generations[dice.choice(images)])
        variant = dice.choice("abcdef")
        match dice.randrange(7):
            case 0:
                memory.keep_original(original)
            case 1 | 2:
                memory.put(original.generation, variant, held(dice.randrange(300)))
            case 3:
                memory.keep_link(link(original, variant))
            case 4:
                memory.drop(original.image, original.generation, dice.choice(("", variant)))
            case 5:
                memory.forget(original.image)
            case _:
                memory.held(original.generation, variant)
                memory.link(original.generation, variant)
        assert memory.bytes == sum(len(each.data) for each in memory._images.values())
        assert memory.bytes <= cache.memory_bytes
        assert len(memory._links) <= cache.links
        assert len(memory._originals) <= 10
        noted = {(generation, v) for generation, vs in memory._variants.items() for v in vs}
        assert noted == memory._images.keys() | memory._links.keys()
    for image in images:
        for original in generations[image]:
            memory.drop(image, original.generation)
    assert sizes(memory) == (0, 0, 0, 0, 0)


def test_what_the_index_has_not_confirmed_is_known() -> None:
    """Originals without `uploaded_at`, until they are confirmed, replaced or dropped."""
    memory = Memory(Cache(), Time(), max_originals=4)
    names = ("a", "b", "c", "d")
    assumed = {name: of(ImageId(name)) for name in names}
    for original in assumed.values():
        memory.keep_original(original)
    assert memory.assumed(10) == list(assumed.values())
    assert memory.assumed(2) == [assumed["a"], assumed["b"]]
    memory.confirm(of(ImageId("a"), "2"))
    assert len(memory.assumed(10)) == 4
    memory.confirm(assumed["a"])
    assert memory.original(ImageId("a")) == assumed["a"]
    memory.keep_original(dataclasses.replace(assumed["b"], uploaded_at=1.0))
    memory.drop(ImageId("c"), assumed["c"].generation)
    assert memory.assumed(10) == [assumed["d"]]
    for name in ("e", "f", "g", "h"):
        memory.keep_original(dataclasses.replace(of(ImageId(name)), uploaded_at=1.0))
    assert memory.assumed(10) == []


def test_everything_is_forgotten_at_once() -> None:
    """As if the process had just been started."""
    memory = Memory(Cache(), Time())
    memory.keep_original(of())
    memory.put("1" * 28, "v", held())
    memory.keep_link(link(of()))
    memory.clear()
    assert memory.original(CAT) is None
    assert memory.held("1" * 28, "v") is None
    assert memory.link("1" * 28, "v", stale=True) is None
    assert (memory.bytes, memory.entries, memory.links, memory.assumed(1)) == (0, 0, 0, [])
    assert not memory._variants
    memory.put("1" * 28, "v", held())
    assert memory.bytes == 10


def test_a_stale_link_is_trusted_for_a_while() -> None:
    """Where links end, the object behind an older one may be gone."""
    time = Time()
    memory = Memory(Cache(link_ttl=60.0), time, stale_for=100.0)
    kept = link(of())
    memory.keep_link(kept)
    for seconds, fresh, stale in ((59, True, True), (61, False, True), (161, False, False)):
        time.now = 1000.0 + seconds
        assert (memory.link(kept.generation, kept.variant) is not None) == fresh
        assert (memory.link(kept.generation, kept.variant, stale=True) is not None) == stale


def test_a_missing_picture_is_missing_for_a_moment() -> None:
    """Until it is there, or was there; and only so many are known."""
    now = Time()
    memory = Memory(Cache(), now)
    for change in (
        lambda: memory.keep_original(of()),
        lambda: memory.forget(CAT),
        lambda: memory.drop(CAT, of().generation),
        memory.clear,
    ):
        memory.keep_missing(CAT)
        memory.keep_missing(DOG)
        assert memory.is_missing(CAT)
        change()
        assert not memory.is_missing(CAT)
    memory.keep_missing(DOG)
    memory.keep_original(dataclasses.replace(of(DOG), record=Record(held_at=1.0)))
    now.now += 1.9
    assert memory.is_missing(DOG)
    now.now += 0.2
    assert not memory.is_missing(DOG)
    for number in range(10_001):
        memory.keep_missing(ImageId(str(number)))
    assert len(memory._missing) == 10_000
    assert not memory.is_missing(ImageId("0"))
