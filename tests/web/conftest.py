"""Servers that tests share, and names that they do not.

Shared servers end with this package: tests of others count threads and descriptors.
"""

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from . import servers

_NAMES = itertools.count()

Events = list[dict[str, Any]]


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """The server of most tests, with everything set up that an operator may set up."""
    folder = tmp_path_factory.mktemp("server")
    with servers.Running(
        folder,
        secret=servers.SECRET,
        admin__secrets=["another admin", servers.ADMIN],
        freshness=servers.FRESHNESS,
        presets={"card": {"fit": "crop", "quality": "50"}},
        overlays={"card": {"picture": "mark"}},
    ) as running:
        yield running


@pytest.fixture(scope="package")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server as it comes: no secret, no admin, no freshness."""
    with servers.Running(tmp_path_factory.mktemp("bare")) as running:
        yield running


@pytest.fixture
def web(server: servers.Running) -> servers.Client:
    """A client of `server`."""
    return server.client


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"cat-{next(_NAMES)}"


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., servers.Running]]:
    """Starts servers with settings of their own; all on the data of one folder."""
    with contextlib.ExitStack() as stack:

        def start(**keys: object) -> servers.Running:
            return stack.enter_context(servers.Running(tmp_path, **keys))

        yield start


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[..., servers.Process]]:
    """Starts servers as processes; all on the data of one folder."""
    with contextlib.ExitStack() as stack:

        def start(*prefix: str, warnings: str = "error", **keys: object) -> servers.Process:
            process = servers.Process(tmp_path, *prefix, warnings=warnings, **keys)
            return stack.enter_context(process)

        yield start


@pytest.fixture(autouse=True)
def events(caplog: pytest.LogCaptureFixture) -> Iterator[Events]:
    """What servers in this process log; an error that a test does not take out fails it."""
    with structlog.testing.capture_logs() as logged:
        yield logged  # type: ignore[misc]
    assert [each for each in logged if each["log_level"] == "error"] == []
    assert [each for each in caplog.get_records("call") if each.levelno >= logging.ERROR] == []
