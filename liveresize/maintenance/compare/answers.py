"""What a server answers to one request, its redirects followed."""

import asyncio
import dataclasses
import json
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from tornado import httpclient

from liveresize import errors
from liveresize.maintenance import patience
from liveresize.maintenance.compare.similarity import Look

NO_ANSWER = 599
"""The status of an answer that did not come: too late, or a redirect that leads nowhere."""

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5

_PENDING, _LOOKS = 1.0, 20
"""Seconds until the next look at a rendition that is only the first of two, and how many looks."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The facts of an answer.

    `status`, `type` (media type without parameters) and `bytes` are those of the last response,
    `redirect` is the status of the first one if it was a redirect, else 0. `format`, `width` and
    `height` are those of its picture, as it is shown; empty and 0 where there is none.
    `milliseconds` is the time until the last byte.
    """

    status: int
    type: str = ""
    bytes: int = 0
    redirect: int = 0
    format: str = ""
    width: int = 0
    height: int = 0
    milliseconds: float = 0.0

    @property
    def is_picture(self) -> bool:
        return self.status == 200 and self.width > 0

    def seen_as(self, picture: Look) -> Self:
        """Return the answer with what its picture is."""
        return dataclasses.replace(
            self, format=picture.format, width=picture.width, height=picture.height
        )


class Source(Protocol):
    """Where answers come from: a server, or a recording."""

    async def answer(self, target: str) -> tuple[Answer, bytes] | None:
        """Return the answer to `target` and its body; None if nothing is known of it.

        Raises LiveResizeError if the server cannot be reached.
        """


class Server:
    """A running server, at the URL `url`; `headers` go to it and to no other host."""

    def __init__(
        self, url: str, headers: Mapping[str, str], client: httpclient.AsyncHTTPClient
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = headers
        self._client = client

    async def answer(self, target: str) -> tuple[Answer, bytes]:
        for _ in range(_LOOKS):
            answer, body, pending = await self._answer(target)
            if not pending:
                break
            await asyncio.sleep(_PENDING)
        return answer, body

    async def _answer(self, target: str) -> tuple[Answer, bytes, bool]:
        """Return the answer, its body, and whether a better rendition is being made."""
        began = time.monotonic()
        url = self._url + target
        first = response = await self._ask(url)
        for _ in range(_MOST_REDIRECTS):
            location = response.headers.get("Location", "")
            if response.code not in _REDIRECTS or not location:
                break
            url = urllib.parse.urljoin(url, location)
            try:
                response = await self._ask(url)
            except (errors.LiveResizeError, ValueError):
                return Answer(NO_ANSWER, redirect=first.code), b"", False
        body = response.body or b""
        answer = Answer(
            status=NO_ANSWER if response.code in _REDIRECTS else response.code,
            type=response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
            bytes=len(body),
            redirect=first.code if first.code in _REDIRECTS else 0,
            milliseconds=round((time.monotonic() - began) * 1000, 1),
        )
        return answer, body, "X-Pending-Format" in response.headers

    async def _ask(self, url: str) -> httpclient.HTTPResponse:
        own = _origin(url) == _origin(self._url)
        request = httpclient.HTTPRequest(url, headers=dict(self._headers) if own else {})
        return await patience.fetch(self._client, request)


class Recording:
    """The old answers of the report of an earlier comparison, without their bodies."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read the lines of a report. Raises LiveResizeError if it is none."""
        try:
            rows = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
            return cls({str(row["target"]): Answer(**row["old"]) for row in rows})
        except OSError as error:
            raise errors.LiveResizeError(f"{file} cannot be read: {error.strerror}.") from error
        except (ValueError, LookupError, TypeError) as error:
            raise errors.LiveResizeError(f"{file} is not the report of a comparison.") from error

    async def answer(self, target: str) -> tuple[Answer, bytes] | None:
        answer = self._answers.get(target)
        return None if answer is None else (answer, b"")


def _origin(url: str) -> tuple[str, str]:
    split = urllib.parse.urlsplit(url)
    return split.scheme, split.netloc
