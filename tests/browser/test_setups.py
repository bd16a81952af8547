"""The studio of servers that are set up otherwise."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect
from web import servers

from . import scenes
from .chromium import Visit, needs_chromium
from .studio import Studio

pytestmark = [pytest.mark.long, needs_chromium]

Open = Callable[..., Visit]

KEY = "a key that signs the addresses of this server"

PREFIX = "/pictures"


@contextmanager
def forwarded(process: servers.Process) -> Iterator[str]:
    """The address of a proxy that has the server under PREFIX."""
    with httpx.Client(base_url=process.url, timeout=servers.PATIENCE) as client:

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                asked = {key: value for key, value in self.headers.items() if key != "Host"}
                target = self.path.removeprefix(PREFIX)
                if target == self.path:
                    self.send_error(404)
                    return
                answer = client.request(
                    self.command, target, content=self.rfile.read(size), headers=asked
                )
                self.send_response(answer.status_code)
                for key, value in answer.headers.items():
                    if key not in ("content-encoding", "content-length", "transfer-encoding"):
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Nothing: a browser asks all the time."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="proxy")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def test_behind_a_prefix(visit: Open, bare: servers.Process, name: str) -> None:
    """A proxy has put the server under a path: every address of the page begins with it."""
    with forwarded(bare) as url:
        visited = visit(url)
        studio = Studio(visited, bare)
        studio.page.goto(f"{url}{PREFIX}/_studio")
        studio.entered()
        assert studio.page.url == f"{url}{PREFIX}/_studio/"
        studio.upload(scenes.photo(), name)
        assert studio.shown().startswith(f"{PREFIX}/{name}_")
        address = studio.field("textbox", "URL").input_value()
        assert address.startswith(f"{url}{PREFIX}/{name}_")
        assert "".join(scenes.corners(studio.pixels())) == "RGBY"
        outside = [each for each in visited.asked if f"{PREFIX}/" not in each]
        assert [each for each in outside if each.startswith("http")] == []
        visited.context.close()  # while there is still an answer to what it asks


def test_originals_that_are_not_public(visit: Open, tmp_path: Path, name: str) -> None:
    """A rendition stands for the original; there are no facts, which is said."""
    with servers.Process(tmp_path, studio=True, originals__public=False) as process:
        visited = visit(process.url)
        visited.expect("status of 404")
        studio = Studio(visited, process)
        studio.enter(secret="")
        studio.upload(scenes.photo(), name)
        expect(studio.page.locator("#facts")).to_contain_text("not public")
        image = studio.page.locator("#original-image")
        servers.until(lambda: image.evaluate("(image) => image.naturalWidth") == scenes.WIDTH)
        assert "".join(scenes.corners(studio.pixels())) == "RGBY"


def test_addresses_that_want_a_signature(visit: Open, tmp_path: Path, name: str) -> None:
    """The picture goes in; that the page may not look at it is said."""
    with servers.Process(
        tmp_path, studio=True, signing__required=True, signing__keys=[KEY]
    ) as process:
        visited = visit(process.url)
        visited.expect("status of 403")
        studio = Studio(visited, process)
        studio.enter(secret="")
        studio.choose(scenes.photo())
        studio.field("textbox", "Id").fill(name)
        studio.button("Upload").click()
        expect(studio.page.locator("#upload-said")).to_contain_text("signature")
        expect(studio.status).to_contain_text(f"Uploaded {name}")


def test_sizes_that_are_listed(visit: Open, tmp_path: Path, name: str) -> None:
    """One of them is shown; another one is refused in words."""
    with servers.Process(
        tmp_path,
        studio=True,
        signing__keys=[KEY],
        constraints__allowed_sizes=["200x0", "96x96", "480x320"],
    ) as process:
        visited = visit(process.url)
        visited.expect("status of 403")
        studio = Studio(visited, process)
        studio.enter(secret="")
        studio.upload(scenes.photo(), name)
        studio.field("spinbutton", "Width").fill("201")
        studio.field("spinbutton", "Height").fill("")
        studio.failed("sign", "rendition-said")
        studio.field("spinbutton", "Width").fill("200")
        studio.shown("_200_0.")
        assert studio.pixels().width == 200
        studio.view("Code")
        expect(studio.page.get_by_text("signed on your server")).to_be_visible()
