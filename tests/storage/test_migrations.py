"""The history of the schema against the schema, and many starters at once."""

import asyncio
import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import preloaded
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from liveresize import errors
from liveresize.storage.index import engines, migrations, schema
from liveresize.storage.index.sql_index import DatabaseIndex

from . import worlds
from .worlds import empty_databases

Databases = Callable[[], contextlib.AbstractContextManager[str]]

ROUNDS = 2
STARTERS = 10

BROKEN = '''"""A revision that fails half-way."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make one table and stumble."""
    op.create_table("halfway", sa.Column("x", sa.Integer()))
    op.execute("SELECT * FROM nowhere")
'''

DEFINITIONS = {
    "sqlite": """
        SELECT name, sql FROM sqlite_master
        WHERE sql IS NOT NULL AND name NOT IN ('alembic_version', 'sqlite_sequence')
        ORDER BY name""",
    "postgresql": """
        SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, collname,
               pg_get_expr(adbin, adrelid)
        FROM pg_class
        JOIN pg_attribute a ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_collation ON pg_collation.oid = attcollation
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic%'
        UNION ALL
        SELECT tablename, indexname, indexdef, NULL, NULL, NULL FROM pg_indexes
        WHERE schemaname = 'public' AND tablename NOT LIKE 'alembic%'
        UNION ALL
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), NULL, NULL, NULL
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE 'alembic%'
        ORDER BY 1, 2, 3""",
}
"""Everything that the database knows about our tables."""


def definitions(connection: sa.Connection) -> list[tuple[Any, ...]]:
    """The tables as the database itself describes them, white space aside."""
    rows = connection.exec_driver_sql(DEFINITIONS[connection.dialect.name])
    return sorted(
        tuple(" ".join(cell.split()) if isinstance(cell, str) else cell for cell in row)
        for row in rows
    )


async def migrated(url: str) -> None:
    """Start once and stop."""
    index = await DatabaseIndex.open(worlds.patient_database(url))
    await index.close()


def normal(rows: list[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """Rows apart from the order in which constraints of one table are written."""
    return {
        tuple(
            ", ".join(sorted(cell.replace(")", "").replace("(", ", ").split(", ")))
            if isinstance(cell, str)
            else cell
            for cell in row
        )
        for row in rows
    }


@empty_databases
def test_the_revisions_make_the_declared_schema(database: Databases) -> None:
    """Down to collations, conditions of indexes and names of constraints."""

    async def made_by(url: str, make: Callable[[str], Any]) -> list[tuple[Any, ...]]:
        await make(url)
        async with worlds.raw(url) as engine:
            return await engine.run(definitions)

    async def declare(url: str) -> None:
        Path(engines.parse_url(url).database or "").parent.mkdir(exist_ok=True)
        async with worlds.raw(url) as engine:
            await engine.run(schema.metadata.create_all)

    with database() as one, database() as other:
        by_revisions = asyncio.run(made_by(one, migrated))
        by_declaration = asyncio.run(made_by(other, declare))
    assert normal(by_revisions) == normal(by_declaration)
    assert by_revisions


@empty_databases
def test_alembic_sees_nothing_left_to_do(database: Databases) -> None:
    """What autogenerate would write is nothing."""

    def difference(connection: sa.Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, schema.metadata))

    async def scenario(url: str) -> None:
        await migrated(url)
        async with worlds.raw(url) as engine:
            assert await engine.run(difference) == []

    with database() as url:
        asyncio.run(scenario(url))


@empty_databases
def test_a_second_start_changes_nothing(database: Databases) -> None:
    """What is stored stays as it is."""

    async def scenario(url: str) -> None:
        await migrated(url)
        index = await DatabaseIndex.open(worlds.patient_database(url))
        stored = await index.rows.adopt(worlds.original())
        await index.close()
        await migrated(url)
        index = await DatabaseIndex.open(worlds.patient_database(url))
        assert await index.rows.find(worlds.CAT) == stored
        await index.close()

    with database() as url:
        asyncio.run(scenario(url))


@pytest.mark.parametrize("alone", [False, True])
@empty_databases
def test_a_revision_that_fails_leaves_no_trace(
    database: Databases, alone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start fails, the database is as it was, or as the transaction before has made it, and
    the next good release starts."""
    package = Path(migrations.__file__).parent
    (tmp_path / "versions").mkdir()
    for file in ("env.py", "versions/r0001_first_tables.py"):
        (tmp_path / file).write_text((package / file).read_text())
    (tmp_path / "versions/r0002_broken.py").write_text(BROKEN + "\nALONE = True\n" * alone)

    async def scenario(url: str) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(migrations, "LOCATION", str(tmp_path))
            with pytest.raises(errors.IndexUnavailable, match="nowhere"):
                await migrated(url)
        async with worlds.raw(url) as engine:
            left = {row[0] for row in await engine.run(definitions)}
        assert (bool(left), "originals" in left, "halfway" in left) == (alone, alone, False)
        await migrated(url)

    with database() as url:
        asyncio.run(scenario(url))


@empty_databases
def test_a_release_runs_on_the_schema_of_its_successor(database: Databases) -> None:
    """A revision that it does not know is no reason to stop."""

    async def scenario(url: str) -> None:
        await migrated(url)
        forward = sa.text("UPDATE alembic_version SET version_num = '9999'")
        async with worlds.raw(url) as engine:
            await engine.run(lambda connection: connection.execute(forward))
        index = await DatabaseIndex.open(worlds.patient_database(url))
        await index.rows.adopt(worlds.original())
        await index.close()

    with database() as url:
        asyncio.run(scenario(url))


@pytest.mark.long
@empty_databases
def test_ten_processes_start_at_once_on_an_empty_database(database: Databases) -> None:
    """All of them come up, time after time, and the schema is there."""
    for _ in range(ROUNDS):
        with database() as url, contextlib.ExitStack() as stack:
            processes = [
                stack.enter_context(
                    preloaded.Command(
                        [url],
                        module="tests.storage.starter",
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE,
                        text=True,
                    )
                )
                for _ in range(STARTERS)
            ]
            for process in processes:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
            for process in processes:
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
            complaints = [process.communicate(timeout=120)[1] for process in processes]
            assert complaints == [""] * STARTERS
            assert [process.returncode for process in processes] == [0] * STARTERS
            asyncio.run(migrated(url))
