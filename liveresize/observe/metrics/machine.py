"""What the system knows: the disk, and the processes of the workers. All of it blocks."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import Metric

from liveresize.observe.metrics.exposition import gauge

_PAGE = os.sysconf("SC_PAGE_SIZE")


def disk(folder: Path) -> list[Metric]:
    """Room on the file system of `folder`, of which we may have what is not reserved to
    root; nothing where the folder cannot be reached."""
    try:
        facts = os.statvfs(folder)
    except OSError:
        return []
    return [
        gauge(
            "liveresize_disk_free_bytes",
            "Free bytes on the disk of data_dir.",
            facts.f_bavail * facts.f_frsize,
        ),
        gauge(
            "liveresize_disk_size_bytes",
            "Bytes of the disk of data_dir.",
            facts.f_blocks * facts.f_frsize,
        ),
        gauge(
            "liveresize_disk_free_inodes",
            "Free inodes on the disk of data_dir.",
            facts.f_favail,
        ),
        gauge(
            "liveresize_disk_inodes",
            "Inodes of the disk of data_dir; 0 where they are not counted.",
            facts.f_files,
        ),
    ]


def workers(pids: Iterable[int]) -> list[Metric]:
    """Memory and descriptors of the processes `pids`, those that are gone left out."""
    memory, descriptors = [0], [0]
    for pid in pids:
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            descriptors.append(len(os.listdir(f"/proc/{pid}/fd")))
            memory.append(pages * _PAGE)
    return [
        gauge(
            "liveresize_workers_resident_memory_bytes",
            "Resident memory of all workers; what they share is counted for each.",
            sum(memory),
        ),
        gauge(
            "liveresize_worker_largest_resident_memory_bytes",
            "Resident memory of the worker that has most.",
            max(memory),
        ),
        gauge("liveresize_workers_open_fds", "Descriptors of all workers.", sum(descriptors)),
        gauge(
            "liveresize_worker_most_open_fds",
            "Descriptors of the worker that has most.",
            max(descriptors),
        ),
    ]
