"""An installation of ours that others move into, and what it knows afterwards."""

import asyncio
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import preloaded
import sqlalchemy as sa
from sqlalchemy import exc
from storage import worlds
from web.servers import ROOT, environ

from liveresize import config
from liveresize.app import container, iaas
from liveresize.compat.iaas.originals import Taking
from liveresize.storage.index import schema

from .published import Published

T = TypeVar("T")


class House:
    """Our installation: its settings, its folder, its index."""

    def __init__(self, folder: Path, **keys: object) -> None:
        folder.mkdir()
        self.folder = folder
        self.keys = keys
        self.settings = config.load(environ(folder, **keys), directory=folder)
        self.said: list[str] = []

    @property
    def originals(self) -> Path:
        """Where its originals lie."""
        return Path(self.settings.originals_dir or self.folder / "data" / "originals")

    def move_in(self, old: Published, taking: Taking | None = None, **more: Any) -> bool:
        """Move in; whether every original came. What was said is in `said`."""
        self.said = []
        asked = iaas.ImportRequest(url=old.url, directory=old.folder, taking=taking, **more)
        return asyncio.run(iaas.import_iaas(self.settings, asked, self.said.append))

    def counts(self, what: str) -> tuple[int, int, int]:
        """(taken, already there, left out) of `originals`, `links` or `tokens`, as said."""
        (line,) = [line for line in self.said if line.startswith(f"{what}:")]
        taken, present, missing = map(int, re.findall(r"\d+", line))
        return taken, present, missing

    def reason(self, words: str) -> str:
        """The line that tells of what was left out for a reason with these words in it."""
        (line,) = [line for line in self.said if line.startswith("  ") and words in line]
        return line

    def asked(self, question: Callable[[sa.Connection], T]) -> T:
        """What its index answers."""

        async def ask() -> T:
            async with worlds.raw(container.database_url(self.settings)) as engine:
                return await engine.run(question)

        return asyncio.run(ask())

    def count(self, table: sa.Table) -> int:
        """How many rows a table of the index has, without disturbing whoever writes to it."""

        async def ask() -> int:
            async with worlds.raw(container.database_url(self.settings)) as engine:
                return await engine.run(counted, reading=True)

        def counted(connection: sa.Connection) -> int:
            found = connection.execute(sa.select(sa.func.count()).select_from(table))
            return found.scalar_one()

        try:
            return asyncio.run(ask())
        except exc.DBAPIError:  # it is being made
            return 0

    def rows(self, table: sa.Table) -> list[sa.Row[Any]]:
        """Everything in one table of the index."""
        return self.asked(lambda connection: list(connection.execute(sa.select(table))))

    def links(self) -> dict[tuple[str, str], sa.Row[Any]]:
        """The links of the index by name and variant."""
        joined = schema.renditions.join(schema.originals)
        select = sa.select(schema.originals.c.name, schema.renditions).select_from(joined)
        found = self.asked(lambda connection: list(connection.execute(select)))
        return {(row.name, row.variant): row for row in found}

    def files(self) -> dict[str, Path]:
        """Every file of an original in its own layout, by name."""
        paths = [path for path in (self.originals / "_main").rglob("*") if path.is_file()]
        return {path.name.rpartition("~")[0]: path for path in paths}

    def command(self, *arguments: str, **changes: str) -> "subprocess.Popen[str]":
        """`liveresize import iaas` as an operator runs it."""
        return preloaded.Command(
            ["import", "iaas", *arguments],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "NODE_CONFIG_DIR": str(self.folder),
                **environ(self.folder, **self.keys),
                **changes,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
