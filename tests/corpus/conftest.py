"""The one server of these tests: a process as an operator starts it."""

from collections.abc import Iterator

import pytest
from web import servers

from .visits import House

MOST_MEMORY = 512 << 20
"""Bytes that no worker may ever have had."""


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server with two workers; when all is done, what it has used and logged is checked.

    Whatever a library prints about a picture is a line of JSON too, or `lines` fails.
    """
    folder = tmp_path_factory.mktemp("corpus")
    with servers.Process(folder, workers__slots=2, log__output="stdout") as process:
        house = House(process)
        yield house
        house.watch()
        assert max(house.peaks.values()) <= MOST_MEMORY, house.peaks
        assert process.lines("worker_died") == []
        assert [line for line in process.lines() if line["level"] == "error"] == []
