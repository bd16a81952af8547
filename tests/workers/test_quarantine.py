"""Jobs that crashed twice are refused for a while, by an injected clock."""

import time

import pytest

from liveresize import errors
from liveresize.core.jobs import IntakeJob
from liveresize.workers.quarantine import Quarantine

from . import deeds


class Clock:
    """A clock that a test sets."""

    now = 1_000.0

    def time(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """What the test set."""
        return self.now


def test_a_job_is_refused_until_its_time_is_over() -> None:
    """Only this variant of this path is refused, and only for the set time."""
    clock = Clock()
    quarantine = Quarantine(60.0, clock)
    assert isinstance(quarantine.add(deeds.job("a")), errors.Quarantined)
    with pytest.raises(errors.Quarantined):
        quarantine.check(deeds.job("a"))
    quarantine.check(deeds.job("a", width=9))
    quarantine.check(deeds.job("b"))
    quarantine.check(deeds.probe("a"))
    clock.now += 59.9
    with pytest.raises(errors.Quarantined):
        quarantine.check(deeds.job("a"))
    clock.now += 0.1
    quarantine.check(deeds.job("a"))
    assert len(quarantine) == 0


def test_a_second_crash_starts_the_time_again() -> None:
    """Entries end in the order of their last crash."""
    clock = Clock()
    quarantine = Quarantine(60.0, clock)
    quarantine.add(deeds.job("a"))
    clock.now += 30
    quarantine.add(deeds.job("b"))
    quarantine.add(deeds.job("a"))
    clock.now += 45
    assert len(quarantine) == 2
    clock.now += 15
    assert len(quarantine) == 0


def test_a_probe_is_refused_by_its_path() -> None:
    """A probe has no variant, so its path alone is kept."""
    quarantine = Quarantine(60.0, Clock())
    quarantine.add(deeds.probe("a"))
    with pytest.raises(errors.Quarantined):
        quarantine.check(deeds.probe("a"))
    quarantine.check(deeds.job("a"))


def test_an_upload_is_unreadable_instead() -> None:
    """An upload's path is never seen again, so keeping it would be of no use."""
    quarantine = Quarantine(60.0, Clock())
    upload = IntakeJob(source="body", target="original")
    assert isinstance(quarantine.add(upload), errors.UnreadableImage)
    quarantine.check(upload)
    assert len(quarantine) == 0


def test_what_was_ever_refused_is_counted() -> None:
    """Also when its time is over; an upload, which is not refused again, is not."""
    clock = Clock()
    quarantine = Quarantine(60.0, clock)
    quarantine.add(deeds.job("a"))
    quarantine.add(deeds.job("b"))
    quarantine.add(IntakeJob(source="c", target="d"))
    clock.now += 60.0
    assert (len(quarantine), quarantine.added) == (0, 2)
