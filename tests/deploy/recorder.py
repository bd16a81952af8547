"""An instance that keeps what it was sent, for what the real ones do not tell."""

import http.server
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from typing import Self

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""


@dataclass(slots=True)
class Seen:
    """One request; `arrived` counts the bytes of its body as they come."""

    method: str
    target: str
    headers: Message
    arrived: int = 0


@dataclass(slots=True)
class Recorder:
    """Listens on a free port; `answer` makes what is answered, None hangs up."""

    answer: Callable[[Seen], Answer | None] = lambda seen: (200, {}, b"ok")
    seen: list[Seen] = field(default_factory=list)
    _server: http.server.ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                seen = Seen(self.command, self.path, self.headers)
                recorder.seen.append(seen)
                self._read(seen)
                answer = recorder.answer(seen)
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, body = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def _read(self, seen: Seen) -> None:
                left = int(self.headers.get("Content-Length", 0))
                while left:
                    chunk = self.rfile.read1(min(left, 1 << 16))
                    if not chunk:
                        self.close_connection = True
                        return
                    seen.arrived += len(chunk)
                    left -= len(chunk)

            def log_request(self, *_: object) -> None:
                """Say nothing."""

        for method in ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"):
            setattr(Handler, f"do_{method}", Handler.handle_any)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """nginx hangs up when it ends; that is no news."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.server_address[1]
        return port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
