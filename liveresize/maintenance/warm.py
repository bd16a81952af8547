"""Request many renditions from a running server, so that they are stored before clients need them.

Each line of a list is the path of a URL, or the id of a picture, which is requested in every
variant.
"""

import asyncio
import itertools
import json
import re
import urllib.parse
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tornado import httpclient
from tornado.simple_httpclient import HTTPTimeoutError

from liveresize.core import streams
from liveresize.maintenance import patience

_LONGEST_LINE = 8_190
"""The largest length of a path: servers and proxies do not accept longer ones."""

_LINES = 64
"""Lines that are read at a time."""

_UNESCAPED = "/%?&=+:,;@!$'()*~-._"
"""Characters that are not escaped in a path."""

_VARIANT = re.compile(r"(?:[0-9]+_[0-9]+(?:_[0-9]+x)?\.[A-Za-z0-9]+(?:\?\S*)?|\?\S+|\.[a-z]+\S*)")
"""`800_600.webp?fit=crop`, `?s=250` of vip, or `.webp`, the picture in another format."""

_DONE = (200, 303)
_CACHED = ("HIT", "HIT-MEMORY")


class BadLine(ValueError):
    """A line is neither a path nor an id."""


@dataclass(slots=True)
class Tally:
    """The results of a list; `notify` is called with each failure at once."""

    notify: Callable[[str], object]
    rendered: int = 0
    present: int = 0
    bad: int = 0
    failed: int = 0
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def well(self) -> bool:
        """Whether there were no failures."""
        return not (self.bad or self.failed)

    def as_json(self) -> dict[str, int]:
        """Return the results as fields of a JSON document."""
        return {
            "rendered": self.rendered,
            "present": self.present,
            "failed": self.failed,
            "bad_lines": self.bad,
        }

    def line(self) -> str:
        """Format the results as one line."""
        return (
            f"{self.rendered + self.present} warm: {self.rendered} made, "
            f"{self.present} there already; {self.failed} failed, {self.bad} bad lines"
        )


def check_variant(variant: str) -> str:
    """Return the variant. Raises BadLine if it is invalid."""
    if not _VARIANT.fullmatch(variant):
        raise BadLine(f"{variant!r} is no variant such as 800_600.webp?fit=crop or ?s=250.")
    return variant


def paths(line: str, variants: Sequence[str]) -> list[str]:
    """Return the raw paths, with queries, that a line of the list stands for.

    Empty lines, and those that begin with #, are ignored. Raises BadLine.
    """
    text = line.strip()
    if not text or text.startswith("#"):
        return []
    if len(text) > _LONGEST_LINE or not text.isprintable():
        raise BadLine("it is too long, or has characters that are no text")
    if text.startswith("/"):
        return [urllib.parse.quote(text, safe=_UNESCAPED)]
    if not variants:
        raise BadLine("it is no path, and there is no --variant of a picture of that id")
    name = urllib.parse.quote(text, safe="/")
    return [f"/{name}{'' if each[0] in '?.' else '_'}{each}" for each in variants]


class Warming:
    """Requests everything in a list from `server`, a URL, `width` at a time."""

    def __init__(self, server: str, tally: Tally, *, width: int) -> None:
        self._server = server.rstrip("/")
        self._tally = tally
        self._width = width

    async def run(
        self, lines: Iterable[str], variants: Sequence[str], done: Callable[[int], object]
    ) -> None:
        """Request everything. `done` is called with the number of new results, failures included.

        Raises LiveResizeError if the server cannot be reached.
        """
        client = httpclient.AsyncHTTPClient(force_instance=True, max_clients=self._width)

        async def warm(paths: list[str]) -> None:
            # One after the other: a worker that has decoded the picture makes them all.
            for path in paths:
                await self._warm(client, path)
                done(1)

        try:
            await streams.for_each(self._paths(lines, variants), warm, self._width)
        finally:
            client.close()

    async def _paths(
        self, lines: Iterable[str], variants: Sequence[str]
    ) -> AsyncIterator[list[str]]:
        """Yield the paths of each line; the list may come from a pipe that is still open."""
        numbered = enumerate(lines, start=1)
        while batch := await asyncio.to_thread(_next, numbered):
            for number, line in batch:
                try:
                    yield paths(line, variants)
                except BadLine as error:
                    self._tally.bad += 1
                    self._tally.notify(f"line {number}: {error}")

    async def _warm(self, client: httpclient.AsyncHTTPClient, path: str) -> None:
        response = await patience.fetch(client, httpclient.HTTPRequest(self._server + path))
        if isinstance(response.error, HTTPTimeoutError):
            self._fail(path, "no answer in time")
        else:
            self._count(path, response)

    def _count(self, path: str, response: httpclient.HTTPResponse) -> None:
        self._tally.statuses[response.code] += 1
        if response.code not in _DONE:
            self._fail(path, _refusal(response))
        elif response.headers.get("X-Cache") in _CACHED:
            self._tally.present += 1
        else:
            self._tally.rendered += 1

    def _fail(self, path: str, reason: str) -> None:
        self._tally.failed += 1
        self._tally.notify(f"{path}: {reason}")


def _next(lines: Iterator[tuple[int, str]]) -> list[tuple[int, str]]:
    return list(itertools.islice(lines, _LINES))


def _refusal(response: httpclient.HTTPResponse) -> str:
    """Return the reason of a failure, in the words of the server if it sent some."""
    if response.code == 307:
        return f"307: it is too large; {response.headers.get('Location', '')} is not."
    try:
        return f"{response.code}: {json.loads(response.body)['error']}"
    except (ValueError, LookupError, TypeError):
        return f"{response.code}: {response.reason}"
