"""HTTP by hand, for what a well-behaved client cannot send and does not show."""

import socket
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from . import servers


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came: `headers` with lower-case names, repeated ones joined."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


class Wire:
    """One connection."""

    def __init__(self, port: int, *, buffer: int = 0, source: str = "") -> None:
        """`buffer` is the size of the receive buffer in bytes, 0 that of the system; `source`
        the address that the connection comes from."""
        self.socket = socket.socket()
        if source:
            self.socket.bind((source, 0))
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(servers.PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self._data = b""

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def ask(self, target: str, method: str = "GET", body: bytes = b"", **headers: str) -> Reply:
        """Send a request, read its answer; `_` in names of headers stands for `-`."""
        self.send(request(target, method, body, **headers))
        return self.reply(bodiless=method == "HEAD")

    def reply(self, *, bodiless: bool = False) -> Reply:
        """Read one answer, its body by Content-Length; `bodiless` that of a HEAD."""
        head, _, self._data = self._up_to(b"\r\n\r\n").partition(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            key = name.lower()
            headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
        status = int(start.split()[1])
        reply = Reply(status, headers)
        if bodiless or status in (100, 204, 304):
            return reply
        size = int(headers["content-length"])
        while len(self._data) < size:
            self._read()
        body, self._data = self._data[:size], self._data[size:]
        return Reply(status, headers, body)

    def begin(self, target: str, method: str = "GET", **headers: str) -> None:
        """Send a request, read no more than the head of its answer and what comes with it."""
        self.send(request(target, method, **headers))
        self._up_to(b"\r\n\r\n")

    def _up_to(self, mark: bytes) -> bytes:
        while mark not in self._data:
            self._read()
        return self._data

    def _read(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(self._data)
        self._data += data

    def rest(self) -> bytes:
        """Everything until the server closes the connection."""
        try:
            while True:
                self._read()
        except (EOFError, ConnectionResetError):
            return self._data

    def vanish(self) -> None:
        """Break the connection off, as a client that crashes does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()


def request(target: str, method: str = "GET", body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a request; `target` goes out as Latin-1, unescaped."""
    lines = [f"{method} {target} HTTP/1.1", "Host: test"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body and "Content_Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def ask(port: int, target: str, method: str = "GET", body: bytes = b"", **headers: str) -> Reply:
    """One request on a connection of its own."""
    with Wire(port) as connection:
        return connection.ask(target, method, body, **headers)
