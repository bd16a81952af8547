"""The way back: what came since lies in the folder and the tables of Live Image Resize."""

import asyncio
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from imaging import uploads
from storage import s3worlds, worlds
from web import pictures
from web.servers import Process, until

from iaas import published
from iaas.published import Published
from iaas.scenes import House
from liveresize import errors
from liveresize.app import iaas_export
from liveresize.compat.iaas import moving_out
from liveresize.compat.iaas.originals import Taking
from liveresize.compat.iaas.sink import LONGEST
from liveresize.storage.index import schema

pytestmark = worlds.needs_postgresql

KEYS: dict[str, Any] = {"secret": "of-the-clients", "admin__secrets": ["of-the-admin"]}


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Published]:
    """An installation of its last release, with one picture."""
    with published.published(tmp_path / "iaas", "2019") as old:
        old.indexes = published.UNIQUE
        old.original("cat", pictures.png())
        old.link("cat", 20, 20)
        old.token("spent", "cat", used=1, uploaded_at=published.RENDERED)
        old.save()
        yield old


class Back:
    """Exports of one installation to another, and what was said."""

    def __init__(self, house: House, old: Published) -> None:
        self.house, self.old = house, old

    def __call__(self, **more: Any) -> bool:
        """Export; whether everything is there."""
        self.house.said = []
        asked = iaas_export.ExportRequest(url=self.old.url, directory=self.old.folder, **more)
        return asyncio.run(
            iaas_export.export_iaas(self.house.settings, asked, self.house.said.append)
        )

    @property
    def counts(self) -> list[tuple[int, int, int]]:
        """The counts of originals, ids and links."""
        return [self.house.counts(what) for what in ("originals", "ids", "links")]


def rows(old: Published, query: str) -> list[Any]:
    """What a query of the published service gets."""

    async def ask() -> list[Any]:
        async with worlds.raw(old.url) as engine:
            return await engine.run(lambda connection: list(connection.execute(sa.text(query))))

    return asyncio.run(ask())


def files(old: Published) -> list[str]:
    """The originals in its folder."""
    return sorted(path.name for path in old.folder.iterdir() if path.is_file())


def served(old: Published, name: str, x: int, y: int) -> str | None:
    """Where the published service redirects for a JPEG: by its own query."""
    found = rows(
        old,
        f"SELECT url FROM images WHERE id='{name}' AND x={x} AND y={y} AND fit='clip' "
        "AND file_type='image/jpeg' AND blur='f' AND quality=-1",
    )
    return found[0].url if found else None


def link(house: House, name: str, *variants: str) -> None:
    """Have links of our own to these renditions, as in a bucket."""
    originals = house.rows(schema.originals)
    generation = next(row.generation for row in originals if row.name == name)
    values = [
        {
            "generation": generation,
            "variant": variant,
            "key": f"https://cdn.example.com/{name}/{variant}",
            "mime": "image/jpeg",
            "etag": "",
            "size": 0,
            "engine": "2",
            "rendered_at": 2e9,
            "used_at": 2e9,
        }
        for variant in variants
    ]
    house.asked(lambda connection: connection.execute(sa.insert(schema.renditions), values))


@pytest.mark.parametrize("taking", [Taking.COPY, Taking.IN_PLACE])
def test_what_came_since_goes_back(tmp_path: Path, theirs: Published, taking: Taking) -> None:
    """Originals upright and readable, ids used, links; a second run has nothing to do."""
    keys = {"originals_dir": str(theirs.folder)} if taking is Taking.IN_PLACE else {}
    house = House(tmp_path / "new", **KEYS, **keys)
    assert house.move_in(theirs, taking)
    with Process(house.folder, **house.keys) as server:
        server.client.secret = KEYS["secret"]
        server.client.put_in("new", pictures.png())
        server.client.put_in("turned", pictures.jpeg(40, 20, exif=uploads.exif(orientation=6)))
        server.client.token("open")
    link(house, "new", "100x100-qa82-jpeg", "30x30-q40-jpeg", "50x0-qa82-jpeg")
    back = Back(house, theirs)
    assert back(dry_run=True)
    assert back.counts == [(2, 1, 0), (2, 1, 0), (2, 1, 1)]
    assert files(theirs) == ["cat"]
    assert back()
    assert back.counts == [(2, 1, 0), (2, 1, 0), (2, 1, 1)]
    assert back()
    assert back.counts == [(0, 3, 0), (0, 3, 0), (0, 3, 1)]
    assert "no URL for it: 50x0-qa82-jpeg" in house.reason("no URL")
    assert files(theirs) == ["cat", "new", "turned"]
    assert not (theirs.folder / "_export").exists()
    assert pictures.opened((theirs.folder / "turned").read_bytes()).size == (20, 40)
    assert (theirs.folder / "new").stat().st_mode & 0o044 == 0o044
    assert served(theirs, "new", 100, 100) == "https://cdn.example.com/new/100x100-qa82-jpeg"
    assert served(theirs, "cat", 20, 20) == theirs.images[0]["url"]
    used = rows(theirs, "SELECT image_id FROM tokens WHERE used=1 AND uploaded_at IS NOT NULL")
    assert sorted(row.image_id for row in used) == ["cat", "new", "turned"]
    assert house.move_in(theirs, taking)
    assert house.counts("originals") == (0, 3, 0)


