"""What the stores of this process tell of themselves, for /_metrics to read."""

import asyncio
from pathlib import Path

from liveresize.core.names import ImageId
from liveresize.core.originals import Link
from liveresize.core.ports import CachedImage
from liveresize.settings.server import Cache
from liveresize.storage.memory import Memory

from .test_spool import NEW, OLD, spool


def test_the_spool_knows_how_many_it_holds_and_the_oldest(tmp_path: Path) -> None:
    """In the order in which they came, also after a restart; of an empty one there is none."""

    async def main() -> None:
        box = spool(tmp_path)
        assert (box.files, box.oldest) == (0, None)
        first = await box.put(OLD, "100x0", "1", "png", b"first")
        second = await box.put(NEW, "100x0", "1", "png", b"second")
        assert (box.files, box.oldest) == (2, first)
        assert spool(tmp_path).files == 2
        await box.remove(first)
        assert (box.files, box.oldest) == (1, second)

    asyncio.run(main())


def test_memory_knows_how_much_it_holds() -> None:
    """Renditions and links, each by themselves."""
    memory = Memory(Cache(), lambda: 0.0)
    memory.put("g", "a", CachedImage(data=b"12", mime="image/png", etag="e"))
    memory.put("g", "b", CachedImage(data=b"345", mime="image/png", etag="e"))
    memory.keep_link(
        Link(
            image=ImageId("cat"),
            generation="g",
            variant="a",
            key="k",
            mime="image/png",
            etag="e",
            size=2,
            engine="1",
        )
    )
    assert (memory.entries, memory.bytes, memory.links) == (2, 5, 1)
    memory.drop(ImageId("cat"), "g")
    assert (memory.entries, memory.bytes, memory.links) == (0, 0, 0)
