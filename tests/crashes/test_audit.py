"""The audit of the soak sees what it is there to see."""

import asyncio
import hashlib
from pathlib import Path

from storage import worlds

from liveresize.core.originals import Original, new_generation
from liveresize.settings.server import Disk
from liveresize.storage.index.sql_index import DatabaseIndex
from liveresize.storage.originals import DiskOriginals
from scripts.soaking import audit, backends

DATA = b"a picture"


def stored(database: str) -> Original:
    """The row of an original of DATA that is rendered once, and nothing else."""

    async def main() -> Original:
        index = await DatabaseIndex.open(worlds.patient_database(database))
        try:
            bench = worlds.Bench(index, lambda _: asyncio.sleep(0))
            digest = hashlib.sha256(DATA).hexdigest()
            fresh = worlds.original(generation=new_generation(0.0), bytes=len(DATA), sha256=digest)
            await index.tokens.complete(await bench.claim(), fresh, "0" * 64, "{}")
            await bench.add(fresh, etag=digest, key=f"cat/{fresh.generation}/1x1-jpeg.jpg")
            return fresh
        finally:
            await index.close()

    return asyncio.run(main())


def test_everything_that_is_wrong_is_found(tmp_path: Path) -> None:
    """Rows without their bytes, bytes without their rows, and what is half done."""
    used = backends.disk(tmp_path)
    original = stored(used.database)
    data = tmp_path / "data"
    place = DiskOriginals(data / "originals", Disk()).path(original)
    rendition = (
        data / "renditions" / original.generation[-2:] / original.generation / "1x1-jpeg.jpg"
    )

    def found() -> list[str]:
        return [each.partition(":")[0] for each in audit.findings(used, [tmp_path])]

    assert found() == ["not whole", "link to nothing"]
    for path in (place, rendition):
        path.parent.mkdir(parents=True)
        path.write_bytes(DATA)
    assert found() == []
    for path in (place, rendition):
        path.write_bytes(DATA + b"!")
    assert found() == ["not whole", "link to something else"]
    for path in (place, rendition):
        path.write_bytes(DATA)
    left = {
        place.with_name("dog~" + "0" * 28): "file without a row",
        rendition.with_name("2x2-jpeg.jpg"): "rendition without a link",
        data / "renditions" / "3x3-jpeg.jpg.part": "half-written",
        data / "originals" / "_staging" / "body": "staged",
        data / "spool" / "one": "spooled",
    }
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert sorted(found()) == sorted(left.values())
