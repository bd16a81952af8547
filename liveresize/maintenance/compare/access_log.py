"""Read the requests of an access log, and draw a sample of them."""

import hashlib
import heapq
import json
import re
import urllib.parse
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

METHODS = ("GET", "HEAD")
"""Methods that change nothing: requests of others are not sent again."""

LONGEST = 8_190
"""Bytes of the longest path with its query; servers and proxies do not accept longer ones."""

_REQUEST_LINE = re.compile(r'"([A-Za-z]{3,20}) +(\S+)(?: +HTTP/[0-9.]+)?"')
"""A request in quotes, as nginx, Apache, HAProxy and load balancers write it."""

_ESCAPED_BYTE = re.compile(r"\\x([0-9A-Fa-f]{2})")
"""A byte that nginx and Apache do not write as it is."""

_LINES = ("request", "request_line")
_TARGETS = ("request_uri", "uri", "url.original", "url", "target")
_METHODS = ("method", "request_method", "http.request.method", "http.method", "verb")
"""Fields of JSON lines, by what they hold: a whole request line, a path with its query, a method.
A path without its query is not among them: it would stand for another rendition."""

_UNESCAPED = "/%?&=+:,;@!$'()*~-._[]"
"""Characters that are sent as they are."""


@dataclass(slots=True)
class Skipped:
    """Lines that are not replayed, by reason."""

    unreadable: int = 0
    method: Counter[str] = field(default_factory=Counter)
    elsewhere: int = 0

    def line(self) -> str:
        """Format the reasons as one line; empty if nothing was skipped."""
        methods = ", ".join(f"{count} {name}" for name, count in sorted(self.method.items()))
        reasons = (
            methods,
            f"{self.unreadable} without a request" if self.unreadable else "",
            f"{self.elsewhere} outside the path of --old" if self.elsewhere else "",
        )
        return "; ".join(reason for reason in reasons if reason)


def request(line: str) -> tuple[str, str] | None:
    """Return the method and the target of the request in a line; None if there is none.

    A line is of the formats `common` or `combined`, of a load balancer, an object in JSON, or just
    a path with its query. The target begins with a slash and is escaped.
    """
    text = line.strip()
    if text.startswith("/"):
        return _request("GET", text)
    if text.startswith("{"):
        return _of_json(text)
    match = _REQUEST_LINE.search(text)
    return _request(match[1], match[2]) if match else None


def _of_json(text: str) -> tuple[str, str] | None:
    try:
        fields = json.loads(text)
    except ValueError:
        return None
    if not isinstance(fields, dict):
        return None
    whole = _first(fields, _LINES).split()
    if len(whole) >= 2:
        return _request(whole[0], whole[1])
    return _request(_first(fields, _METHODS) or "GET", _first(fields, _TARGETS))


def _first(fields: dict[str, object], names: Sequence[str]) -> str:
    return next((value for name in names if isinstance(value := fields.get(name), str)), "")


def _request(method: str, target: str) -> tuple[str, str] | None:
    """Return the request with the path and the query of its target alone."""
    target = _ESCAPED_BYTE.sub(r"%\1", target)
    if "://" in target.partition("/")[0] + "//":
        split = urllib.parse.urlsplit(target)
        target = f"{split.path or '/'}{'?' if split.query else ''}{split.query}"
    target = urllib.parse.quote(target.partition("#")[0], safe=_UNESCAPED, errors="surrogateescape")
    if not target.startswith("/") or len(target) > LONGEST:
        return None
    return method.upper(), target


@dataclass(slots=True)
class Sample:
    """At most `size` distinct targets, each as likely as any other, with how often each came.

    The targets with the smallest hashes are kept, so that the same log and `seed` always give the
    same sample, in memory for `size` of them, and so that the counts are exact: a target that was
    passed over once has a hash above the bound, and the bound only falls.
    """

    size: int
    seed: int = 0
    lines: int = 0
    skipped: Skipped = field(default_factory=Skipped)
    _counts: dict[str, int] = field(default_factory=dict)
    _largest: list[tuple[int, str]] = field(default_factory=list)

    def read(self, lines: Iterable[str], below: str = "") -> None:
        """Take the requests of `lines` whose path is below the path `below`, without it."""
        for line in lines:
            if line.strip():
                self.lines += 1
                self._take(line, below)

    def targets(self) -> list[tuple[str, int]]:
        """Return each target with its number of lines, the most frequent first."""
        return sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))

    def _take(self, line: str, below: str) -> None:
        found = request(line)
        if found is None:
            self.skipped.unreadable += 1
            return
        method, target = found
        if method not in METHODS:
            self.skipped.method[method] += 1
        elif not target.startswith(f"{below}/"):
            self.skipped.elsewhere += 1
        else:
            self._count(target.removeprefix(below))

    def _count(self, target: str) -> None:
        if target in self._counts:
            self._counts[target] += 1
            return
        rank = self._rank(target)
        if len(self._counts) >= self.size:
            largest = -self._largest[0][0]
            if rank >= largest:
                return
            _, dropped = heapq.heapreplace(self._largest, (-rank, target))
            del self._counts[dropped]
        else:
            heapq.heappush(self._largest, (-rank, target))
        self._counts[target] = 1

    def _rank(self, target: str) -> int:
        digest = hashlib.blake2b(f"{self.seed} {target}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big")