def test_a_token_of_before_that_was_used_here_is_used_there(
    tmp_path: Path, theirs: Published
) -> None:
    """Its row is there already, and says that it is open."""
    theirs.token("of-before", "phone")
    theirs.save()
    house = House(tmp_path / "new", **KEYS)
    assert house.move_in(theirs)
    with Process(house.folder, **house.keys) as server:
        assert server.client.upload("phone", pictures.png(), "of-before").status_code == 200
    back = Back(house, theirs)
    assert back()
    assert back.counts[1] == (1, 1, 0)
    (row,) = rows(theirs, "SELECT used, uploaded_at, id FROM tokens WHERE image_id='phone'")
    assert (row.used, row.id) == (1, "of-before")
    assert row.uploaded_at is not None


def test_what_was_replaced_here_is_replaced_there(tmp_path: Path, theirs: Published) -> None:
    """With its links: they show the picture of before."""
    house = House(tmp_path / "new", **KEYS)
    os.utime(theirs.folder / "cat", (1_500_000_000, 1_500_000_000))
    assert house.move_in(theirs)
    with Process(house.folder, **house.keys) as server:
        server.client.secret = KEYS["secret"]
        server.client.put_in("cat", pictures.png(16, 9), overwrite=True)
    back = Back(house, theirs)
    assert back()
    assert back.counts[0] == (1, 0, 0)
    assert pictures.opened((theirs.folder / "cat").read_bytes()).size == (16, 9)
    assert served(theirs, "cat", 20, 20) is None
    assert back()
    assert back.counts[0] == (0, 1, 0)


def test_what_was_deleted_and_uploaded_again_has_no_old_links(
    tmp_path: Path, theirs: Published
) -> None:
    """In place, the old file is gone, and its rows are not."""
    house = House(tmp_path / "new", **KEYS, originals_dir=str(theirs.folder))
    assert house.move_in(theirs)
    with Process(house.folder, **house.keys) as server:
        headers = {"Authorization": "Bearer of-the-admin"}
        assert server.client.delete("/cat", headers=headers).status_code == 204
        server.client.secret = KEYS["secret"]
        server.client.put_in("cat", pictures.png(16, 9))
    assert files(theirs) == []
    back = Back(house, theirs)
    assert back()
    assert pictures.opened((theirs.folder / "cat").read_bytes()).size == (16, 9)
    assert served(theirs, "cat", 20, 20) is None


def test_what_was_deleted_here_is_named_and_deleted_if_wanted(
    tmp_path: Path, theirs: Published
) -> None:
    """A picture that somebody wanted gone must not come back unnoticed."""
    house = House(tmp_path / "new", **KEYS)
    assert house.move_in(theirs)
    with Process(house.folder, **house.keys) as server:
        headers = {"Authorization": "Bearer of-the-admin"}
        assert server.client.delete("/cat", headers=headers).status_code == 204
    back = Back(house, theirs)
    assert not back()
    assert "cat" in house.reason("deleted here")
    assert (theirs.folder / "cat").exists()
    assert back(delete=True)
    assert not (theirs.folder / "cat").exists()
    assert served(theirs, "cat", 20, 20) is None


def test_what_it_may_not_serve_is_named(tmp_path: Path, theirs: Published) -> None:
    """Formats that its ImageMagick may lack, and ids that its routes do not take; what is hidden
    stays here."""
    house = House(tmp_path / "new", **KEYS)
    with Process(house.folder, **house.keys) as server:
        server.client.secret = KEYS["secret"]
        server.client.put_in("a_b", pictures.png())
        server.client.put_in("avif", pictures.encoded(pictures.gradient(8, 8), "AVIF"))
        server.client.put_in("secret", pictures.png(), held=True)
    back = Back(house, theirs)
    assert not back()
    assert "secret" in house.reason("hidden here")
    assert "secret" not in files(theirs)
    assert "note: 1 × Live Image Resize has no URL for such an id: a_b" in house.said
    assert any("reads AVIF only if" in line and line.endswith(": avif") for line in house.said)


