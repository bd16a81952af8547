"""A mirror in memory, steered by a test."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original

from .doubles import Hook


class FakeMirror:
    """ports.Mirror in memory: what the bucket of originals is to every instance.

    `before` and `after` hold one hook a method, `failures` what its next calls raise, one
    each; while it does not `answer`, every call fails. A put that is given up still lands
    if `late`, as a request does that was on its way. `story` tells what was done, in order.
    """

    def __init__(self, story: list[str] | None = None) -> None:
        self.objects: dict[str, bytes] = {}
        self.answers = True
        self.late = False
        self.calls: dict[str, int] = defaultdict(int)
        self.failures: dict[str, list[Exception]] = defaultdict(list)
        self.before: dict[str, Hook] = {}
        self.after: dict[str, Hook] = {}
        self.story = [] if story is None else story

    @property
    def healthy(self) -> bool:
        return self.answers

    def takes(self, image: ImageId) -> bool:
        return True

    def key(self, original: Original) -> str:
        return f"{original.image.key}/{original.generation}"

    def holds(self, original: Original) -> bool:
        """Whether it has the bytes of that generation."""
        return self.key(original) in self.objects

    async def put(self, path: Path, original: Original) -> None:
        data = path.read_bytes() if path.is_file() else None
        if data is None or not _whole(data, original):
            raise errors.OriginalMissing("", "it is not there whole")
        try:
            await self._enter("put")
        except asyncio.CancelledError:
            if self.late:
                self.objects[self.key(original)] = data
            raise
        self.objects[self.key(original)] = data
        await self._leave("put")

    async def fetch(self, original: Original, target: Path) -> bool:
        await self._enter("fetch")
        data = self.objects.get(self.key(original))
        if data is None or not _whole(data, original):
            return False
        try:
            await asyncio.to_thread(target.write_bytes, data)
        except OSError as error:
            raise errors.DiskFull("", str(error)) from error
        await self._leave("fetch")
        return True

    async def remove(self, original: Original) -> None:
        await self._enter("remove")
        self.objects.pop(self.key(original), None)
        await self._leave("remove")

    async def exists(self, original: Original) -> bool:
        await self._enter("exists")
        return len(self.objects.get(self.key(original), b"")) == original.bytes

    async def entries(self) -> AsyncIterator[tuple[str, int]]:
        await self._enter("entries")
        for key, data in sorted(self.objects.items()):
            yield key, len(data)

    async def _enter(self, name: str) -> None:
        self.calls[name] += 1
        if name in self.before:
            await self.before[name]()
        if self.failures[name]:
            raise self.failures[name].pop(0)
        if not self.answers:
            raise errors.ObjectStoreUnavailable("", "taken away by a test")

    async def _leave(self, name: str) -> None:
        self.story.append(f"mirror {name}")
        if name in self.after:
            await self.after[name]()


class Barrier:
    """A hook that holds calls up: `reached` is set by the first, `open` lets all go on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._gate = asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self._gate.wait()

    def open(self) -> None:
        """Let everybody pass, from now on."""
        self._gate.set()


def _whole(data: bytes, original: Original) -> bool:
    sha256 = hashlib.sha256(data).hexdigest()
    return (len(data), sha256) == (original.bytes, original.sha256)
