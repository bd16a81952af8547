"""Count and limit the bytes of responses that are not sent yet.

A slow client costs no processor time, but its response stays in memory until it is sent. Bodies
are held by reference, so one picture is in memory once, however many clients request it: a
buffer counts once, and in full until its last holder releases it.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

import structlog

_log = structlog.get_logger("liveresize.unsent")

LARGE = 64 << 10
"""Bytes above which a body is large: it is sent by reference instead of being copied behind its
head, and refused if there is no room for it. A smaller body is copied, which is cheaper than a
second system call, and the socket buffer holds nearly all of it."""

_STALLED = 2.0
"""Seconds without progress after which a response may be broken off for others."""

_PAUSE = 0.1
"""Seconds until the next search after one that found nothing: it visits all buffers."""

_SPARE = 16
"""The fraction of the limit that is freed at a time, so that searches are rare."""

_WARN_AGAIN = 60.0
"""Seconds between two warnings in the log."""


class Holder(Protocol):
    """Holds part of a response until its client reads it: a connection, or a stream of one.

    `client` is the key of the client for limits; empty if many clients share it.
    """

    client: str

    @property
    def waits_since(self) -> float:
        """When the client last read a byte, on the monotonic clock."""

    def give_way(self) -> None:
        """Break off the response and release it."""


class _Buffer:
    """Bytes with holders; a reference keeps them, so that no other object gets their id."""

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
    """A buffer and one of its holders."""

    __slots__ = ("buffer", "holder")

    def __init__(self, buffer: _Buffer, holder: Holder) -> None:
        self.buffer = buffer
        self.holder = holder


class Unsent:
    """All buffers with holders. Used only by the event loop.

    At the limit, stalled responses are broken off first, then those of the clients that hold
    most, if that is more than the new client would hold: otherwise a few slow clients could
    block the pictures of all others.
    """

    def __init__(self, limit: int = 0, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`limit` is the total number of bytes that may be held; 0 is no limit."""
        self.limit = limit
        self.bytes = 0
        self.refused = 0
        """Refused responses, counted by those that refuse them."""
        self.broken_off = 0
        """Responses that were broken off for others."""
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
        """Release a hold; may be called again."""
        buffer = hold.buffer
        buffer.holds.discard(hold)
        key = id(buffer.owner)
        if not buffer.holds and self._buffers.get(key) is buffer:
            del self._buffers[key]
            self.bytes -= buffer.size

    def admits(self, body: bytes | memoryview, client: str) -> bool:
        """Whether there is room for `body`, or others hold it already."""
        owner = _owner(body)
        return id(owner) in self._buffers or self.make_room(len(owner), client)

    def make_room(self, size: int, client: str) -> bool:
        """Free room for `size` more bytes for `client`; return whether there is room."""
        if self.has_room(size):
            return True
        self._relieve(size, client)
        return self.has_room(size)

    def has_room(self, size: int) -> bool:
        """Whether `size` more bytes are within the limit."""
        return not self.limit or self.bytes + self._counted(size) <= self.limit

    def _counted(self, size: int) -> int:
        """Return the bytes that a buffer counts: at most half of the limit, so that a larger one
        can be sent, too."""
        return min(size, self.limit // 2) if self.limit else size

    def _relieve(self, size: int, client: str) -> None:
        """Break off responses of others for `size` bytes for `client`."""
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
        """Break off responses of the clients that hold most, if they have more than `client` would.

        The holders of a buffer share its bytes: a picture for many clients stays, as do the
        pictures for clients behind a proxy.
        """
        totals: dict[str, float] = defaultdict(float)
        for buffer in self._buffers.values():
            for each in buffer.clients:
                totals[each] += buffer.share
        totals[""] = 0
        total = totals[client] + self._counted(size)

        def least(buffer: _Buffer) -> float:
            """Return the bytes of that one of the buffer's clients that holds least."""
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
    """Return the bytes object behind a view, which stays in memory while the view exists."""
    owner = data.obj if isinstance(data, memoryview) else data
    assert isinstance(owner, bytes)
    return owner
