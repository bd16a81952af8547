"""A way to a server that breaks again and again: connections end in the middle of what is sent."""

import contextlib
import socket
import struct
import threading
from typing import Self

_CHUNK = 1 << 16

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that lets `close` reset the connection."""


class CuttingProxy:
    """Passes TCP connections on to a port; `times` of them are cut after `size` bytes sent."""

    def __init__(self, port: int, *, times: int, size: int) -> None:
        self._target = ("127.0.0.1", port)
        self._size = size
        self._left = times
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name="proxy")  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._start(self._pass_on, client, server)
                self._start(self._pass_back, server, client)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        sent = 0
        with contextlib.suppress(OSError), client, server:
            while data := client.recv(_CHUNK):
                server.sendall(data)
                sent += len(data)
                if sent > self._size and self._may_cut():
                    for end in (client, server):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                        end.shutdown(socket.SHUT_RDWR)
                    return

    def heal(self) -> None:
        """Cut nothing from now on."""
        with self._lock:
            self._left = 0

    def _may_cut(self) -> bool:
        with self._lock:
            if not self._left:
                return False
            self._left -= 1
            return True

    def _pass_back(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_CHUNK):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(60)
