"""Show the names of Python's threads in /proc, which Python does itself from 3.14 on.

A server that has this folder in its PYTHONPATH imports the module when it starts.
"""

import contextlib
import threading
from pathlib import Path

_start = threading.Thread.start


def _start_named(thread: threading.Thread) -> None:
    """Start a thread under its name, or under its class where it was given none."""
    _start(thread)
    name = type(thread).__name__ if thread.name.startswith("Thread-") else thread.name
    # It may have ended already.
    with contextlib.suppress(OSError):
        Path(f"/proc/self/task/{thread.native_id}/comm").write_text(name)


threading.Thread.start = _start_named  # type: ignore[assignment, method-assign]
