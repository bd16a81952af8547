"""A receiver of the webhook that behaves as it is told to, and what it has heard."""

import enum
import json
import re
import socketserver
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Self

from web import certificates, servers

MANUAL = Path(__file__).parents[2] / "docs" / "webhook.md"


def is_genuine(header: str, body: bytes, secret: str, tolerance: float = 300) -> bool:
    """What the manual tells receivers to check, run as it stands there."""
    (snippet,) = re.findall(r"```python\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet, names)
    genuine: bool = names["is_genuine"](header, body, secret, tolerance)
    return genuine


def serving(pair: certificates.Pair) -> ssl.SSLContext:
    """What a receiver speaks that has this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


class Manner(enum.Enum):
    """How it treats who calls."""

    CONFIRM = "answers 204"
    FAIL = "answers 500"
    REFUSE = "answers 410"
    REDIRECT = "redirects to another address of its own"
    HANG = "reads, and never answers"
    CLOSE = "reads, and closes"
    CUT = "closes in the middle of its status line"
    BABBLE = "answers with what is no HTTP"
    TRICKLE = "sends the head of its answer a byte at a time, without end"
    LONG = "answers 200, and a body that has no end"


@dataclass(frozen=True)
class Heard:
    """One message: where to, what in its head (lower case), and its bytes."""

    path: str
    headers: dict[str, str]
    body: bytes
    confirmed: bool

    @property
    def said(self) -> dict[str, Any]:
        """Its JSON."""
        document: dict[str, Any] = json.loads(self.body)
        return document

    def genuine(self, secret: str) -> bool:
        """Whether it is signed with that secret."""
        return is_genuine(self.headers["x-liveresize-signature"], self.body, secret)


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver = self.server.receiver
        manner = receiver.manner
        confirmed = manner in (Manner.CONFIRM, Manner.LONG)
        receiver.heard.append(Heard(self.path, headers, body, confirmed))
        self.close_connection = True
        try:
            self._answer(manner)
        except OSError:
            return  # they did not wait for it

    def _answer(self, manner: Manner) -> None:
        over = self.server.receiver.over
        raw = {
            Manner.CONFIRM: b"HTTP/1.1 204 No Content\r\n\r\n",
            Manner.FAIL: b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
            Manner.REFUSE: b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
            Manner.REDIRECT: b"HTTP/1.1 307 There\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
            Manner.CUT: b"HTTP/1.1 20",
            Manner.BABBLE: b"hello\r\n\r\n",
            Manner.TRICKLE: b"HTTP/1.1 200 OK\r\nX: ",
            Manner.LONG: b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
        }
        self.wfile.write(raw.get(manner, b""))
        if manner is Manner.HANG:
            over.wait()
        while manner is Manner.TRICKLE and not over.wait(0.05):
            self.wfile.write(b"x")
        while manner is Manner.LONG and not over.is_set():
            self.wfile.write(b"x" * 4096)

    def log_message(self, *_: Any) -> None:
        """Tests ask what was heard."""


class _Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, receiver: "Receiver", port: int) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", port), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        context = self.receiver.context
        if context is None:
            super().finish_request(request, client_address)
            return
        try:
            secure = context.wrap_socket(request, server_side=True)
        except OSError:
            self.receiver.strangers += 1
            return  # they do not trust us
        with secure:
            super().finish_request(secure, client_address)


class Receiver:
    """A server in threads of this process; a context manager, which may be entered again.

    `heard` is every message in order, `strangers` the handshakes that came to nothing.
    """

    def __init__(self, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self.manner = Manner.CONFIRM
        self.heard: list[Heard] = []
        self.strangers = 0
        self.context = context
        self.port = port
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """Its address, which holds two secrets."""
        scheme = "http" if self.context is None else "https"
        return (
            f"{scheme}://robot:hidden-password@127.0.0.1:{self.port}/hooks/hidden-path?k=hidden-key"
        )

    @property
    def confirmed(self) -> list[dict[str, Any]]:
        """What was said in the messages that it has answered with success, each delivery once:
        an answer may be late, and is then asked for again."""
        said = [each.said for each in list(self.heard) if each.confirmed]
        return list({each["delivery"]: each for each in said}.values())

    def hears(self, count: int, patience: float = servers.PATIENCE) -> list[Heard]:
        """The first `count` messages, once they are there."""
        servers.until(lambda: len(self.heard) >= count, patience)
        return self.heard[:count]

    def confirms(self, count: int, patience: float = servers.PATIENCE) -> list[dict[str, Any]]:
        """The first `count` deliveries that it has confirmed, once they are there."""
        servers.until(lambda: len(self.confirmed) >= count, patience)
        return self.confirmed[:count]

    def __enter__(self) -> Self:
        self.over.clear()
        self._server = _Server(self, self.port)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()  # waits for its threads
