"""Uploads that can be resumed, by hand: a request for each step of the protocol."""

import base64
import hashlib
from typing import Any

import httpx

from liveresize.core import tokens

from . import servers

PART = "application/offset+octet-stream"


def metadata(**pairs: str) -> str:
    """The header Upload-Metadata."""
    return ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items()
    )


def checksum(data: bytes, algorithm: str = "sha256") -> str:
    """The header Upload-Checksum."""
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def id_of(url: str) -> str:
    """The id of an upload, which is secret."""
    return url.rpartition("/")[2]


def key(url: str) -> str:
    """The name of the file with the bytes of an upload."""
    return tokens.digest(id_of(url))


class Tus:
    """A client of one server."""

    def __init__(self, web: servers.Client) -> None:
        self.web = web

    def ask(
        self, method: str, path: str, content: bytes | None = None, **headers: Any
    ) -> httpx.Response:
        """Send a request of the protocol; `_` in names of headers is `-`, None leaves one out."""
        wanted = {"Tus-Resumable": "1.0.0"} | {k.replace("_", "-"): v for k, v in headers.items()}
        kept = {name: str(value) for name, value in wanted.items() if value is not None}
        return self.web.request(method, path, content=content, headers=kept)

    def create(
        self,
        name: str,
        token: str | None,
        length: int,
        content: bytes | None = None,
        **headers: Any,
    ) -> httpx.Response:
        """Create an upload."""
        kind = {"Content_Type": PART} if content is not None else {}
        return self.ask(
            "POST",
            f"/_uploads/{name}",
            content,
            **{"X_Token": token, "Upload_Length": length, **kind, **headers},
        )

    def begun(self, name: str, token: str, length: int, **headers: Any) -> str:
        """Create an upload, and return its URL."""
        answer = self.create(name, token, length, **headers)
        assert answer.status_code == 201, answer.text
        location: str = answer.headers["Location"]
        return location

    def patch(self, url: str, offset: int, data: bytes, **headers: Any) -> httpx.Response:
        """Send a part."""
        return self.ask(
            "PATCH", url, data, **{"Upload_Offset": offset, "Content_Type": PART, **headers}
        )

    def offset(self, url: str) -> int:
        """The offset that HEAD tells."""
        answer = self.ask("HEAD", url)
        assert answer.status_code == 200, answer.status_code
        return int(answer.headers["Upload-Offset"])
