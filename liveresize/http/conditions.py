"""Conditional requests and ranges (RFC 9110 §13, §14).

Pure functions of the headers of a request and the validators of a picture.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Self

from liveresize.core import numbers

_NAMES = frozenset({"If-None-Match", "Range", "If-Range", "If-Modified-Since"})


@dataclass(frozen=True, slots=True)
class Conditionals:
    """The request headers that change a response."""

    method: str = "GET"
    if_none_match: str = ""
    range: str = ""
    if_range: str = ""
    if_modified_since: str = ""

    @classmethod
    def of(cls, method: str, headers: Mapping[str, str]) -> Self:
        """Read them from all headers of a request, of which most have none."""
        if _NAMES.isdisjoint(headers):
            return cls(method)
        return cls(
            method,
            headers.get("If-None-Match", ""),
            headers.get("Range", ""),
            headers.get("If-Range", ""),
            headers.get("If-Modified-Since", ""),
        )


@functools.lru_cache(maxsize=1024)
def http_date(second: int) -> str:
    """Format Unix seconds as an HTTP date; cached, because most hits need the same two."""
    return formatdate(second, usegmt=True)


@dataclass(frozen=True, slots=True)
class Validators:
    """The validators of one version of a picture.

    `etag` is the SHA-256 of the bytes in hex, `modified_at` Unix seconds; empty and 0 if they
    are unknown or not sent.
    """

    etag: str = ""
    modified_at: float = 0.0

    @property
    def last_modified(self) -> str:
        """The value of `Last-Modified`, in whole seconds."""
        return http_date(int(self.modified_at))


def matches(if_none_match: str, etag: str) -> bool:
    """Whether the `If-None-Match` list names `etag` (weak comparison, RFC 9110 §13.1.2)."""
    if not if_none_match or not etag:
        return False
    if if_none_match.strip() == "*":
        return True
    return any(
        candidate.strip().removeprefix("W/") == f'"{etag}"'
        for candidate in if_none_match.split(",")
    )


_TAG = re.compile(r"""[ \t]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,|\Z)""")


def matching(if_match: str) -> frozenset[str] | None:
    """Return the tags of an `If-Match` list; None is any (`*`).

    Weak tags never match (RFC 9110 §13.1.1). What is no list of tags matches nothing.
    """
    if if_match.strip() == "*":
        return None
    tags, position = set(), 0
    while position < len(if_match):
        match = _TAG.match(if_match, position)
        if match is None:
            return frozenset()
        if not match[1]:
            tags.add(match[2])
        position = match.end()
    return frozenset(tags)


def unchanged(conditionals: Conditionals, validators: Validators) -> bool:
    """Whether the client has these bytes; with `If-None-Match` only the ETag counts."""
    if conditionals.if_none_match:
        return matches(conditionals.if_none_match, validators.etag)
    if not conditionals.if_modified_since or not validators.modified_at:
        return False
    since = numbers.http_instant(conditionals.if_modified_since)
    return since is not None and int(validators.modified_at) <= since


_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")


def part(conditionals: Conditionals, validators: Validators, size: int) -> tuple[int, int] | None:
    """Return (start, length) of the requested range; None is the whole.

    A range with the length 0 cannot be satisfied. Several ranges at once are ignored, as
    RFC 9110 §14.2 allows.
    """
    match = _RANGE.fullmatch(conditionals.range.strip())
    if match is None or conditionals.method != "GET":
        return None
    if conditionals.if_range and not _still(conditionals.if_range.strip(), validators):
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        length = min(numbers.digits(suffix), size)
        return size - length, length
    start = numbers.digits(first)
    if last and numbers.digits(last) < start:
        return None
    end = min(numbers.digits(last), size - 1) if last else size - 1
    return start, max(0, end - start + 1)


def _still(if_range: str, validators: Validators) -> bool:
    """Whether `If-Range` has the ETag or the exact date of this version."""
    if if_range == f'"{validators.etag}"':
        return bool(validators.etag)
    return bool(validators.modified_at) and if_range == validators.last_modified
