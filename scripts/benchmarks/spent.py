"""What the parts of a server have spent so far: processor time, and context switches."""

import contextlib
from pathlib import Path

from scripts.benchmarks import process, report

NAMED = process.ROOT / "scripts" / "benchmarks" / "tools" / "named_threads"
"""The folder that gives threads the names below; the PYTHONPATH of a server that is watched."""

EVENT_LOOP, OTHER, WORKERS = "event loop", "other", "workers"

GROUPS = {
    "database threads": ("sqlite",),
    "file threads": ("asyncio", "uvloop"),  # the executor of the event loop
    "executor threads": ("_ExecutorManage", "QueueFeeder"),
    "log": ("liveresize-",),
}
"""How the names of the threads of a group begin; the kernel keeps 15 characters."""

MAIN = (EVENT_LOOP, *GROUPS, OTHER)
"""The parts of the main process."""

TICK_MS = 1000 / process.TICKS

VOLUNTARY, INVOLUNTARY = "voluntary", "involuntary"

Spent = dict[str, float]
"""ms of processor time by part, and context switches of the main process by kind."""


def by(server: process.Running) -> Spent:
    """What `server` has spent since its start."""
    pid = server.process.pid
    spent = dict.fromkeys((*MAIN, VOLUNTARY, INVOLUNTARY), 0.0)
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread may end meanwhile
            name = (task / "comm").read_text().strip()
            group = EVENT_LOOP if task.name == str(pid) else group_of(name)
            # Nanoseconds, where `stat` has ticks of 10 ms, more than most threads take.
            spent[group] += int((task / "schedstat").read_text().split()[0]) / 1e6
            for kind, count in switches_of((task / "status").read_text()).items():
                spent[kind] += count
    main = process.ticks(pid)
    # Of threads that have ended only the process tells.
    spent[OTHER] += max(0.0, main * TICK_MS - sum(spent[part] for part in MAIN))
    return spent | {WORKERS: (server.ticks() - main) * TICK_MS}


def group_of(name: str) -> str:
    """The group of a thread by its name."""
    return next((group for group, starts in GROUPS.items() if name.startswith(starts)), OTHER)


def switches_of(status: str) -> dict[str, int]:
    """The context switches of a thread by kind, from its `status` in /proc."""
    lines = dict(line.split(":", 1) for line in status.splitlines())
    kinds = {VOLUNTARY: "voluntary_ctxt_switches", INVOLUNTARY: "nonvoluntary_ctxt_switches"}
    return {kind: int(lines[key]) for kind, key in kinds.items()}


def rows(before: Spent, after: Spent, renders: int) -> list[report.Row]:
    """What was spent for each of so many renders."""
    each = {part: max(0.0, after[part] - before[part]) / max(1, renders) for part in after}
    main = sum(each[part] for part in MAIN)
    parts = ", ".join(f"{part} {each[part]:.2f}" for part in MAIN)
    return [
        ("processor time of the main process, ms a render", f"{main:.2f}: {parts}"),
        ("processor time of the workers, ms a render", f"{each[WORKERS]:.2f}"),
        (
            "context switches of the main process, a render",
            f"{each[VOLUNTARY]:.1f} voluntary, {each[INVOLUNTARY]:.1f} involuntary",
        ),
    ]
