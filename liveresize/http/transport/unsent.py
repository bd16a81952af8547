"""What clients have yet to take of their answers: how many bytes are held for that, and their
bound.

A slow client costs no processor time, but its answer stays in memory until it is sent. Bodies
are held by reference, so one picture is in memory once, however many clients ask for it: here a
buffer counts once, and in full until the last of those that hold it lets go.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

import structlog

_log = structlog.get_logger("liveresize.unsent")

LARGE = 64 << 10
"""Bytes above which a body is large: it is sent by reference instead of being copied behind its
head, and it is refused where there is no room for it. Up to here copying is cheaper than a
second call of the system, and the buffer of a socket takes nearly all of it."""

_STALLED = 2.0
"""Seconds without a byte taken after which a client gives way to others."""

_PAUSE = 0.1
"""Seconds before looking again after nobody could give way: looking takes a walk over all."""

_SPARE = 16
"""Who gives way makes room for one part in so many of all, so that the walk is worth it."""

_WARN_AGAIN = 60.0
"""Seconds between two lines of the log about the same."""


class Holder(Protocol):
    """What holds part of an answer until its client takes it: a connection, or a stream of one.

    `client` is the key that limits count the client by; empty where many share it.
    """

    client: str

    @property
    def waits_since(self) -> float:
        """When the client last took a byte, on the monotonic clock."""

    def give_way(self) -> None:
        """Break the answer off and let go of it."""


class _Buffer:
    """Bytes that somebody holds; keeps them, so that no other object gets their id."""

    __slots__ = ("holds", "owner", "size")

    def __init__(self, owner: object, size: int) -> None:
        self.owner = owner
        self.size = size
        self.holds: set[Hold] = set()

    @property
    def waits_since(self) -> float:
        return max(hold.holder.waits_since for hold in self.holds)

    @property
    def clients(self) -> set[str]:
        return {hold.holder.client for hold in self.holds}

    @property
    def share(self) -> float:
        return self.size / len(self.clients)


class Hold:
    """That `holder` holds a buffer."""

    __slots__ = ("buffer", "holder")

    def __init__(self, buffer: _Buffer, holder: Holder) -> None:
        self.buffer = buffer
        self.holder = holder


class Unsent:
    """All that is held. Used by the event loop alone.

    At the bound, answers whose clients take nothing are broken off first, then those of the
    clients that hold most, if that is more than what the newcomer would hold: otherwise a few
    slow clients could have everybody else's pictures refused.
    """

    def __init__(self, limit: int = 0, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`limit` are the bytes that may be held in all; 0 is no limit."""
        self.limit = limit
        self.bytes = 0
        self.refused = 0
        """Answers that were refused, as those who refuse them note."""
        self.broken_off = 0
        """Answers that gave way to others."""
        self._now = monotonic
        self._buffers: dict[int, _Buffer] = {}
        self._look_again_at = 0.0
        self._warn_again_at = 0.0

    def hold(self, holder: Holder, data: bytes | memoryview) -> Hold:
        """Note that `holder` keeps `data`, until `release`."""
        owner = _owner(data)
        buffer = self._buffers.get(id(owner))
        if buffer is None:
            buffer = self._buffers[id(owner)] = _Buffer(owner, self._counted(len(owner)))
            self.bytes += buffer.size
        hold = Hold(buffer, holder)
        buffer.holds.add(hold)
        if not self.has_room(0):
            self._relieve(0, holder.client)
        return hold

    def release(self, hold: Hold) -> None:
        """Note that it is over; once or more often."""
        buffer = hold.buffer
        buffer.holds.discard(hold)
        key = id(buffer.owner)
        if not buffer.holds and self._buffers.get(key) is buffer:
            del self._buffers[key]
            self.bytes -= buffer.size

    def admits(self, body: bytes | memoryview, client: str) -> bool:
        """Whether there is room for `body`, or it is held for others already."""
        owner = _owner(body)
        return id(owner) in self._buffers or self.make_room(len(owner), client)

    def make_room(self, size: int, client: str) -> bool:
        """Whether there is room for `size` more bytes for `client`, after others gave way."""
        if self.has_room(size):
            return True
        self._relieve(size, client)
        return self.has_room(size)

    def has_room(self, size: int) -> bool:
        """Whether `size` bytes more are within the bound as it is."""
        return not self.limit or self.bytes + self._counted(size) <= self.limit

    def _counted(self, size: int) -> int:
        """What a buffer counts as: half of the bound at most, else one that is larger could
        never be sent."""
        return min(size, self.limit // 2) if self.limit else size

    def _relieve(self, size: int, client: str) -> None:
        """Have others give way to `size` bytes for `client`."""
        now = self._now()
        if now < self._look_again_at:
            return
        self._warn(now)
        spare = max(size, self.limit // _SPARE)
        before = self.bytes
        stalled = [each for each in self._buffers.values() if each.waits_since <= now - _STALLED]
        for buffer in sorted(stalled, key=lambda each: each.waits_since):
            if self.has_room(spare):
                return
            self._break_off(buffer)
        self._take_from_largest(size, client)
        if self.bytes == before:
            self._look_again_at = now + _PAUSE

    def _take_from_largest(self, size: int, client: str) -> None:
        """Have those that hold most give way, while each holds more than `client` would.

        Those that hold the same buffer share what it counts: a picture that many take stays,
        as does what anybody behind a proxy takes.
        """
        totals: dict[str, float] = defaultdict(float)
        for buffer in self._buffers.values():
            for each in buffer.clients:
                totals[each] += buffer.share
        totals[""] = 0
        total = totals[client] + self._counted(size)

        def least(buffer: _Buffer) -> float:
            """What that one of its clients holds that holds least."""
            return min(totals[each] for each in buffer.clients)

        order = sorted(self._buffers.values(), key=lambda each: (-least(each), each.waits_since))
        for buffer in order:
            if self.has_room(size):
                return
            if least(buffer) > total:
                for each in buffer.clients:
                    totals[each] -= buffer.share
                self._break_off(buffer)

    def _break_off(self, buffer: _Buffer) -> None:
        for hold in tuple(buffer.holds):
            hold.holder.give_way()
            self.release(hold)
            self.broken_off += 1

    def _warn(self, now: float) -> None:
        if now >= self._warn_again_at:
            self._warn_again_at = now + _WARN_AGAIN
            _log.warning("unsent_full", unsent_bytes=self.limit)


def _owner(data: bytes | memoryview) -> bytes:
    """The object whose bytes these are, which is in memory as long as any of them are held."""
    owner = data.obj if isinstance(data, memoryview) else data
    assert isinstance(owner, bytes)
    return owner
