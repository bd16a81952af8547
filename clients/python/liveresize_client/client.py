"""Clients of one server: `Client` waits for answers, `AsyncClient` awaits them."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, Unpack

import httpx

from liveresize_client import calls
from liveresize_client.calls import Call, Changes, Crop, Secrets, Selection, Token, TokenFields

Picture = Path | bytes | BinaryIO
"""Where the bytes of a picture are: a file by its path, bytes, or a file open in binary."""

_TIMEOUT = httpx.Timeout(300.0, connect=10.0)
"""Seconds; long enough for an upload over a slow line."""

_PART = 1 << 16
"""Bytes of a file that are read at a time."""


class Client:
    """A client of the server at `base`, such as `https://images.example.com`.

    `secret` is the server's `secret`, for tokens; `admin` is one of its `admin.secrets`, for
    changes, deletions and lists. `http` is an httpx client to use, with its timeouts and proxies;
    who gives one closes it. Every method raises RefusedByServer and ServerUnavailable.
    """

    def __init__(
        self, base: str, *, secret: str = "", admin: str = "", http: httpx.Client | None = None
    ) -> None:
        self._base = base.rstrip("/")
        self._secrets = Secrets(secret=secret, admin=admin)
        self._own = http is None
        self._http = http or httpx.Client(timeout=_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        if self._own:
            self._http.close()

    def token(self, id: str, **fields: Unpack[TokenFields]) -> Token:  # noqa: A002 (its field)
        """Return a token for one upload as `id`."""
        return calls.token_of(self._send(self._secrets.tokens({"id": id, **fields})))

    def tokens(self, ids: Iterable[str], **fields: Unpack[TokenFields]) -> list[Token]:
        """Return a token for each of `ids`, up to 100; none if one of them is in use."""
        answer = self._send(self._secrets.tokens({**calls.several(ids), **fields}))
        return [calls.token_of(each) for each in answer["tokens"]]

    def upload(
        self, name: str, picture: Picture, *, token: str = "", crop: Crop | None = None
    ) -> dict[str, Any]:
        """Upload a picture as `name`; return the receipt. Without a `token` one is asked for."""
        call = calls.upload(name, token or self.token(name).token, crop)
        if isinstance(picture, Path):
            with picture.open("rb") as file:
                return self._send(call, _parts(file), picture.stat().st_size)
        if isinstance(picture, bytes):
            return self._send(call, picture)
        return self._send(call, _parts(picture))

    def change(self, name: str, *, version: str = "", **changes: Unpack[Changes]) -> dict[str, Any]:
        """Change what is recorded of a picture, if it still has `version`; return all of it."""
        return self._send(self._secrets.change(name, version, changes))

    def facts(self, name: str) -> dict[str, Any]:
        """Return what is known of a picture: with an `admin` secret its record, too."""
        return self._send(self._secrets.facts(name))

    def delete(self, name: str) -> dict[str, Any]:
        """Delete a picture everywhere; return the receipt."""
        return self._send(self._secrets.delete(name))

    def list(self, **selection: Unpack[Selection]) -> Iterator[dict[str, Any]]:
        """Yield the pictures that `selection` chooses, by name, from as many pages as there are."""
        after: str | None = ""
        while after is not None:
            page = self._send(self._secrets.page(after, selection))
            yield from page["pictures"]
            after = page["next"]

    def _send(
        self,
        call: Call,
        content: bytes | Iterator[bytes] | None = None,
        length: int | None = None,
    ) -> dict[str, Any]:
        request = _request(self._http, self._base, call, content, length)
        try:
            response = self._http.send(request)
        except httpx.HTTPError as exc:
            raise _unavailable(self._base, exc) from exc
        return calls.document(response)


class AsyncClient:
    """`Client` for applications with an event loop; see there."""

    def __init__(
        self, base: str, *, secret: str = "", admin: str = "", http: httpx.AsyncClient | None = None
    ) -> None:
        self._base = base.rstrip("/")
        self._secrets = Secrets(secret=secret, admin=admin)
        self._own = http is None
        self._http = http or httpx.AsyncClient(timeout=_TIMEOUT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._own:
            await self._http.aclose()

    async def token(self, id: str, **fields: Unpack[TokenFields]) -> Token:  # noqa: A002 (its field)
        """Return a token for one upload as `id`."""
        return calls.token_of(await self._send(self._secrets.tokens({"id": id, **fields})))

    async def tokens(self, ids: Iterable[str], **fields: Unpack[TokenFields]) -> list[Token]:
        """Return a token for each of `ids`, up to 100; none if one of them is in use."""
        answer = await self._send(self._secrets.tokens({**calls.several(ids), **fields}))
        return [calls.token_of(each) for each in answer["tokens"]]

    async def upload(
        self, name: str, picture: Picture, *, token: str = "", crop: Crop | None = None
    ) -> dict[str, Any]:
        """Upload a picture as `name`; return the receipt. Without a `token` one is asked for.

        Files are read in a thread.
        """
        call = calls.upload(name, token or (await self.token(name)).token, crop)
        if isinstance(picture, Path):
            file = await asyncio.to_thread(picture.open, "rb")
            try:
                size = (await asyncio.to_thread(picture.stat)).st_size
                return await self._send(call, _read(file), size)
            finally:
                await asyncio.to_thread(file.close)
        if isinstance(picture, bytes):
            return await self._send(call, picture)
        return await self._send(call, _read(picture))

    async def change(
        self, name: str, *, version: str = "", **changes: Unpack[Changes]
    ) -> dict[str, Any]:
        """Change what is recorded of a picture, if it still has `version`; return all of it."""
        return await self._send(self._secrets.change(name, version, changes))

    async def facts(self, name: str) -> dict[str, Any]:
        """Return what is known of a picture: with an `admin` secret its record, too."""
        return await self._send(self._secrets.facts(name))

    async def delete(self, name: str) -> dict[str, Any]:
        """Delete a picture everywhere; return the receipt."""
        return await self._send(self._secrets.delete(name))

    async def list(self, **selection: Unpack[Selection]) -> AsyncIterator[dict[str, Any]]:
        """Yield the pictures that `selection` chooses, by name, from as many pages as there are."""
        after: str | None = ""
        while after is not None:
            page = await self._send(self._secrets.page(after, selection))
            for each in page["pictures"]:
                yield each
            after = page["next"]

    async def _send(
        self,
        call: Call,
        content: bytes | AsyncIterator[bytes] | None = None,
        length: int | None = None,
    ) -> dict[str, Any]:
        request = _request(self._http, self._base, call, content, length)
        try:
            response = await self._http.send(request)
        except httpx.HTTPError as exc:
            raise _unavailable(self._base, exc) from exc
        return calls.document(response)


def _request(
    http: httpx.Client | httpx.AsyncClient,
    base: str,
    call: Call,
    content: bytes | Iterator[bytes] | AsyncIterator[bytes] | None,
    length: int | None,
) -> httpx.Request:
    """Return the request for a call; a body of unknown length is sent in chunks."""
    known = {} if length is None else {"Content-Length": str(length)}
    return http.build_request(
        call.method,
        base + call.path,
        params=call.query,
        headers={**call.headers, **known},
        content=call.content if content is None else content,
    )


def _parts(file: BinaryIO) -> Iterator[bytes]:
    while part := file.read(_PART):
        yield part


async def _read(file: BinaryIO) -> AsyncIterator[bytes]:
    while part := await asyncio.to_thread(file.read, _PART):
        yield part


def _unavailable(base: str, error: httpx.HTTPError) -> calls.ServerUnavailable:
    return calls.ServerUnavailable(f"No server can be reached at {base}: {error}.")
