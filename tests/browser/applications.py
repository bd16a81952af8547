"""An application of another origin: a page, and the server behind it that asks for tokens."""

import http.server
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).parent

_FILES = {
    "/": ("application.html", "text/html; charset=utf-8"),
    "/application.js": ("application.js", "text/javascript; charset=utf-8"),
}


class Site:
    """Serves what a handler answers at `url`.

    Its host is called `localhost` where liveresize's is 127.0.0.1: another origin and
    another site.
    """

    def __init__(self, handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="application"
        )
        self._thread.start()
        self.port: int = self._server.server_address[1]
        self.url = f"http://localhost:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Application(Site):
    """Serves the page of an application; `leave()` is what it answers to POST /leave."""

    def __init__(self, leave: Callable[[], dict[str, Any]]) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                file, kind = _FILES[self.path]
                self._answer((HERE / file).read_bytes(), kind)

            def do_POST(self) -> None:
                self._answer(json.dumps(leave()).encode(), "application/json")

            def _answer(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing: a browser asks all the time."""

        super().__init__(Handler)
