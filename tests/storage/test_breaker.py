"""When the breaker opens, whom it lets through, and how it closes again."""

import asyncio
from collections.abc import Callable

import pytest

from liveresize import errors
from liveresize.storage.breaker import Breaker


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Calls:
    """A breaker on a store that answers or not, as the test says."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.breaker = Breaker(errors.IndexUnavailable, monotonic=self.clock)
        self.made = 0

    def call(
        self,
        outcome: BaseException | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Make one call with this outcome; before that, something else may happen."""
        with self.breaker.guarded():
            self.made += 1
            meanwhile()
            if outcome is not None:
                raise outcome

    def fail(self, times: int) -> None:
        """Make so many calls that the store does not answer."""
        for _ in range(times):
            with pytest.raises(errors.IndexUnavailable):
                self.call(errors.IndexUnavailable())


def test_it_opens_after_three_failures_in_a_row() -> None:
    """From then on nothing reaches the store."""
    calls = Calls()
    calls.fail(3)
    assert not calls.breaker.healthy
    calls.fail(5)
    assert calls.made == 3


def test_an_answer_between_failures_keeps_it_closed() -> None:
    """Refusals are answers too: the store said no."""
    calls = Calls()
    calls.fail(2)
    calls.call()
    calls.fail(2)
    with pytest.raises(errors.IdTaken):
        calls.call(errors.IdTaken())
    calls.fail(2)
    assert calls.breaker.healthy
    assert calls.made == 8


def test_one_probe_a_second_goes_through() -> None:
    """A probe that fails opens it for another second."""
    calls = Calls()
    calls.fail(3)
    calls.clock.now += 1.0
    calls.fail(2)
    assert calls.made == 4
    calls.clock.now += 0.9
    calls.fail(1)
    assert calls.made == 4


def test_a_probe_that_is_answered_closes_it() -> None:
    """It then takes three failures again."""
    calls = Calls()
    calls.fail(3)
    calls.clock.now += 1.0
    calls.call()
    assert calls.breaker.healthy
    calls.fail(2)
    assert calls.breaker.healthy


def test_nobody_else_passes_while_a_probe_is_out() -> None:
    """However long it takes to fail."""
    calls = Calls()
    calls.fail(3)
    calls.clock.now += 1.0

    def wait() -> None:
        calls.clock.now += 60.0
        calls.fail(1)
        assert calls.made == 4

    with pytest.raises(errors.IndexUnavailable):
        calls.call(errors.IndexUnavailable(), wait)
    assert calls.made == 4


def test_a_cancelled_probe_leaves_its_place_to_the_next() -> None:
    """Its caller went away, which says nothing about the store."""
    calls = Calls()
    calls.fail(3)
    calls.clock.now += 1.0
    with pytest.raises(asyncio.CancelledError):
        calls.call(asyncio.CancelledError())
    assert not calls.breaker.healthy
    calls.call()
    assert calls.breaker.healthy


def test_late_failures_do_not_put_the_probe_off() -> None:
    """Calls from before it opened may fail long after."""
    calls = Calls()

    def wait() -> None:
        calls.fail(3)
        calls.clock.now += 1.0

    with pytest.raises(errors.IndexUnavailable):
        calls.call(errors.IndexUnavailable(), wait)
    calls.call()
    assert calls.breaker.healthy
