"""Pixels that a worker keeps, so that renditions of one picture decode it once.

A page asks for one picture in many sizes within a second. What its decoder made is kept for
that long: least recently used, bounded in bytes, and gone when memory is needed, when the
original is deleted, or after some idle seconds. A picture that is answered in a quick format
first is finished once for both: what was encoded waits for the other format. Results are the
same with and without it.
"""

import functools
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from PIL import Image

from liveresize.imaging import memory

IDLE = 5.0
"""Seconds after the last use at which everything is dropped."""

Size = tuple[int, int]

Key = tuple[Hashable, ...]
"""Device, inode, time of change and bytes of the file, and what its pixels are: the size and
mode that are decoded to, or what a finished picture is to look like."""


@dataclass(slots=True)
class _Kept:
    path: str
    pixels: Image.Image
    bytes: int
    notes: tuple[str, ...] = ()
    since: float = 0.0


class DecodedPixels:
    """The pixels that this process keeps. Nobody may change them in place.

    `room` is the memory of this process for pictures in bytes, None without a bound.
    """

    def __init__(
        self,
        room: int | None = None,
        *,
        idle: float = IDLE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.room = room
        self._idle = idle
        self._now = monotonic
        self._entries: OrderedDict[Key, _Kept] = OrderedDict()
        self._finished: dict[Key, _Kept] = {}
        self._lock = threading.Lock()
        self._used_at = 0.0
        self._filled = threading.Event()
        self.bytes = 0

    def key(self, path: str, *what: Hashable) -> Key:
        """The key of the pixels that are made of the file at `path`, which `what` describes."""
        facts = os.stat(path)
        return (facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_size, *what)

    def get(self, key: Key) -> Image.Image | None:
        """The pixels kept under `key`, which are read only."""
        with self._lock:
            kept = self._entries.get(key)
            if kept is None:
                return None
            self._entries.move_to_end(key)
            self._used_at = self._now()
            return kept.pixels

    def keep(self, key: Key, path: str, image: Image.Image, limit: int) -> Image.Image:
        """Keep what was decoded, unless it is more than `limit` bytes beside what is finished;
        the pixels to go on with."""
        kept = _kept(path, image)
        if kept.bytes > limit:
            return image
        with self._lock:
            self._drop_deleted()
            self._drop(key)
            if not self._make_room(kept.bytes, limit):
                return image
            self._entries[key] = kept
            self._add(kept)
        return kept.pixels

    def finish(
        self, key: Key, path: str, picture: Image.Image, notes: tuple[str, ...], limit: int
    ) -> None:
        """Keep a finished picture and the remarks on it for another format.

        Such pictures take three quarters of `limit` at most. None makes room for another one:
        those that came first are asked for first.
        """
        kept = _kept(path, picture)
        kept.notes, kept.since = notes, self._now()
        with self._lock:
            self._drop_deleted()
            self._drop(key)
            waiting = sum(each.bytes for each in self._finished.values())
            if waiting + kept.bytes > 3 * limit // 4:
                return
            self._make_room(kept.bytes, limit)
            self._finished[key] = kept
            self._add(kept)

    def take(self, key: Key) -> tuple[Image.Image, tuple[str, ...]] | None:
        """A finished picture and the remarks on it, which is kept no longer."""
        with self._lock:
            kept = self._finished.get(key)
            if kept is None:
                return None
            self._drop(key)
            self._used_at = self._now()
            return kept.pixels, kept.notes

    def make_room(self, size: int) -> None:
        """Drop everything where `size` bytes would not fit beside it."""
        if self.room is None:
            return
        if self.bytes + size > self.room:
            self.clear()
        if 2 * size > self.room:
            memory.trim()

    def clear(self) -> bool:
        """Drop everything; whether there was anything."""
        with self._lock:
            had = bool(self._entries or self._finished)
            self._entries.clear()
            self._finished.clear()
            self.bytes = 0
            return had

    def tidy(self) -> float | None:
        """Drop everything that has been idle; seconds until the next look, None without need."""
        with self._lock:
            self._drop_deleted()
            if not (self._entries or self._finished):
                return None
            left = self._used_at + self._idle - self._now()
        if left > 0:
            return left
        self.clear()
        return None

    def watch(self) -> None:
        """Tidy for ever; for a thread of its own."""
        while self._filled.wait():
            self._filled.clear()
            while (left := self.tidy()) is not None:
                time.sleep(left)

    def _add(self, kept: _Kept) -> None:
        """Count what has been kept."""
        self.bytes += kept.bytes
        self._used_at = self._now()
        self._filled.set()

    def _make_room(self, size: int, limit: int) -> bool:
        """Drop what was decoded and is least recently used; whether `size` bytes fit then.

        What was finished so long ago that nobody has come for it goes first.
        """
        late = self._now() - self._idle
        for key in [key for key, kept in self._finished.items() if kept.since < late]:
            self._drop(key)
        while self._entries and self.bytes + size > limit:
            self._drop(next(iter(self._entries)))
        return self.bytes + size <= limit

    def _drop_deleted(self) -> None:
        for key, kept in [*self._entries.items(), *self._finished.items()]:
            if not os.path.exists(kept.path):
                self._drop(key)

    def _drop(self, key: Key) -> None:
        kept = self._entries.pop(key, None) or self._finished.pop(key, None)
        if kept is not None:
            self.bytes -= kept.bytes


def _kept(path: str, image: Image.Image) -> _Kept:
    """The pixels of `image`, which nobody can change from now on."""
    pixels = image._new(image.im)
    pixels.readonly = 1
    return _Kept(path, pixels, image.width * image.height * memory.pixel_bytes(image.mode))


@functools.cache
def kept() -> DecodedPixels:
    """The pixels of this process, whose thread begins with the first call."""
    pixels = DecodedPixels()
    threading.Thread(target=pixels.watch, name="decoded-pixels", daemon=True).start()
    pixels.room = memory.room()  # what the thread takes is not for pictures
    return pixels
