"""What the design promises when workers die under load."""

import os
import signal
from collections.abc import Callable

import pytest

from scripts.soaking.crowd import Crowd

from . import servers

pytestmark = pytest.mark.long

Spawn = Callable[..., servers.Process]


def workers(process: servers.Process) -> list[int]:
    """The workers that are alive."""
    started = {line["worker_pid"] for line in process.lines("worker_started")}
    return [pid for pid in process.family if pid in started]


def test_workers_that_die_under_load_are_no_news_to_clients(spawn: Spawn) -> None:
    """Each job is tried again, and the loop answers all the while."""
    process = spawn(workers__slots=2)
    crowd = Crowd()
    with crowd.at(process.url, 0):
        try:
            for kind in (signal.SIGKILL, signal.SIGKILL, signal.SIGSEGV) * 3:
                # A job that is hit twice is given up, and rightly so.
                answered = crowd.statuses.total() + 20
                servers.until(lambda answered=answered: crowd.statuses.total() >= answered)
                victim = servers.until(lambda: workers(process))[0]
                os.kill(victim, kind)
                assert process.client.get("/_live").status_code == 200
                servers.until(lambda victim=victim: victim not in workers(process))
            servers.until(lambda: len(workers(process)) == 2)
        finally:
            process.kill()
    assert set(crowd.statuses) <= {200, 303}
    assert [line for line in process.lines() if line["level"] == "error"] == []
