"""The world below the service, in memory or under a folder of the test, and steered by it."""

import asyncio
import copy
import gc
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, overload

from storage.memory_index import MemoryIndex

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.jobs import (
    Facts,
    IntakeJob,
    Job,
    OrientationJob,
    ProbeJob,
    Rendered,
    RenderJob,
    Result,
    VisualJob,
)
from liveresize.core.names import ImageId
from liveresize.core.originals import Link, Original, file_name
from liveresize.core.ports import JobHandle, ObjectBody
from liveresize.core.values import Quality
from liveresize.settings.server import Disk

Hook = Callable[[], Awaitable[None]]

NO_RESERVE = Disk(reserve=0, reserve_inodes=0)
"""A disk that may be filled."""

FULL = Disk(reserve=1 << 62, reserve_inodes=0)
"""A disk that takes nothing more."""

_MAGIC = {Format.JPEG: b"\xff\xd8", Format.PNG: b"\x89PNG", Format.GIF: b"GIF8"}


def picture(width: int = 640, height: int = 480, soul: str = "") -> bytes:
    """The bytes of an original, as far as the fake renderer goes."""
    return f"{width}x{height}:{soul}".encode()


def facts_of(data: bytes) -> Facts:
    """What the fake renderer finds out; raises UnsupportedImage for other bytes."""
    size, colon, soul = data.decode("latin-1").partition(":")
    if not colon:
        raise errors.UnsupportedImage
    width, height = (int(side) for side in size.split("x"))
    return Facts(
        format="jpeg",
        width=width,
        height=height,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        frames=1,
        has_alpha=False,
        clean="dirty" not in soul,
        dominant_color="#000000",
        thumbhash="",
    )


class FakeRenderer:
    """ports.Renderer without workers.

    A job waits for `turn` before it begins and for `gate` before it ends; both are open
    unless a test closes them. `queued` and `begun` are released as jobs arrive and begin;
    `errands` are those of `jobs`, `orientation` is that of every original.
    """

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.orientation = 1
        self.errands: list[JobHandle] = []
        self.turn, self.gate = asyncio.Event(), asyncio.Event()
        self.turn.set()
        self.gate.set()
        self.queued, self.begun = asyncio.Semaphore(0), asyncio.Semaphore(0)
        self.failure: BaseException | None = None
        self.ended = 0

    @property
    def renders(self) -> list[RenderJob]:
        """The renders that were asked for, dropped ones included."""
        return [job for job in self.jobs if isinstance(job, RenderJob)]

    @overload
    async def run(self, job: RenderJob, *, handle: JobHandle | None = ...) -> Rendered: ...
    @overload
    async def run(self, job: ProbeJob | IntakeJob, *, handle: JobHandle | None = ...) -> Facts: ...
    @overload
    async def run(self, job: OrientationJob, *, handle: JobHandle | None = ...) -> int: ...
    @overload
    async def run(self, job: VisualJob, *, handle: JobHandle | None = ...) -> Quality: ...
    async def run(self, job: Job, *, handle: JobHandle | None = None) -> Result:
        handle = handle or JobHandle()
        self.jobs.append(job)
        self.errands.append(handle)
        self.queued.release()
        await self.turn.wait()
        handle.begin()
        path = Path(job.source if isinstance(job, IntakeJob) else job.path)
        data = path.read_bytes() if path.exists() else None
        self.begun.release()
        await self.gate.wait()
        self.ended += 1
        if self.failure is not None:
            raise self.failure
        if data is None:
            raise errors.OriginalMissing
        if isinstance(job, ProbeJob):
            return facts_of(data)
        if isinstance(job, OrientationJob):
            return self.orientation
        if isinstance(job, VisualJob):
            return Quality(71, 68, 49, target=job.target)
        if isinstance(job, IntakeJob):
            facts = facts_of(data)
            try:
                Path(job.target).write_bytes(data)
            except OSError as error:
                raise errors.DiskFull("", str(error)) from error
            return facts
        return rendered(job, data)


def rendered(job: RenderJob, original: bytes) -> Rendered:
    """A rendition that tells what it was made of."""
    output = job.rendition.format if isinstance(job.rendition.format, Format) else Format.JPEG
    data = _MAGIC.get(output, b"") + job.rendition.variant.encode() + b"|" + original
    return Rendered(
        data=data,
        etag=hashlib.sha256(data).hexdigest(),
        format=output,
        decode_ms=1.0,
        resize_ms=2.0,
        encode_ms=3.0,
    )


