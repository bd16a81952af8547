"""Gathers what comes within a moment, so that it is written together."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from liveresize.observe.tracing import spans

T = TypeVar("T")

SECONDS = 0.1
"""How long the first of a group waits for others."""

MOST = 64
"""How many make a group that is written at once."""


class Gathering(Generic[T]):
    """Passes what is added to `write` in groups: at once when a group is full, else when its
    first member has waited for a moment."""

    def __init__(self, write: Callable[[list[T]], None]) -> None:
        self._write = write
        self._group: list[T] = []
        self._timer: asyncio.TimerHandle | None = None
        self._hurried = False

    def add(self, member: T, *, hurry: bool = False) -> None:
        """Add one; with `hurry`, its group is written at once."""
        self._group.append(member)
        if hurry or self._hurried or len(self._group) >= MOST:
            self._send()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SECONDS, self._send)

    def hurry(self) -> None:
        """Write what has been gathered, and from now on gather no longer."""
        self._hurried = True
        self._send()

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        group, self._group = self._group, []
        if group:
            with spans.entered(None):  # its members are of several requests
                self._write(group)
