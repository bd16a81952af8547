"""Processor time of a server with its processes, as the benchmarks count it."""

import subprocess
import sys

from scripts.benchmarks import process

RECYCLING = """
import os, time

def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass

def forked(work):
    if not (pid := os.fork()):
        work()
        os._exit(0)
    os.waitpid(pid, 0)

def pool():
    forked(lambda: burn(0.2))
    forked(lambda: burn(0.2))
    print(flush=True)
    input()

print(flush=True)
input()
forked(pool)
print(flush=True)
input()
"""
"""A server with a pool that replaces its worker, and then is gone as well; waits at each step."""


def test_processor_times_are_read_from_the_stat_of_a_process():
    """As a user, in the kernel, and both of children; the name of a process may be anything."""
    stat = "12 (a) b) S 1 12 12 0 -1 4194304 90 80 7 6 150 25 1000 300 20 0 1 0 5 6 7 8"
    assert process.times_of(stat) == [150, 25, 1000, 300]


def test_what_has_ended_counts():
    """A worker that was replaced, and the pool that it belonged to, once each."""
    command = [sys.executable, "-c", RECYCLING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:

        def seconds():
            server.stdout.readline()
            spent = process.tree_ticks(server.pid) / process.TICKS
            own = process.ticks(server.pid) / process.TICKS
            server.stdin.write(b"\n")
            server.stdin.flush()
            return spent, own

        (before, own), (replaced, _), (ended, own_ended) = seconds(), seconds(), seconds()
    # The kernel rounds the time of each process down to ticks.
    assert 0.36 <= replaced - before <= 0.6
    assert 0 <= ended - replaced <= 0.1
    assert own_ended - own <= 0.1
