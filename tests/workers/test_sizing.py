"""How many slots a machine has room for, from the text of the kernel's files."""

import os
from pathlib import Path

import pytest

from liveresize.workers import sizing

GIB = 2**30


@pytest.mark.parametrize(
    ("cpus", "quota", "memory", "slots"),
    [
        (8, None, None, 8),
        (8, 2.0, None, 2),
        (8, 2.9, None, 2),
        (8, 0.5, None, 1),
        (8, None, 3 * GIB, 3),
        (8, 4.0, GIB // 2, 1),
        (1, 16.0, 64 * GIB, 1),
    ],
)
def test_the_tightest_bound_counts(
    cpus: int, quota: float | None, memory: int | None, slots: int
) -> None:
    """The least of CPUs, quota and memory, and never less than one."""
    assert sizing.fit(cpus, quota, memory, GIB) == slots


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("max 100000\n", None), ("150000 100000\n", 1.5), ("200000\n", 2.0), ("", None)],
)
def test_a_v2_quota_is_a_ratio(text: str, cpus: float | None) -> None:
    """`cpu.max` holds quota and period in microseconds."""
    assert sizing.quota_v2(text) == cpus


@pytest.mark.parametrize(
    ("quota", "period", "cpus"),
    [("-1\n", "100000\n", None), ("50000\n", "100000\n", 0.5), ("1", "0", None), ("", "", None)],
)
def test_a_v1_quota_is_a_ratio(quota: str, period: str, cpus: float | None) -> None:
    """In v1 two files hold the same numbers, and −1 is no bound."""
    assert sizing.quota_v1(quota, period) == cpus


@pytest.mark.parametrize(
    ("text", "limit"),
    [("max\n", None), ("9223372036854771712\n", None), ("536870912\n", 2**29), ("", None)],
)
def test_a_memory_limit_may_be_absent(text: str, limit: int | None) -> None:
    """Both ways of writing "no limit" are understood."""
    assert sizing.memory_limit(text) == limit


def test_meminfo_is_in_kibibytes() -> None:
    """`MemTotal` is the memory of the whole machine."""
    assert sizing.memory_total("MemFree: 1 kB\nMemTotal:   2048 kB\n") == 2 * 2**20
    assert sizing.memory_total("") is None


def test_groups_are_looked_up_to_the_root() -> None:
    """A limit may sit on any ancestor; `""` is the folder that is mounted."""
    groups = "4:memory:/a/b\n3:cpu,cpuacct:/\n0::/x/y\n"
    assert sizing.group_paths(groups, "memory") == ["a/b", "a", ""]
    assert sizing.group_paths(groups, "cpu") == [""]
    assert sizing.group_paths(groups, "") == ["x/y", "x", ""]
    assert sizing.group_paths("", "cpu") == [""]


def put(root: Path, files: dict[str, str]) -> Path:
    """`root` with these files under it."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def four_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may run on four CPUs."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})


@pytest.mark.usefixtures("four_cpus")
@pytest.mark.parametrize(
    ("files", "slots"),
    [
        ({}, 4),
        ({"proc/meminfo": "MemTotal: 2097152 kB\n"}, 2),
        (
            {
                "proc/meminfo": "MemTotal: 67108864 kB\n",
                "proc/self/cgroup": "0::/pod/app\n",
                "sys/fs/cgroup/pod/cpu.max": "300000 100000\n",
                "sys/fs/cgroup/pod/app/cpu.max": "max 100000\n",
            },
            3,
        ),
        (
            {
                "proc/self/cgroup": "0::/\n",
                "sys/fs/cgroup/memory.max": str(GIB),
            },
            1,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/docker/1\n1:cpu,cpuacct:/docker/1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": str(8 * GIB),
            },
            2,
        ),
    ],
    ids=["nothing to read", "memory of the machine", "v2 ancestor", "v2 mounted group", "v1"],
)
def test_the_machine_is_read_as_it_is_mounted(
    tmp_path: Path, files: dict[str, str], slots: int
) -> None:
    """Every layout of the kernel's files leads to the bound that it describes."""
    assert sizing.detect(GIB, put(tmp_path, files)) == slots


def test_this_machine_has_room_for_a_worker() -> None:
    """The real files are read without complaint."""
    assert sizing.detect(2**20) >= 1
