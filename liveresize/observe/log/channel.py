"""The bounded queue between whoever logs and the thread that writes."""

import collections
import contextlib
import os
import threading
from collections.abc import Callable

from liveresize.observe.log.outputs import Output

LINGER = 0.02
"""Seconds that lines are collected for. Waking a thread for every line costs the event
loop more than the line itself: 7,000 requests a second become 50 writes."""

BATCH = 1000
"""Lines a write: about 500 KB."""

MOST_BYTES = 32 << 20
"""Characters that may wait, as a bound beside the number of lines: few of these are long,
unless somebody asks for long names on purpose."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between tries while the output fails: doubled each time."""

_STDERR = 2


class Channel:
    """Takes lines from any thread without waiting; writes them in order in its own.

    Beyond `capacity` waiting lines, or MOST_BYTES of them, new ones are dropped and counted;
    when there is room again, the line that `notice` makes of the count says so in the log
    itself.
    """

    def __init__(self, output: Output, capacity: int, notice: Callable[[int], str]) -> None:
        self.dropped = 0
        self._announced = 0
        self._output = output
        self._capacity = capacity
        self._notice = notice
        self._lines: collections.deque[str] = collections.deque()
        self._size = 0
        # Collecting garbage in the middle of `put` may well log something.
        self._counting = threading.RLock()
        self._filled = threading.Event()
        self._closing = threading.Event()
        self._healthy = True
        # The stream as it is now: later on it may lead into the log itself.
        self._stderr = _duplicate(_STDERR)
        self._thread = threading.Thread(target=self._run, name="liveresize-log", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Queue `line`, which ends in a newline; never waits."""
        with self._counting:
            if len(self._lines) >= self._capacity or self._size >= MOST_BYTES:
                self.dropped += 1
                return
            self._lines.append(line)
            self._size += len(line)
        if not self._filled.is_set():
            self._filled.set()

    def reopen(self) -> None:
        """Have the output opened again, as after the rotation of a file."""
        self._output.reopen()

    def close(self, timeout: float) -> None:
        """Write what is queued, for at most `timeout` seconds, and end the thread."""
        self._closing.set()
        self._filled.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        batch: list[str] = []
        pause = FIRST_PAUSE
        while True:
            if not batch:
                self._filled.wait()
                self._closing.wait(LINGER)
                self._filled.clear()
                batch = self._take()
            if batch and not self._write(batch):
                if self._closing.is_set():
                    break
                self._closing.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            batch, pause = [], FIRST_PAUSE
            if self._lines or self.dropped > self._announced:
                self._filled.set()
            elif self._closing.is_set():
                break
        self._output.close()
        if self._stderr is not None:
            os.close(self._stderr)

    def _take(self) -> list[str]:
        batch = [self._lines.popleft() for _ in range(min(len(self._lines), BATCH))]
        with self._counting:
            self._size -= sum(map(len, batch))
        lost = self.dropped - self._announced
        if lost:
            self._announced += lost
            batch.append(self._notice(lost))
        return batch

    def _write(self, batch: list[str]) -> bool:
        try:
            self._output.write("".join(batch).encode(errors="backslashreplace"))
        except OSError as exc:
            if self._healthy:
                self._complain(exc)
            self._healthy = False
            return False
        self._healthy = True
        return True

    def _complain(self, exc: OSError) -> None:
        """Say once on standard error that the log itself is in trouble."""
        text = f"liveresize: cannot log to {self._output.name}, trying again: {exc}\n"
        if self._stderr is not None:
            with contextlib.suppress(OSError):
                os.write(self._stderr, text.encode(errors="backslashreplace"))


def _duplicate(descriptor: int) -> int | None:
    with contextlib.suppress(OSError):
        return os.dup(descriptor)
    return None
