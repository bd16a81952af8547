"""How versions of the engine compare."""

import itertools

import pytest

from liveresize.storage.index import versions

ASCENDING = ["", "0.1", "0.9", "0.10", "1", "1.0.1", "1.2rc1", "2", "9.9.9", "10", "10.1"]


@pytest.mark.parametrize(("older", "newer"), list(itertools.pairwise(ASCENDING)))
def test_versions_compare_as_numbers(older: str, newer: str) -> None:
    """Part by part, and not letter by letter."""
    assert versions.parse(older) < versions.parse(newer)


@pytest.mark.parametrize(("one", "other"), [("1", "1.0.0"), ("10.1", "10.01"), ("", "0")])
def test_zeros_make_no_difference(one: str, other: str) -> None:
    """Neither at the end nor in front of a part."""
    assert versions.parse(one) == versions.parse(other)
