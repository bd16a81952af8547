"""Which rows of a table of cases the quick tests run, and how long they look for examples."""

from collections.abc import Iterable
from typing import Any

import hypothesis
import pytest

_EXAMPLES = 20
"""What Hypothesis tries of each rule among the quick tests; it is 100 among all."""


def rows(names: Iterable[str], *quick: str) -> list[Any]:
    """All `names` as parameters, of which those that are not `quick` are long."""
    every = list(names)
    assert set(quick) <= set(every)
    return [name if name in quick else pytest.param(name, marks=pytest.mark.long) for name in every]


def examples(most: int) -> int:
    """At most so many examples, where a rule takes more time than others."""
    return min(most, hypothesis.settings().max_examples)


def choose_examples(selection: str) -> None:
    """Try few examples where `selection`, the marks that run, leaves out what is long."""
    hypothesis.settings.register_profile("quick", max_examples=_EXAMPLES)
    if selection == "not long":
        hypothesis.settings.load_profile("quick")
