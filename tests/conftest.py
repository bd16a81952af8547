"""What holds for all tests."""

from collections.abc import Iterator
from typing import Any

import preloaded
import pytest
import structlog
import tiers
from xdist.scheduler import LoadFileScheduling

preloaded.share_loader()


_TOGETHER = ("tests/browser/", "tests/corpus/")
"""Folders whose tests run in one process: they share a browser, or a server that has the corpus."""


class _Folders(LoadFileScheduling):
    """Give a process whole files, or whole folders.

    Marks of xdist would do, but xdist 3.8 writes them into ids that pytest 9 does not read.
    """

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return next((folder for folder in _TOGETHER if file.startswith(folder)), file)


def pytest_configure(config: pytest.Config) -> None:
    tiers.choose_examples(config.option.markexpr)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Folders | None:
    return _Folders(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let files that have long tests begin, else the last of them would run alone.

    Those with few come first: their tests start servers and wait for them to die.
    """
    long: dict[str, int] = {}
    for item in items:
        if item.get_closest_marker("long") is not None:
            file = item.nodeid.partition("::")[0]
            long[file] = long.get(file, 0) + 1

    def turn(item: pytest.Item) -> tuple[bool, int]:
        own = long.get(item.nodeid.partition("::")[0], 0)
        return not own, own > 20

    items.sort(key=turn)


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Fail a test that leaves the log set up in its own way: a later test would miss lines."""
    before = structlog.get_config()
    yield
    assert structlog.get_config() == before
