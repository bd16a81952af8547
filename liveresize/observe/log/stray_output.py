"""What is written to standard output and error past the log, and becomes records of it.

Python's own words at the end of a process, the messages of C libraries, whatever a child
process says: none of them is a line of the log, and all of them would land in it.
"""

import contextlib
import os
import selectors
import sys
import threading
import time
from collections.abc import Callable

_STREAMS = (1, 2)
"""Descriptors of standard output and standard error."""

WINDOW = 0.1
"""Seconds of output that make one record, so that a traceback is one, and a library that
never stops makes ten a second."""

MOST = 8 << 10
"""Bytes of a record's text. More is read, since who writes it would wait, and left out."""

_CHUNK = 64 << 10


class StrayOutput:
    """Takes over both streams, for this process and those that it starts from now on.

    Each piece of text goes to `heard`, in a thread of this object. Processes that outlive
    this one write to nobody.
    """

    def __init__(self, heard: Callable[[str], None]) -> None:
        self._heard = heard
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._closed, self._close = os.pipe()
        # A stream that was closed when Python started is somebody else's descriptor by now.
        streams = [sys.__stdout__, sys.__stderr__]
        self._kept = {
            number: os.dup(number)
            for number, stream in zip(_STREAMS, streams, strict=True)
            if stream is not None
        }
        _flush()
        for number in self._kept:
            os.dup2(self._writing, number)
        self._thread = threading.Thread(target=self._run, name="liveresize-output", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give the streams back, once what was written to them has been heard."""
        _flush()
        for number, kept in self._kept.items():
            os.dup2(kept, number)
            os.close(kept)
        os.close(self._writing)
        os.close(self._close)
        self._thread.join()
        os.close(self._reading)
        os.close(self._closed)

    def _run(self) -> None:
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._reading, selectors.EVENT_READ)
            waiting.register(self._closed, selectors.EVENT_READ)
            closing = False
            while not closing:
                closing = self._closed in _ready(waiting, None)
                text = self._gather(waiting, 0.0 if closing else WINDOW)
                if text:
                    self._heard(text.decode(errors="backslashreplace").rstrip("\n"))

    def _gather(self, waiting: selectors.BaseSelector, seconds: float) -> bytes:
        """What is written within so many seconds, or is there already."""
        text = b""
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(BlockingIOError):
                while chunk := os.read(self._reading, _CHUNK):
                    text = (text + chunk)[:MOST]
                    if time.monotonic() > until:
                        break
            left = until - time.monotonic()
            if left <= 0 or self._closed in _ready(waiting, left):
                return text


def _ready(waiting: selectors.BaseSelector, seconds: float | None) -> list[int]:
    return [key.fd for key, _ in waiting.select(seconds)]


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
