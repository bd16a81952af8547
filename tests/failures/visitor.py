"""A client that follows redirects, and knows the pictures that it has uploaded."""

from dataclasses import dataclass
from typing import Any

import httpx
from web import pictures, servers

PATIENCE = 90.0
"""Seconds that a client waits for an answer: what is slow is counted, not given up."""

ELSEWHERE = 3.0
"""Seconds that a client waits for what a redirect led to."""

WIDTH, HEIGHT = 64, 48
"""Pixels of every original."""

WIDTHS = range(8, 208, 4)
"""Widths that are asked for; the height is three quarters of each."""


class Wrong(Exception):
    """The answer is not what it should be; the argument says what it was."""


class Refused(Exception):
    """503 with Retry-After."""


class Misled(Exception):
    """The redirect led to nothing."""


@dataclass(frozen=True)
class Sent:
    """A picture that was uploaded: its `shade` is its blue everywhere."""

    name: str
    shade: int

    @property
    def data(self) -> bytes:
        return pictures.png(WIDTH, HEIGHT, self.shade)

    def check(self, data: bytes, width: int) -> None:
        """Raise Wrong unless `data` is this picture, `width` wide."""
        try:
            picture = pictures.opened(data)
        except OSError as error:
            raise Wrong(f"no picture: {error}") from error
        if picture.size != (width, width * HEIGHT // WIDTH):
            raise Wrong(f"size {picture.size}")
        blue = picture.convert("RGB").getchannel(2).getextrema()
        if blue != (self.shade, self.shade):
            raise Wrong(f"another picture: {blue} rather than {self.shade}")


class Visitor(servers.Client):
    """A client of a server that follows redirects as a browser does."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.timeout = httpx.Timeout(PATIENCE)

    def see(self, sent: Sent, path: str, width: int) -> bool:
        """Look at a picture; whether it was behind a redirect. Raises as above."""
        answer = self._ask("GET", path)
        if answer.status_code == 303:
            self._follow(answer.headers["Location"], sent, width)
            return True
        sent.check(answer.content, width)
        return False

    def _follow(self, location: str, sent: Sent, width: int) -> None:
        try:
            answer = self.get(location, timeout=ELSEWHERE)
        except httpx.HTTPError as error:
            raise Misled(repr(error)) from error
        if answer.status_code != 200:
            raise Misled(str(answer.status_code))
        sent.check(answer.content, width)

    def rendition(self, sent: Sent, width: int, query: str = "") -> bool:
        """Look at a rendition, as `see`."""
        return self.see(sent, f"/{sent.name}_{width}_0.png{query}", width)

    def original(self, sent: Sent) -> None:
        """Look at the original."""
        self.see(sent, f"/{sent.name}.png", WIDTH)

    def hand_in(self, sent: Sent) -> None:
        """Upload a picture; returns when that was acknowledged."""
        token = self._ask("POST", "/token", json={"id": sent.name}).json()["token"]
        headers = {"X-Token": token, "Content-Type": "image/png"}
        self._ask("POST", f"/{sent.name}", content=sent.data, headers=headers)

    def _ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """The answer, which is 200 or 303."""
        try:
            answer = self.request(method, path, **given)
        except httpx.HTTPError as error:
            raise Wrong(f"{method} {path}: {error!r}") from error
        if answer.status_code == 503 and "Retry-After" in answer.headers:
            raise Refused(answer.text)
        if answer.status_code not in (200, 303):
            raise Wrong(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer
