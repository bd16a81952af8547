"""A small HTTP/1.1 client for attacks: it says which address of loopback it comes from."""

import asyncio
import json
from types import TracebackType
from typing import Self


class Client:
    """One keep-alive connection from `source`, an address such as 127.0.0.2."""

    def __init__(self, port: int, source: str) -> None:
        self._port = port
        self._source = source

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    async def _connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port, local_addr=(self._source, 0), limit=1 << 22
        )

    async def ask(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, bytes]:
        """(status, body) of one request; a connection that was closed is opened again.

        The names of headers are given with `_` for `-`.
        """
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        length = 0 if head[9:12] == "304" else int(fields.get("content-length", "0"))
        answer = await self._reader.readexactly(length)
        if fields.get("connection") == "close":
            self._writer.close()
            await self._connect()
        return int(head[9:12]), answer

    async def get(self, path: str) -> int:
        """The status of a GET; the body is read and dropped."""
        return (await self.ask("GET", path))[0]

    async def upload(self, name: str, data: bytes, kind: str = "image/jpeg") -> int:
        """Upload a picture with a token of its own; the status of whichever was refused."""
        status, answer = await self.ask("POST", "/token", json.dumps({"id": name}).encode())
        if status != 200:
            return status
        token = json.loads(answer)["token"]
        return (await self.ask("POST", f"/{name}", data, X_Token=token, Content_Type=kind))[0]
