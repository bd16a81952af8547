"""The same on S3: a bucket of renditions and one of originals, on servers of others."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from storage import s3worlds
from storage.s3worlds import World, everywhere
from web import pictures, servers

from liveresize.app import maintenance
from liveresize.maintenance.reconcile.findings import Report
from liveresize.maintenance.reconcile.parts import Options, OrphanPolicy

REPAIR = Options(repair=True, this_is_all=True, grace=0)
ADOPT = Options(repair=True, this_is_all=True, strays=OrphanPolicy.ADOPT, grace=0)


def keys_of(renditions: s3worlds.Place, originals: s3worlds.Place) -> dict[str, Any]:
    """The settings of a server that keeps things there."""
    return {
        "aws__access_key": s3worlds.ACCESS_KEY,
        "aws__secret_key": s3worlds.SECRET_KEY,
        "aws__region": "us-east-1",
        "aws__endpoint_url": renditions.server.address,
        "aws__bucket": renditions.bucket,
        "aws__originals_bucket": originals.bucket,
        "aws__prefix": "pics/",
        "delivery": "proxy",
    }


@pytest.mark.long
@everywhere
def test_buckets_and_database_are_brought_together(world: World, tmp_path: Path) -> None:
    """An emptied bucket, objects without links, originals in the mirror alone without a row."""
    with world.place() as renditions, world.place() as originals:
        keys = keys_of(renditions, originals)
        with servers.Running(tmp_path, **keys) as running:
            for name in ("cat", "dog"):
                running.client.put_in(name, pictures.jpeg())
                assert running.client.get(f"/{name}_20_0.jpg").status_code == 200
            running.published()
            servers.until(lambda: len(originals.listed()) == 2)

            def reconcile(options: Options) -> dict[str, str]:
                report = Report()
                asyncio.run(maintenance.reconcile(running.settings, options, report))
                assert not report.remarks
                return {k.value: f"{t.found}/{t.repaired}" for k, t in report.tallies.items()}

            assert reconcile(REPAIR) == {}
            cat, dog = (key for key in sorted(renditions.listed()) if key.endswith(".jpg"))
            renditions.client.delete_object(Bucket=renditions.bucket, Key=cat)
            stray = f"{dog.rpartition('/')[0]}/1x1-jpeg.jpg"
            renditions.client.put_object(Bucket=renditions.bucket, Key=stray, Body=b"x")
            kept = originals.client
            (first, _) = sorted(originals.listed())
            kept.delete_object(Bucket=originals.bucket, Key=first)
            found = {
                "unmirrored": "1/1",
                "link_without_object": "1/1",
                "object_without_link": "1/1",
            }
            assert reconcile(REPAIR) == found
            servers.until(lambda: len(originals.listed()) == 2)
            servers.until(lambda: reconcile(Options(grace=0)) == {}, 60)
            assert running.client.get("/cat_20_0.jpg").status_code == 200
        shutil.rmtree(tmp_path / "data")
        with servers.Running(tmp_path, **keys) as running:
            assert running.client.get("/cat").status_code == 404
            found = reconcile(ADOPT)
            assert found["unrecorded"] == "2/2"
            assert running.client.get("/cat").status_code == 200
            assert reconcile(REPAIR) == {}
