"""Where the tests of moving in take place."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from storage import worlds

from iaas import published, scenes


@pytest.fixture
def old(tmp_path: Path) -> Iterator[published.Published]:
    """An installation of the last release of Live Image Resize before PostgreSQL."""
    with published.published(tmp_path / "iaas", "2015") as installation:
        yield installation


@pytest.fixture
def house(tmp_path: Path) -> scenes.House:
    """An installation of ours on SQLite, with nothing in it."""
    return scenes.House(tmp_path / "new")


@pytest.fixture(
    params=[
        pytest.param("sqlite", id="to-sqlite"),
        pytest.param("postgresql", id="to-postgresql", marks=worlds.needs_postgresql),
    ]
)
def any_house(request: Any, tmp_path: Path) -> Iterator[scenes.House]:
    """One on each database."""
    if request.param == "sqlite":
        yield scenes.House(tmp_path / "new")
        return
    with worlds.postgresql_url() as url:
        yield scenes.House(tmp_path / "new", postgresql__url=url)