def test_links_that_cannot_go_back_are_counted(tmp_path: Path, theirs: Published) -> None:
    """Those to this server's disk end with it; one that is too long has no room in the column."""
    house = House(tmp_path / "new", **KEYS)
    assert house.move_in(theirs)
    with Process(house.folder, **house.keys) as server:
        server.client.get("/cat_7_7.jpg")
        until(lambda: len(house.links()) == 2)
    longer = {"key": f"https://cdn.example.com/{'x' * LONGEST}"}
    imported = schema.renditions.c.variant.like("20x20%")
    house.asked(
        lambda connection: connection.execute(
            sa.update(schema.renditions).where(imported).values(longer)
        )
    )
    back = Back(house, theirs)
    assert back(), "it is rendered again there"
    assert back.counts[2] == (0, 0, 2)
    assert house.reason("no lasting URL").endswith(": cat")
    assert house.reason("longer than 255").endswith(": cat")


def test_an_older_release_is_refused(tmp_path: Path, house: House) -> None:
    """It would lose what tells renditions apart; one start of 2.0 adds the columns."""
    with published.published(tmp_path / "iaas", "2016") as old:
        old.save()
        with pytest.raises(errors.SettingsError, match=r"images\.blur.*tokens\.uploaded_at"):
            Back(house, old)()


@pytest.mark.long
def test_batches_are_of_no_consequence(
    tmp_path: Path, theirs: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures that fill many batches all go back, once."""
    monkeypatch.setattr(moving_out, "_ROWS", 2)
    house = House(tmp_path / "new", **KEYS)
    with Process(house.folder, **house.keys) as server:
        server.client.secret = KEYS["secret"]
        for number in range(5):
            server.client.put_in(f"new-{number}", pictures.png(8, 8, shade=number))
    back = Back(house, theirs)
    assert back()
    assert back.counts[0] == (5, 0, 0)
    assert len(list(theirs.folder.iterdir())) == 6


@pytest.mark.long
def test_a_run_that_is_stopped_goes_on_where_it_was(
    tmp_path: Path, theirs: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written stays, what was begun is begun again, and nothing else is left."""
    house = House(tmp_path / "new", **KEYS)
    with Process(house.folder, **house.keys) as server:
        server.client.secret = KEYS["secret"]
        for number in range(3):
            server.client.put_in(f"new-{number}", pictures.png(8, 8, shade=number))
    place, placed = moving_out._place, list[Path]()

    def full(staged: Path, path: Path, uploaded_at: float) -> None:
        if len(placed) == 1:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        place(staged, path, uploaded_at)
        placed.append(path)

    back = Back(house, theirs)
    with monkeypatch.context() as patch:
        patch.setattr(moving_out, "_place", full)
        with pytest.raises(errors.DiskFull):
            back()
    assert back.counts[0] == (1, 0, 0)
    assert back()
    assert back.counts == [(2, 1, 0), (3, 0, 0), (0, 0, 0)]
    assert files(theirs) == ["cat", "new-0", "new-1", "new-2"]
    assert not (theirs.folder / "_export").exists()


@s3worlds.needs_moto
def test_originals_in_the_bucket_alone_are_fetched(tmp_path: Path, theirs: Published) -> None:
    """The disk of the machine that goes back need not be that of the upload."""
    with s3worlds.World("moto").place() as place:
        bucket = {
            "aws__originals_bucket": place.bucket,
            "aws__endpoint_url": place.server.address,
            "aws__access_key": s3worlds.ACCESS_KEY,
            "aws__secret_key": s3worlds.SECRET_KEY,
            "aws__region": "us-east-1",
            "originals__mirror_strict": True,
        }
        house = House(tmp_path / "new", **KEYS, **bucket)
        with Process(house.folder, **house.keys) as server:
            server.client.secret = KEYS["secret"]
            server.client.put_in("new", pictures.png())
        house.files()["new"].unlink()
        back = Back(house, theirs)
        assert back()
        assert back.counts[0] == (1, 0, 0)
        assert pictures.opened((theirs.folder / "new").read_bytes()).size == (64, 48)
