"""Steady load on a server, and the count of what came of it, picture by picture.

A GET counts as right only when the redirects were followed and what came is the picture
that was uploaded, in the size that was asked for, decoded.
"""

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from web import servers

from .tally import Count
from .visitor import PATIENCE, WIDTHS, Sent, Visitor

PACE = 0.03
"""Seconds that each client rests between two requests."""


class Load:
    """Clients that read what is known, ask for new sizes and upload; a context manager.

    `seeds` pictures are uploaded first, and looked at in one size each; `first` is the
    number of the first. The clients visit the servers at `urls` in turn. What came of it
    is in `count`; `acknowledged` is what was uploaded with success, `refused` what was not,
    `seen` the sizes of each picture that somebody has got.
    """

    def __init__(
        self,
        *urls: str,
        seeds: int = 16,
        readers: int = 3,
        uploaders: int = 1,
        new_sizes: bool = True,
        first: int = 0,
    ) -> None:
        self._urls = urls
        self._new_sizes = new_sizes
        self._readers, self._uploaders = readers, uploaders
        self._names = itertools.count(first)
        self._fresh: Iterator[tuple[Sent, int]] = iter(())
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(readers + uploaders)
        self._jobs: list[Future[None]] = []
        self._turns: list[int] = [0] * (readers + uploaders)
        self.count = Count()
        self.acknowledged: list[Sent] = []
        self.refused: list[Sent] = []
        self.seen: dict[Sent, set[int]] = defaultdict(set)
        self._seed(seeds)

    def _seed(self, count: int) -> None:
        with Visitor(self._urls[0]) as visitor:
            for _ in range(count):
                sent = self._next()
                visitor.hand_in(sent)
                visitor.rendition(sent, WIDTHS[0])
                self.acknowledged.append(sent)
                self._see(sent, WIDTHS[0])
        self._fresh = itertools.product(list(self.acknowledged), WIDTHS[1:])

    def _next(self) -> Sent:
        number = next(self._names)
        return Sent(f"picture-{number}", number * 7 % 256)

    def _see(self, sent: Sent, width: int) -> None:
        with self._lock:
            self.seen[sent].add(width)

    def __enter__(self) -> Self:
        kinds = [self._read] * self._readers + [self._upload] * self._uploaders
        for number, kind in enumerate(kinds):
            self._jobs.append(self._pool.submit(self._work, number, kind))
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._pool.shutdown()

    def _work(self, number: int, kind: Callable[[Visitor, int], None]) -> None:
        with Visitor(self._urls[number % len(self._urls)]) as visitor:
            while not self._over.is_set():
                kind(visitor, self._turns[number])
                self._turns[number] += 1
                self._over.wait(PACE)

    def _read(self, visitor: Visitor, turn: int) -> None:
        """Three known sizes, then a new one."""
        with self._lock:
            fresh = next(self._fresh, None) if self._new_sizes and turn % 4 == 3 else None
            sent = fresh[0] if fresh else self.acknowledged[turn % len(self.acknowledged)]
            known = sorted(self.seen[sent]) or [WIDTHS[0]]
        width = fresh[1] if fresh else known[turn % len(known)]
        if self.count.went_well(
            "new size" if fresh else "known", lambda: visitor.rendition(sent, width)
        ):
            self._see(sent, width)

    def _upload(self, visitor: Visitor, turn: int) -> None:
        """A new picture, which is looked at as soon as it is acknowledged."""
        sent = self._next()
        if not self.count.went_well("upload", lambda: visitor.hand_in(sent), refusable=True):
            self.refused.append(sent)
            return
        with self._lock:
            self.acknowledged.append(sent)
        if self.count.went_well("uploaded", lambda: visitor.original(sent)):
            self.count.went_well("uploaded", lambda: visitor.rendition(sent, WIDTHS[0]))
            self._see(sent, WIDTHS[0])

    def more(self, turns: int, *, uploads: int = 1) -> None:
        """Return when each reader has had so many more answers, each uploader `uploads`."""
        aims = [
            turn + (turns if number < self._readers else uploads)
            for number, turn in enumerate(self._turns)
        ]

        def reached() -> bool:
            for job in self._jobs:
                if job.done():
                    job.result()  # a client that died fails the test
            return all(turn >= aim for turn, aim in zip(self._turns, aims, strict=True))

        servers.until(reached, 4 * PATIENCE)

    def stop(self) -> None:
        """Let every client finish what it is at."""
        self._over.set()
        for job in self._jobs:
            job.result(4 * PATIENCE)
