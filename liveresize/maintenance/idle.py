"""Disk reads with idle priority."""

import contextlib
import ctypes
import platform
from collections.abc import Iterator

_CALLS = {
    "x86_64": (251, 252),
    "aarch64": (30, 31),
    "riscv64": (30, 31),
    "ppc64le": (273, 274),
    "s390x": (282, 283),
}
"""System call numbers of ioprio_set and ioprio_get, which glibc does not wrap."""

_THIS_THREAD = 1, 0
_IDLE = 3 << 13
"""The class `idle` of linux/ioprio.h."""


@contextlib.contextmanager
def stepped_back() -> Iterator[bool]:
    """Read with idle priority inside this block, in this thread and those that it starts.

    Yields False if the platform does not support it.
    """
    set_priority, get_priority = _CALLS.get(platform.machine(), (0, 0))
    if platform.system() != "Linux" or not set_priority:
        yield False
        return
    library = ctypes.CDLL(None)
    before = library.syscall(get_priority, *_THIS_THREAD)
    changed = before >= 0 and library.syscall(set_priority, *_THIS_THREAD, _IDLE) == 0
    try:
        yield changed
    finally:
        if changed:
            library.syscall(set_priority, *_THIS_THREAD, before)