class FakeBody:
    """ports.ObjectBody of bytes; `closed` tells whether it was let go."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)
        self.closed = False

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._data

    async def close(self) -> None:
        self.closed = True


class FakeStore:
    """ports.RenditionStore in memory; `failures` are raised by `publish`, one each.

    While it is `refusing`, no generation can be removed; `removals` counts the attempts.
    """

    def __init__(self, story: list[str] | None = None) -> None:
        self.objects: dict[str, bytes] = {}
        self.foreign: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.failures: list[Exception] = []
        self.healthy = True
        self.shared = False
        self.spooling = True
        self.reads = 0
        self.refusing = False
        self.removals = 0
        self.story = [] if story is None else story

    def url(self, link: Link) -> str:
        return f"https://store.test/{link.key}"

    def key(self, original: Original, variant: str, engine: str, extension: str) -> str:
        return f"{original.image.key}/{original.generation}/{file_name(variant, engine, extension)}"

    def local_path(self, key: str) -> Path | None:
        return None

    def direct(self, image: ImageId) -> Self | None:
        return None if self.spooling else self

    async def publish(self, source: Path, link: Link) -> None:
        assert self.spooling
        self.story.append("publish")
        if self.failures:
            raise self.failures.pop(0)
        self.objects[link.key] = source.read_bytes()

    async def publish_all(
        self, renditions: Sequence[tuple[Link, bytes]]
    ) -> list[errors.DiskFull | None]:
        assert not self.spooling
        self.story.append("publish_all")
        self.objects.update({link.key: data for link, data in renditions})
        return [None] * len(renditions)

    async def read(self, link: Link) -> bytes | None:
        self.reads += 1
        return self.objects.get(link.key)

    async def open(self, link: Link, first: int = 0, last: int | None = None) -> ObjectBody | None:
        self.reads += 1
        data = self.objects.get(link.key)
        if data is None:
            return None
        return FakeBody(data[first : len(data) if last is None else last + 1])

    async def remove(self, links: Sequence[Link]) -> None:
        self.story.append("remove")
        for link in links:
            self.objects.pop(link.key, None)

    async def find_foreign(self, original: Original, variant: str) -> tuple[str, bytes] | None:
        return self.foreign.get((original.image.key, variant))

    async def remove_generation(self, original: Original) -> None:
        self.removals += 1
        if self.refusing:
            raise errors.ObjectStoreUnavailable("", "refused by a test")
        for key in [key for key in self.objects if f"/{original.generation}/" in key]:
            del self.objects[key]


_ROWS = (
    *("tokens", "originals", "mirrored", "queued", "links", "purges", "serial"),
    *("events", "readers", "expiry_paused_at"),
)


class _Steered:
    """A repository whose methods go through the hooks of its index, by `repository.method`."""

    def __init__(self, index: "SteeredIndex", name: str) -> None:
        self._index = index
        self._name = name
        self._repository = getattr(index, name)

    def __getattr__(self, method: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        name, work = f"{self._name}.{method}", getattr(self._repository, method)

        async def steered(*args: Any, **kwargs: Any) -> Any:
            return await self._index.around(name, work, *args, **kwargs)

        return steered


class SteeredIndex(MemoryIndex):
    """MemoryIndex whose methods can be counted, delayed, made to fail before or after.

    `before` and `after` hold one hook a method, such as `links.add`; `delays` are the seconds
    that methods take, one after the other. What `story` tells is told in the order of its
    effect.
    """

    def __init__(self, story: list[str] | None = None) -> None:
        self.time = 1_700_000_000.0
        super().__init__(lambda: self.time)
        self.calls: dict[str, int] = defaultdict(int)
        self.before: dict[str, Hook] = {}
        self.after: dict[str, Hook] = {}
        self.delays: Iterator[float] | None = None
        self.story = [] if story is None else story
        for name in (
            "tokens",
            "rows",
            "mirror_queue",
            "deliveries",
            "links",
            "purges",
            "bucket_use",
            "expiry_pause",
        ):
            setattr(self, name, _Steered(self, name))

    def dump(self) -> dict[str, Any]:
        """A backup of every row, and of where serials go on."""
        return copy.deepcopy({name: getattr(self.tables, name) for name in _ROWS})

    def restore(self, dump: dict[str, Any]) -> None:
        """Put a backup back."""
        self.tables.__dict__.update(copy.deepcopy(dump))

    async def around(
        self, name: str, work: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **kwargs: Any
    ) -> Any:
        """Do `work` between the hooks of that name."""
        self.calls[name] += 1
        if self.delays is not None:
            await asyncio.sleep(next(self.delays))
        if name in self.before:
            await self.before[name]()
        result = await work(*args, **kwargs)
        self.story.append(name)
        if name in self.after:
            await self.after[name]()
        return result


def away() -> Hook:
    """A hook that takes the database away for one call."""

    async def hook() -> None:
        raise errors.IndexUnavailable("", "taken away by a test")

    return hook


class Clock:
    """ports.Clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


def run(main: Callable[[], Coroutine[Any, Any, None]], budget: float = 30.0) -> None:
    """Run a test; whatever reaches the loop's exception handler fails it.

    Collections look through what the test has made, not through all that was there before:
    that is a million objects in the middle of a whole run, and took most of a test's time.
    """
    gc.freeze()
    complaints: list[dict[str, Any]] = []

    async def watched() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        await asyncio.wait_for(main(), budget)
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(watched())
    gc.collect()
    assert not complaints, complaints


async def turns(count: int = 20) -> None:
    """Let the loop turn, so that everything that can go on has gone on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what threads of this process will bring about."""
    while not condition():  # noqa: ASYNC110 (a thread sets no event of this loop)
        await asyncio.sleep(0.001)
