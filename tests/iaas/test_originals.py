"""Originals of Live Image Resize: copied, linked or left in place."""

import asyncio
import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest
from imaging import uploads
from storage import worlds
from web import pictures

from iaas.published import RENDERED, Published, published
from iaas.scenes import House
from liveresize import errors
from liveresize.app import container
from liveresize.compat.iaas.originals import ATTEMPTS, OriginalImporter, Taking
from liveresize.core.jobs import Facts
from liveresize.core.originals import Original
from liveresize.settings.server import Disk
from liveresize.storage import files
from liveresize.storage.index import schema
from liveresize.storage.originals import DiskOriginals

ODD = ["a b", "кот", "50%", "what?#", "q\"'<>&", "x_100_100", "cat.jpg", "token", "é" * 120]
"""Names that the published service takes, and that URLs here can mean."""

TELLING = uploads.SECRET


def telling() -> bytes:
    """A JPEG that tells where it was taken."""
    return pictures.jpeg(exif=uploads.exif())


def test_copies_are_cleaned_and_the_old_files_stay_as_they_are(
    old: Published, any_house: House
) -> None:
    """As an upload is: the same picture, without its place; facts and age are known."""
    path = old.original("cat", telling())
    os.utime(path, (1_500_000_000, 1_500_000_000))
    old.save()
    assert any_house.move_in(old, Taking.COPY)
    assert any_house.counts("originals") == (1, 0, 0)
    (row,) = any_house.rows(schema.originals)
    stored = any_house.files()["cat"].read_bytes()
    assert TELLING not in stored
    assert TELLING in path.read_bytes()
    assert pictures.opened(stored).tobytes() == pictures.opened(path.read_bytes()).tobytes()
    assert (row.name, row.format, row.width, row.height) == ("cat", "jpeg", 64, 48)
    assert (row.bytes, row.clean) == (len(stored), True)
    assert row.uploaded_at == 1_500_000_000
    assert len(row.thumbhash) > 4


def test_links_take_no_room_and_are_not_called_clean(old: Published, any_house: House) -> None:
    """A link is the old file: what tells too much will be shown as a rendition."""
    path = old.original("cat", telling())
    plain = old.original("dog", pictures.png())
    old.save()
    assert any_house.move_in(old, Taking.LINK)
    files = any_house.files()
    assert files["cat"].samefile(path)
    assert files["dog"].samefile(plain)
    clean = {row.name: row.clean for row in any_house.rows(schema.originals)}
    assert clean == {"cat": False, "dog": True}


def test_originals_in_place_stay_where_they_are(tmp_path: Path, old: Published) -> None:
    """The folder that was configured before goes on being read, and nothing is added to it."""
    house = House(tmp_path / "new", originals_dir=str(old.folder))
    path = old.original("cat", telling())
    old.save()
    assert house.move_in(old)
    assert house.counts("originals") == (1, 0, 0)
    assert path.read_bytes() == telling()
    assert house.files() == {}
    (row,) = house.rows(schema.originals)
    assert (row.name, row.clean, row.generation[0]) == ("cat", False, "f")
    assert house.move_in(old)
    assert house.counts("originals") == (0, 1, 0)


@pytest.mark.parametrize("taking", list(Taking))
def test_a_second_run_takes_only_what_is_new(
    tmp_path: Path, old: Published, taking: Taking
) -> None:
    """Whatever the way, nothing is there twice."""
    keys = {"originals_dir": str(old.folder)} if taking is Taking.IN_PLACE else {}
    house = House(tmp_path / "new", **keys)
    for number in range(3):
        old.original(f"cat {number}", pictures.png(shade=number))
    old.save()
    assert house.move_in(old, taking)
    before = house.rows(schema.originals), house.files()
    assert house.move_in(old, taking)
    assert house.counts("originals") == (0, 3, 0)
    assert (house.rows(schema.originals), house.files()) == before
    old.original("new", pictures.png(shade=9))
    assert house.move_in(old, taking)
    assert house.counts("originals") == (1, 3, 0)


def test_odd_names_come_as_they_are(old: Published, any_house: House) -> None:
    """Spaces, other scripts, signs that URLs escape, and what no token is issued for any more."""
    for name in ODD:
        old.original(name, pictures.png())
    old.save()
    assert any_house.move_in(old)
    assert {row.name for row in any_house.rows(schema.originals)} == set(ODD)


def test_names_that_no_url_can_mean_are_reported(old: Published, house: House) -> None:
    """Each with its reason, and the run goes on."""
    for name in ("_hidden", "back\\slash", "tab\there"):
        old.original(name, pictures.png())
    (old.folder / os.fsdecode(b"latin-\xe9")).write_bytes(pictures.png())
    (old.folder / "folder").mkdir()
    (old.folder / ".keep").touch()
    old.original(".cat", pictures.png())
    old.save()
    assert not house.move_in(old)
    assert house.counts("originals") == (1, 0, 6)
    assert house.reason("begins with a dot").endswith(": .keep")
    assert set(house.files()) == {".cat"}
    assert "_hidden" in house.reason("start with an underscore")
    refused = house.reason("control character")
    assert "back\\slash" in refused
    assert r"'tab\there'" in refused
    assert "latin-" in house.reason("UTF-8")
    assert "folder" in house.reason("is no file")
    assert all(line.isprintable() for line in house.said)


