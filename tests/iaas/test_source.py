"""Reading the databases that Live Image Resize has left behind."""

import asyncio
import datetime
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from iaas.published import AGES, BEFORE, RENDERED, every_age, published
from liveresize import errors
from liveresize.compat.iaas.source import ImageRow, Shape, Source, TokenRow, instant, sqlite_url

T = TypeVar("T")


def asked(url: str, question: Callable[[Source], Awaitable[T]]) -> T:
    """What the source at `url` answers."""

    async def ask() -> T:
        source = await Source.open(url)
        try:
            return await question(source)
        finally:
            await source.close()

    return asyncio.run(ask())


async def all_rows(source: Source, size: int = 3) -> list[ImageRow]:
    """Every row, read in batches of about `size`."""
    return [row async for batch in source.rows(size) for row in batch]


async def all_tokens(source: Source) -> list[TokenRow]:
    """Every unused token, read two at a time."""
    return [token async for batch in source.tokens(2) for token in batch]


@every_age
def test_rows_are_read_as_far_as_their_release_wrote_them(tmp_path: Path, age: str) -> None:
    """A column that the release did not have is None."""
    with published(tmp_path / "iaas", age) as old:
        old.link("cat", 10, 20, fit="crop", file_type="image/png", url="u", blur=True, quality=80)
        old.save()
        (row,) = asked(old.url, all_rows)
        assert asked(old.url, Source.count) == 1
    has = AGES[age].images
    blur, quality = True if "blur" in has else None, 80 if "quality" in has else None
    rendered = RENDERED.timestamp() if "rendered_at" in has else None
    assert row == ImageRow("cat", Shape(10, 20, "crop", "image/png", blur, quality), "u", rendered)


@every_age
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_every_row_is_read_once_whatever_the_batch(tmp_path: Path, age: str, size: int) -> None:
    """Ids with more rows than a batch holds, and odd ids, change nothing."""
    with published(tmp_path / "iaas", age) as old:
        for name in ("a", "A b", "Ã©", "кот", "z%_'\"", "b" * 255):
            for x in range(1, 6):
                old.link(name, x, url=f"{x}")
        old.save()

        async def read(source: Source) -> list[list[ImageRow]]:
            return [batch async for batch in source.rows(size)]

        batches = asked(old.url, read)
    found = [(row.id, row.shape.x) for batch in batches for row in batch]
    assert sorted(found) == sorted((row["id"], row["x"]) for row in old.images)
    ids = [{row.id for row in batch} for batch in batches]
    assert sum(map(len, ids)) == 6, "an id is in one batch alone"


@every_age
def test_unused_tokens_come_with_what_is_left_of_their_life(tmp_path: Path, age: str) -> None:
    """By the clock of their own database; used ones do not come at all."""
    with published(tmp_path / "iaas", age) as old:
        for number in range(5):
            old.token(f"live-{number}", f"cat {number}")
        old.token("late", "dog", valid_until=BEFORE)
        old.token("used", "cow", used=1)
        old.save()
        tokens = asked(old.url, all_tokens)
    assert sorted(token.image_id for token in tokens) == [*(f"cat {n}" for n in range(5)), "dog"]
    for token in tokens:
        if token.token == "late":
            assert token.remaining < 0
        else:
            assert 0 < token.remaining <= 3600


@every_age
def test_times_of_uploads_are_known_since_2019(tmp_path: Path, age: str) -> None:
    """1970 is what the service wrote where it did not know."""
    with published(tmp_path / "iaas", age) as old:
        old.token("1", "cat", used=1, uploaded_at=RENDERED)
        old.token("2", "dog", used=1, uploaded_at=datetime.datetime.fromtimestamp(0, datetime.UTC))
        old.token("3", "cow")
        old.save()
        times = asked(old.url, lambda source: source.uploaded_at(["cat", "dog", "cow", "none"]))
    assert times == ({"cat": RENDERED.timestamp()} if age == "2019" else {})


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    """The sentence names what is missing."""
    file = tmp_path / "other.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE images (id TEXT, path TEXT)")
    connection.close()
    with pytest.raises(errors.SettingsError, match="file_type, url, x, y"):
        asked(sqlite_url(file), Source.count)


def test_without_tokens_there_are_none(tmp_path: Path) -> None:
    """A table that is missing, or is another's, holds no token."""
    file = tmp_path / "half.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE images (id TEXT, x INT, y INT, file_type TEXT, url TEXT)")
    connection.close()
    assert asked(sqlite_url(file), all_tokens) == []
    assert asked(sqlite_url(file), lambda source: source.uploaded_at(["cat"])) == {}


def test_a_database_that_is_away_is_named(tmp_path: Path) -> None:
    """It is not taken for our own; the password is in no sentence."""
    url = "postgresql://iaas:open-sesame@127.0.0.1:1/iaas"
    with pytest.raises(errors.IndexUnavailable, match="of Live Image Resize") as raised:
        asked(url, Source.count)
    assert "open-sesame" not in str(raised.value.args)
    with pytest.raises(errors.IndexUnavailable):
        asked(sqlite_url(tmp_path / "none.sqlite"), Source.count)
    assert not (tmp_path / "none.sqlite").exists()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (datetime.datetime(1970, 1, 2, tzinfo=datetime.UTC), 86400.0),
        (datetime.datetime(1970, 1, 2), 86400.0),  # noqa: DTZ001 (as SQLite has it)
        ("1970-01-02 00:00:01", 86401.0),
        ("1970-01-02T00:00:00+01:00", 82800.0),
        ("yesterday", None),
        (None, None),
        (12, None),
    ],
)
def test_times_are_read_as_either_database_has_them(value: object, seconds: float | None) -> None:
    """What is no time is unknown."""
    assert instant(value) == seconds
