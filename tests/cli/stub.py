"""A stand-in for a running server, which keeps its requests and answers as it is told."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

Reply = tuple[int, dict[str, str], bytes]


class Request(NamedTuple):
    """A request that the stub has answered."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Stub(ThreadingHTTPServer):
    """Answers each request with `reply(path)`: by default the one of `replies`, or 404."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[Request] = []
        self.replies: dict[str, Reply] = {}
        self.reply: Callable[[str], Reply] = lambda path: self.replies.get(path, (404, {}, b"no"))
        self.url = f"http://127.0.0.1:{self.server_port}"

    def reply_in_turn(self, answers: Iterable[tuple[int, bytes]]) -> None:
        """Answer the next requests with these."""
        following = iter(answers)

        def reply(path: str) -> Reply:
            status, body = next(following)
            return status, {}, body

        self.reply = reply

    @property
    def paths(self) -> list[str]:
        """The paths of the requests."""
        return [request.path for request in self.requests]


class _Handler(BaseHTTPRequestHandler):
    server: Stub

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.requests.append(Request(self.command, self.path, dict(self.headers), body))
        status, headers, answer = self.server.reply(self.path)
        self.send_response(status)
        if status != 204:
            headers = {**headers, "Content-Length": str(len(answer))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - their names there

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@contextmanager
def running() -> Iterator[Stub]:
    """A stub that answers until the end of the block."""
    with Stub() as one:
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield one
        finally:
            one.shutdown()
            thread.join()
