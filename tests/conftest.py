"""What holds for all tests."""

import preloaded
import pytest

preloaded.share_loader()


_TOGETHER = ("tests/browser/", "tests/corpus/")
"""Folders whose tests run in one process: they share a browser, or a server that has the corpus."""


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Give a process whole files, or whole folders."""
    file = item.nodeid.partition("::")[0]
    group = next((folder for folder in _TOGETHER if file.startswith(folder)), file)
    item.add_marker(pytest.mark.xdist_group(group.strip("/").replace("/", ".")))


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
