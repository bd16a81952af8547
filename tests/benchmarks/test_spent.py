"""What the parts of a server have spent, as `scripts/bench cold` counts it."""

import subprocess
import sys

import pytest

from scripts.benchmarks import spent

NAMED_THREADS = """
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

def comm():
    # Its name is written by the thread that starts it, which may be a moment later.
    while (name := Path("/proc/thread-self/comm").read_text().strip()).startswith("python"):
        pass
    return name

class Feeder(threading.Thread):
    def run(self):
        print(comm())

print(ThreadPoolExecutor(1, "sqlite").submit(comm).result())
feeder = Feeder()
feeder.start()
feeder.join()
"""


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("sqlite_0", "database threads"),
        ("asyncio_3", "file threads"),
        ("uvloop_0", "file threads"),
        ("_ExecutorManage", "executor threads"),
        ("QueueFeederThre", "executor threads"),
        ("liveresize-log", "log"),
        ("python", "other"),
    ],
)
def test_a_thread_is_counted_by_its_name(name, group):
    """Names as the kernel keeps them, 15 characters at most."""
    assert spent.group_of(name) == group


def test_a_server_that_is_watched_shows_the_names_of_its_threads():
    """Python before 3.14 does not tell the kernel; a thread without a name shows its class."""
    found = subprocess.run(
        [sys.executable, "-c", NAMED_THREADS],
        env={"PYTHONPATH": str(spent.NAMED)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert found.stdout.split() == ["sqlite_0", "Feeder"]


def test_context_switches_are_read_from_the_status_of_a_thread():
    """Both kinds, whatever else stands there."""
    status = (
        "Name:\tpython\nCpus_allowed:\t3\n"
        "voluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t5\n"
    )
    assert spent.switches_of(status) == {spent.VOLUNTARY: 12, spent.INVOLUNTARY: 5}


def test_what_was_spent_is_told_for_each_render():
    """Between two looks, divided by the renders."""
    before = dict.fromkeys((*spent.MAIN, spent.WORKERS, spent.VOLUNTARY, spent.INVOLUNTARY), 100.0)
    after = before | {spent.EVENT_LOOP: 140.0, "log": 110.0, spent.WORKERS: 300.0}
    after |= {spent.VOLUNTARY: 700.0, spent.INVOLUNTARY: 200.0}
    (_, main), (_, workers), (_, switches) = spent.rows(before, after, 10)
    assert main.startswith("5.00: event loop 4.00, database threads 0.00")
    assert "log 1.00" in main
    assert workers == "20.00"
    assert switches == "60.0 voluntary, 10.0 involuntary"