def test_what_is_no_picture_is_reported(old: Published, house: House) -> None:
    """Broken, empty, of a format that is not taken, or too large; the others come."""
    old.original("cat", pictures.png())
    old.original("empty", b"")
    old.original("text", b"no picture")
    old.original("cut", pictures.jpeg(400, 300)[:2000])
    old.original("bitmap", pictures.encoded(pictures.gradient(8, 8), "BMP"))
    old.original("wall", pictures.blank(12_000, 11_000))
    old.save()
    assert not house.move_in(old)
    assert house.counts("originals") == (1, 0, 5)
    assert "wall" in house.reason("`constraints.max_input` allows 128")
    assert "bitmap" in house.reason("It is BMP: list bmp in formats.input")
    assert "cut" in house.reason("damaged JPEG")
    assert "empty" in house.reason("The file is empty")
    assert "text" in house.reason("no image of a known format")
    assert set(house.files()) == {"cat", "wall", "bitmap", "cut"}
    assert list((house.originals / "_staging").iterdir()) == []


@worlds.needs_postgresql
def test_the_age_is_the_one_that_the_service_noted(tmp_path: Path, house: House) -> None:
    """Since 2019 it did; a file may have been copied about since."""
    with published(tmp_path / "iaas", "2019") as old:
        old.original("cat", pictures.png())
        old.token("spent", "cat", used=1, uploaded_at=RENDERED)
        old.save()
        assert house.move_in(old)
    (row,) = house.rows(schema.originals)
    assert row.uploaded_at == RENDERED.timestamp()


def test_what_would_not_end_well_is_refused(tmp_path: Path, old: Published, house: House) -> None:
    """In place is only where we look; and no copy beside a file that would come back."""
    old.original("cat", pictures.png())
    old.save()
    with pytest.raises(errors.SettingsError, match="originals_dir"):
        house.move_in(old, Taking.IN_PLACE)
    same = House(tmp_path / "same", originals_dir=str(old.folder))
    for taking in (Taking.COPY, Taking.LINK):
        with pytest.raises(errors.SettingsError, match="in place"):
            same.move_in(old, taking)
    assert sorted(path.name for path in old.folder.iterdir()) == ["cat"]


def test_a_full_disk_stops_the_run_and_leaves_nothing_behind(
    tmp_path: Path, old: Published
) -> None:
    """What was taken before is said, and the next run goes on from there."""
    house = House(tmp_path / "new", disk__reserve=1 << 60)
    old.original("cat", pictures.png())
    old.save()
    with pytest.raises(errors.DiskFull):
        house.move_in(old)
    assert house.counts("originals") == (0, 0, 0)
    assert house.files() == {}
    assert House(tmp_path / "roomy").move_in(old)


def test_nobody_misses_what_is_no_original(old: Published, house: House) -> None:
    """Every checkout of the published service has a `.keep`, and folders are not served."""
    (old.folder / ".keep").touch()
    (old.folder / "folder").mkdir()
    old.original("cat", pictures.png())
    old.save()
    assert house.move_in(old)
    assert house.counts("originals") == (1, 0, 2)


def test_permission_is_not_room() -> None:
    """An operator who reads of a full disk looks at the wrong thing."""
    error = files.full(PermissionError(errno.EACCES, "Permission denied", "there"))
    assert "permission" in error.public
    assert "room" in files.full(OSError(errno.ENOSPC, "No space left", "there")).public


class Swept(DiskOriginals):
    """A folder whose server sweeps whatever is staged, the first few times."""

    sweeps = 0

    async def keep(self, staged: Path, original: Original) -> None:
        if self.sweeps:
            self.sweeps -= 1
            staged.unlink()
        await super().keep(staged, original)


class Knowing:
    """A renderer that knows the facts without looking."""

    async def run(self, job: Any, **_: Any) -> Any:
        return Facts(
            format="png",
            width=1,
            height=1,
            bytes=1,
            sha256="0" * 64,
            frames=1,
            has_alpha=False,
            clean=True,
            dominant_color="",
            thumbhash="",
        )


@pytest.mark.parametrize("sweeps", [ATTEMPTS - 1, ATTEMPTS])
def test_a_link_that_is_swept_away_is_made_again(old: Published, house: House, sweeps: int) -> None:
    """A link is as old as its file, so that a server takes it for a dead upload's."""
    path = old.original("cat", pictures.png())

    async def scenario() -> None:
        originals = Swept(house.originals, Disk(reserve=0, reserve_inodes=0))
        originals.prepare()
        originals.sweeps = sweeps
        database = container.make_database(house.settings)
        try:
            await database.migrate()
            taker = OriginalImporter(
                Taking.LINK,
                formats=("png",),
                originals=originals,
                renderer=Knowing(),
                database=database,
                clock=time,
            )
            await taker.take(path, None)
        finally:
            await database.close()

    if sweeps < ATTEMPTS:
        asyncio.run(scenario())
        assert house.files()["cat"].samefile(path)
        return
    with pytest.raises(errors.DiskFull):
        asyncio.run(scenario())
    assert house.files() == {}


def test_a_dry_run_changes_nothing(old: Published, house: House) -> None:
    """It counts what would come, and makes neither folder nor database."""
    old.original("cat", pictures.png())
    old.original("_no", pictures.png())
    old.link("cat")
    old.link("dog")
    old.token("new", "cow")
    old.save()
    assert not house.move_in(old, dry_run=True)
    assert house.counts("originals") == (1, 0, 1)
    assert house.counts("links") == (1, 0, 1)
    assert house.counts("tokens") == (1, 0, 0)
    assert list(house.folder.iterdir()) == []
