"""Starts workers by the method given; prints ms to the first and to the next, and MB of one.

It runs in the environment of the project, in a process of its own, as the method of
starting is a matter of the whole process.
"""

import concurrent.futures
import importlib
import multiprocessing
import os
import statistics
import sys
import time

from scripts.benchmarks import process

ROUNDS = 5
ENGINE = "liveresize.imaging"


def ready() -> int:
    """Load the engine, as a worker does, and say who answers."""
    importlib.import_module(ENGINE)
    return os.getpid()


def started(method: str) -> tuple[float, int]:
    """How many ms until a fresh worker has answered, and its memory in KiB."""
    context = multiprocessing.get_context(method)
    begun = time.perf_counter()
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        pid = pool.submit(ready).result()
        ms = (time.perf_counter() - begun) * 1000
        return ms, process.pss_kib(pid)


if __name__ == "__main__":
    chosen = sys.argv[1]
    if chosen == "forkserver":
        multiprocessing.set_forkserver_preload([ENGINE])
    first, _ = started(chosen)
    found = [started(chosen) for _ in range(ROUNDS)]
    later = statistics.median([ms for ms, _ in found])
    print(first, later, round(found[-1][1] / 1024))
