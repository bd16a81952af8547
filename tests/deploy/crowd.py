"""Many clients at once that count what becomes of each request."""

import asyncio
import re
from collections import Counter

from web import servers


class Crowd:
    """Clients that ask on kept connections, one request after the other, and never twice."""

    def __init__(self, port: int, paths: list[str]) -> None:
        self._port, self._paths = port, paths
        self._done = False
        self.outcomes: Counter[str] = Counter()
        self.connections = 0

    async def run(self, clients: int) -> None:
        """Ask until `leave`; outcomes are statuses, and the names of what went wrong."""
        await asyncio.gather(*(self._client(number) for number in range(clients)))

    def leave(self) -> None:
        """Let each finish the request that it is at."""
        self._done = True

    async def _client(self, number: int) -> None:
        while not self._done:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError as error:
                self.outcomes[type(error).__name__] += 1
                continue
            self.connections += 1
            try:
                while not self._done and await self._ask(reader, writer, number):
                    number += 1
            except (OSError, asyncio.IncompleteReadError) as error:
                self.outcomes[type(error).__name__] += 1
            finally:
                writer.close()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> bool:
        """One request; returns whether the connection may be used again."""
        path = self._paths[number % len(self._paths)]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with asyncio.timeout(4 * servers.PATIENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = re.search(r"\r\ncontent-length: (\d+)\r\n", head)
            await reader.readexactly(int(length[1]) if length else 0)
        self.outcomes[head.split(" ", 2)[1]] += 1
        return "\r\nconnection: close\r\n" not in head
