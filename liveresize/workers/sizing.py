"""How many workers a machine or container has room for."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_UNLIMITED_V1 = 2**60
"""cgroup v1 writes "no limit" as the largest page-aligned int64, far above this."""


def fit(cpus: int, quota: float | None, memory: int | None, per_worker: int) -> int:
    """The slots for so many CPUs, a quota in CPUs and memory in bytes; at least 1."""
    bounds = [cpus]
    if quota is not None:
        bounds.append(int(quota))
    if memory is not None:
        bounds.append(memory // per_worker)
    return max(1, min(bounds))


def detect(per_worker: int, root: Path = Path("/")) -> int:
    """The slots for this process, with workers of `per_worker` bytes each.

    `root` is where `proc` and `sys` are looked for. What cannot be read sets no bound.
    """
    groups = _read(root / "proc/self/cgroup")
    quotas = _quotas(root / "sys/fs/cgroup", groups)
    return fit(
        len(os.sched_getaffinity(0)),
        min(quotas, default=None),
        memory(root),
        per_worker,
    )


def memory(root: Path = Path("/")) -> int | None:
    """Bytes that this process may have: the least of the machine's and its groups' limits.

    `root` is where `proc` and `sys` are looked for; None where nothing sets a bound.
    """
    limits = list(_memory_limits(root / "sys/fs/cgroup", _read(root / "proc/self/cgroup")))
    total = memory_total(_read(root / "proc/meminfo"))
    return min(limits if total is None else [*limits, total], default=None)


def quota_v2(cpu_max: str) -> float | None:
    """CPUs by `cpu.max`: `"150000 100000"` is 1.5, `"max 100000"` no bound."""
    quota, _, period = cpu_max.strip().partition(" ")
    return _ratio(quota, period or "100000")


def quota_v1(quota_us: str, period_us: str) -> float | None:
    """CPUs by `cpu.cfs_quota_us` and `cpu.cfs_period_us`; a quota of −1 is no bound."""
    return _ratio(quota_us.strip(), period_us.strip())


def memory_limit(text: str) -> int | None:
    """Bytes by `memory.max` or `memory.limit_in_bytes`; None is no bound."""
    text = text.strip()
    if not text.isdecimal() or int(text) >= _UNLIMITED_V1:
        return None
    return int(text)


def memory_total(meminfo: str) -> int | None:
    """Bytes of memory in the machine by `/proc/meminfo`."""
    for line in meminfo.splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal":
            return int(value.split()[0]) * 1024
    return None


def group_paths(groups: str, controller: str) -> list[str]:
    """The group of a controller by `/proc/self/cgroup`, then its ancestors up to "".

    The controller of v2 is `""`. A limit of any ancestor holds too; in a container the
    group named there is often not visible, and the last, "", is what is mounted.
    """
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            own = PurePosixPath(path.lstrip("/"))
            return [str(group) for group in (own, *own.parents) if str(group) != "."] + [""]
    return [""]


def _quotas(mount: Path, groups: str) -> Iterator[float]:
    for group in group_paths(groups, ""):
        quota = quota_v2(_read(mount / group / "cpu.max"))
        if quota is not None:
            yield quota
    for group in group_paths(groups, "cpu"):
        folder = mount / "cpu" / group
        quota = quota_v1(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))
        if quota is not None:
            yield quota


def _memory_limits(mount: Path, groups: str) -> Iterator[int]:
    files = [mount / group / "memory.max" for group in group_paths(groups, "")]
    files += [
        mount / "memory" / group / "memory.limit_in_bytes"
        for group in group_paths(groups, "memory")
    ]
    for file in files:
        limit = memory_limit(_read(file))
        if limit is not None:
            yield limit


def _ratio(quota: str, period: str) -> float | None:
    """Quota ÷ period, where both are positive decimal numbers."""
    if not (quota.isdecimal() and period.isdecimal() and int(period)):
        return None
    return int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
