"""Restores from backups of different moments, with real servers on both databases."""

import asyncio
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from storage import worlds
from storage.worlds import databases
from web import pictures, servers

from liveresize.app import maintenance
from liveresize.maintenance.reconcile.findings import Report
from liveresize.maintenance.reconcile.parts import Options, OrphanPolicy
from liveresize.storage.index import schema

from .scenes import Database

BEARER = {"Authorization": f"Bearer {servers.ADMIN}"}
KEYS: dict[str, Any] = {
    "secret": servers.SECRET,
    "admin__secrets": [servers.ADMIN],
    "cache__link_ttl": 0,
}
NAMES = ("kept", "replaced", "deleted", "fresh")
ADOPT = Options(repair=True, strays=OrphanPolicy.ADOPT, this_is_all=True, grace=0)

Rows = dict[str, list[dict[str, Any]]]


def dump(url: str) -> Rows:
    """A backup of the database: every row of every table."""

    def read(connection: sa.Connection) -> Rows:
        return {
            table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in schema.metadata.sorted_tables
        }

    async def main() -> Rows:
        async with worlds.raw(url) as engine:
            return await engine.run(read)

    return asyncio.run(main())


def restore(url: str, rows: Rows) -> None:
    """Put a backup of the database back."""

    def write(connection: sa.Connection) -> None:
        tables = schema.metadata.sorted_tables
        for table in reversed(tables):
            connection.execute(sa.delete(table))
        for table in tables:
            if rows[table.name]:
                connection.execute(sa.insert(table), rows[table.name])

    async def main() -> None:
        async with worlds.raw(url) as engine:
            await engine.run(write)

    asyncio.run(main())


class House:
    """An installation whose backups of database and disk are of different moments."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        path = url.removeprefix("sqlite:///")
        place = {"database__path": path} if path != url else {"postgresql__url": url}
        self.keys = {**KEYS, **place}
        self.bytes: dict[str, bytes] = {}

    def serve(self) -> servers.Running:
        """A server on it."""
        return servers.Running(self.folder, **self.keys)

    def put_in(self, web: servers.Client, name: str, shade: int, **fields: object) -> None:
        """Upload a picture of that shade."""
        self.bytes[f"{name} {shade}"] = data = pictures.jpeg(shade=shade)
        web.put_in(name, data, **fields)

    def before(self) -> None:
        """What both backups would have."""
        with self.serve() as running:
            for shade, name in enumerate(NAMES[:3]):
                self.put_in(running.client, name, shade)
                running.client.get(f"/{name}_20_0.jpg")
            running.published()

    def after(self) -> None:
        """What happens between the backups."""
        with self.serve() as running:
            web = running.client
            self.put_in(web, "replaced", 100, overwrite=True)
            self.put_in(web, "fresh", 101)
            assert web.delete("/deleted", headers=BEARER).status_code == 204
            for name in ("kept", "replaced", "fresh"):
                web.get(f"/{name}_20_0.jpg")
                web.get(f"/{name}_30_0.jpg")
            running.published()

    def reconcile(self, running: servers.Running | None = None, **changes: Any) -> Report:
        """Reconcile it, in the thread of the test, whatever a server does meanwhile."""
        settings = running.settings if running else self.settings
        report = Report()
        asyncio.run(maintenance.reconcile(settings, ADOPT, report))
        return report

    @property
    def settings(self) -> Any:
        """Its settings, without a server."""
        from liveresize import config as settings

        return settings.load(servers.environ(self.folder, **self.keys), directory=self.folder)

    def shown(self, web: servers.Client) -> dict[str, bytes | None]:
        """The original of each name; None where it is 404. Fails for any other answer, also
        of its renditions, wherever their redirects lead."""
        shown: dict[str, bytes | None] = {}
        for name in NAMES:
            answer = web.get(f"/{name}")
            assert answer.status_code in (200, 404), answer.text
            shown[name] = answer.content if answer.status_code == 200 else None
            for width in (20, 30, 40):
                rendition = web.get(f"/{name}_{width}_0.jpg", follow_redirects=True)
                assert rendition.status_code == answer.status_code, rendition.text
        return shown


class Onlooker:
    """Asks for a picture and a rendition again and again; whatever is no 200 is kept."""

    def __init__(self, running: servers.Running, name: str) -> None:
        self._url, self._name = running.url, name
        self._over = threading.Event()
        self.asked = 0
        self.refused: list[str] = []
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        with servers.Client(self._url) as web:
            while not self._over.is_set():
                for path in (f"/{self._name}", f"/{self._name}_20_0.jpg"):
                    answer = web.get(path, follow_redirects=True)
                    self.asked += 1
                    if answer.status_code != 200:
                        self.refused.append(f"{path}: {answer.status_code} {answer.text}")

    def __enter__(self) -> "Onlooker":
        self._thread.start()
        servers.until(lambda: self.asked)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


@databases
@pytest.mark.long
def test_an_older_database_is_brought_up_to_its_disk(database: Database, tmp_path: Path) -> None:
    """What was uploaded or replaced since is there; what was deleted is not; servers go on."""
    with database() as url:
        house = House(tmp_path, url)
        house.before()
        backup = dump(url)
        house.after()
        restore(url, backup)
        with house.serve() as running, Onlooker(running, "kept") as onlooker:
            report = house.reconcile(running)
            counts = {kind.value: tally.found for kind, tally in report.tallies.items()}
            assert (counts["unrecorded"], counts["lost"]) == (2, 2)
            assert report.left == 0
            assert house.shown(running.client) == {
                "kept": house.bytes["kept 0"],
                "replaced": house.bytes["replaced 100"],
                "deleted": None,
                "fresh": house.bytes["fresh 101"],
            }
            running.published()
            assert house.reconcile(running).tallies == {}
        assert onlooker.refused == []
        assert onlooker.asked > 2


@databases
@pytest.mark.long
def test_an_older_disk_shows_what_it_has(database: Database, tmp_path: Path) -> None:
    """An older version rather than none; what was deleted stays so; the rest is 404."""
    with database() as url:
        house = House(tmp_path, url)
        house.before()
        data, backup = tmp_path / "data", tmp_path / "backup"
        for folder in ("originals", "renditions"):
            shutil.copytree(data / folder, backup / folder)
        house.after()
        for folder in ("originals", "renditions"):
            shutil.rmtree(data / folder)
            shutil.copytree(backup / folder, data / folder)
        report = house.reconcile()
        assert report.left == 0
        expected = {
            "kept": house.bytes["kept 0"],
            "replaced": house.bytes["replaced 1"],
            "deleted": None,
            "fresh": None,
        }
        for _ in range(2):  # the second start hears of what the first one did
            with house.serve() as running:
                assert house.shown(running.client) == expected
                running.published()
                assert house.reconcile(running).tallies == {}
