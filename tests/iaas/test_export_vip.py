"""What vip could not resize after the way back."""

import asyncio
import json
from pathlib import Path

import preloaded
from storage import worlds
from web.servers import PATIENCE, ROOT, environ

from liveresize.core.names import ImageId
from liveresize.storage.index.sql_index import DatabaseIndex


def test_uploads_that_vip_cannot_resize_are_named(tmp_path: Path) -> None:
    """In its buckets alone; without any there is nothing to do before going back."""
    variables = {"PYTHONPATH": str(ROOT), **environ(tmp_path)}
    done = preloaded.run(["export", "vip"], cwd=tmp_path, env=variables, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (
        0,
        "originals in buckets: 0, 0 that vip cannot resize\n",
    )

    async def fill() -> None:
        url = f"sqlite:///{tmp_path}/data/liveresize.sqlite"
        index = await DatabaseIndex.open(worlds.patient_database(url))
        try:
            for image, form in (("b/new", "webp"), ("b/old", "jpeg"), ("main", "avif")):
                bucket, _, name = image.rpartition("/")
                await index.rows.adopt(worlds.original(ImageId(name, bucket), format=form))
        finally:
            await index.close()

    asyncio.run(fill())
    done = preloaded.run(["export", "vip"], cwd=tmp_path, env=variables, timeout=PATIENCE)
    assert (done.returncode, done.stdout.splitlines()) == (
        3,
        ["b/new webp", "originals in buckets: 2, 1 that vip cannot resize"],
    )
    told = preloaded.run(["export", "vip", "--json"], cwd=tmp_path, env=variables, timeout=PATIENCE)
    assert (told.returncode, told.stderr) == (3, done.stdout)
    assert json.loads(told.stdout) == {"complete": False, "lines": done.stdout.splitlines()}
