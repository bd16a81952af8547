"""Servers for clients of the published services, and names that no other test uses."""

import itertools
from collections.abc import Iterator

import pytest
from web import servers

_NAMES = itertools.count()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server with nothing of the published services configured."""
    with servers.Running(tmp_path_factory.mktemp("strict"), secret=servers.SECRET) as running:
        yield running


@pytest.fixture
def web(server: servers.Running) -> servers.Client:
    """A client of `server`."""
    return server.client


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"pic-{next(_NAMES)}"
