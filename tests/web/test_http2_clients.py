"""Clients that others have written: curl, nghttp, h2load, and a browser with a page of a
hundred thumbnails."""

import http.client
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import chromium
from playwright.sync_api import Browser

from liveresize.http.transport.http2 import Http2Connection

from . import certificates, pictures, servers
from .certificates import Pair

pytestmark = pytest.mark.long

THUMBNAILS = 100

PATIENCE = 120.0

PICTURE = pictures.noise(900, 600, quality=80)


def needs(program: str) -> pytest.MarkDecorator:
    """Skips where a program is missing."""
    missing = shutil.which(program) is None
    return pytest.mark.skipif(missing, reason=f"{program} is not installed")


def said(*command: str | Path) -> str:
    """What a command says; fails where it does."""
    ran = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    text = ran.stdout.decode("latin-1") + ran.stderr.decode("latin-1")
    assert ran.returncode == 0, text
    return text


def curl_speaks_it() -> bool:
    """Whether there is a curl that was built with HTTP/2."""
    program = shutil.which("curl")
    return program is not None and "HTTP2" in said(program, "--version")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate."""
    return certificates.make(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def process(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Process]:
    """A server over TLS, as it is run."""
    with servers.Process(tmp_path_factory.mktemp("process"), **pair.keys) as running:
        running.client.put_in("cat", PICTURE)
        assert running.client.get("/cat_300_0.jpg").status_code == 200
        yield running
        assert [line for line in running.lines() if line["level"] == "error"] == []


@pytest.mark.skipif(not curl_speaks_it(), reason="there is no curl that speaks HTTP/2")
def test_curl(process: servers.Process, tmp_path: Path) -> None:
    """Uploads, raw and by a form; fetches, and gets what HTTP/1.1 gives."""
    file, wanted = tmp_path / "cat.jpg", "%{http_version} %{http_code} %{num_connects}"
    file.write_bytes(PICTURE)
    curl: list[str | Path] = ["curl", "--http2", "--silent", "--insecure", "--write-out", wanted]
    for name, more in (
        ("raw", ["-H", "Content-Type: image/jpeg", "--data-binary", f"@{file}"]),
        ("form", ["-F", f"image=@{file}"]),
    ):
        token = process.client.token(name)
        answer = said(*curl, "-H", f"X-Token: {token}", *more, f"{process.url}/{name}")
        assert '"status": "OK"' in answer
        assert answer.endswith("2 200 1")
        out = tmp_path / "out"
        assert said(*curl, "-o", out, f"{process.url}/{name}.jpg") == "2 200 1"
        assert out.read_bytes() == process.client.get(f"/{name}.jpg").content
    targets = f"{process.url}/cat_[300-309]_0.jpg?proxy=true"
    made = said(*curl, "--parallel", "-o", tmp_path / "#1.jpg", targets)
    assert made.count("2 200") == 10


@needs("nghttp")
def test_nghttp(process: servers.Process) -> None:
    """What it says of the frames: no error, and a connection that it ends itself."""
    talk = said("nghttp", "-nv", *[f"{process.url}/cat_300_0.jpg?proxy=true&n={n}" for n in "abc"])
    assert talk.count(":status: 200") == 3
    assert "The negotiated protocol: h2" in talk
    assert "RST_STREAM" not in talk
    assert set(re.findall(r"error_code=(\w+)", talk)) <= {"NO_ERROR"}


@needs("nghttp")
def test_nghttp_uploads_and_is_told_what_it_may_send(
    process: servers.Process, tmp_path: Path
) -> None:
    """With trailers and padding."""
    file = tmp_path / "cat.jpg"
    file.write_bytes(PICTURE)
    token = process.client.token("padded")
    talk = said(
        *("nghttp", "-v", "-b", "100", "-d", file, "--trailer", "x-sum: 1"),
        *("-H", f"X-Token: {token}", "-H", "Content-Type: image/jpeg", f"{process.url}/padded"),
    )
    assert ":status: 200" in talk
    assert process.client.get("/padded.jpg").status_code == 200


@needs("h2load")
def test_h2load(process: servers.Process) -> None:
    """Two thousand requests, ten connections of twenty streams: all of them answered."""
    process.client.get("/cat_300_0.jpg?proxy=true")
    for target in ("/cat_300_0.jpg?proxy=true", "/cat_300_0.jpg", "/cat.jpg", "/_live"):
        report = said("h2load", "-n", "2000", "-c", "10", "-m", "20", process.url + target)
        assert "2000 succeeded, 0 failed, 0 errored, 0 timeout" in report
        (codes,) = re.findall(r"status codes: (\d+) 2xx, (\d+) 3xx, 0 4xx, 0 5xx", report)
        assert sum(map(int, codes)) == 2000
        (rate,) = re.findall(r"finished in .*", report)
        sys.stdout.write(f"\n{target}: {rate}\n")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; while it runs no test of this thread may start a loop."""
    with chromium.running() as one:
        yield one


LOAD = """
async (addresses) => {
    const began = performance.now();
    const pictures = addresses.map((address) => {
        const picture = new Image();
        picture.src = address;
        document.body.append(picture);
        return picture;
    });
    await Promise.all(pictures.map((picture) => picture.decode()));
    const took = performance.now() - began;
    const entries = performance
        .getEntriesByType("resource")
        .filter((entry) => entry.initiatorType === "img");
    return {
        took,
        widths: pictures.map((picture) => picture.naturalWidth),
        protocols: entries.map((entry) => entry.nextHopProtocol),
    };
}
"""
"""Shows all pictures at once; what they are, how they came, and in how many milliseconds."""


@pytest.fixture
def used() -> Iterator[set[object]]:
    """The connections on which requests of HTTP/2 have come in."""
    connections: set[object] = set()
    opened = Http2Connection._open

    def noted(self: Http2Connection, event: Any) -> None:
        connections.add(self)
        opened(self, event)

    with servers.replaced(Http2Connection, "_open", noted):
        yield connections


@chromium.needs_chromium
def test_a_page_of_thumbnails(
    browser: Browser, pair: Pair, launch: Callable[..., servers.Running], used: set[object]
) -> None:
    """All of them come over one connection; beside it, with `-s`, what HTTP/1.1 takes."""
    targets = [f"/cat_{width}_0.jpg?proxy=true" for width in range(60, 60 + THUMBNAILS)]
    took: dict[bool, float] = {}
    both = {http2: launch(**pair.keys, http2=http2) for http2 in (True, False)}
    both[True].client.put_in("cat", PICTURE)
    for running in both.values():
        for target in targets:
            assert running.client.get(target).status_code == 200
    for http2, running in both.items():
        used.clear()
        shown = _shown(browser, running.url, targets)
        assert shown["widths"] == list(range(60, 60 + THUMBNAILS))
        assert shown["protocols"] == ["h2" if http2 else "http/1.1"] * THUMBNAILS
        assert len(used) == http2
        took[http2] = shown["took"]
    sys.stdout.write(
        f"\n{THUMBNAILS} thumbnails: HTTP/2 {took[True]:.0f} ms, HTTP/1.1 {took[False]:.0f} ms\n"
    )


def _shown(browser: Browser, url: str, targets: list[str]) -> dict[str, Any]:
    """What LOAD says, in a context that has seen nothing yet."""
    context = browser.new_context(ignore_https_errors=True)
    try:
        page = context.new_page()
        page.goto(f"{url}/_live")
        result: dict[str, Any] = page.evaluate(LOAD, targets)
        return result
    finally:
        context.close()


def test_python_trusts_nothing_that_is_not_agreed_on(process: servers.Process, pair: Pair) -> None:
    """The standard library, which speaks HTTP/1.1 alone."""
    context = ssl.create_default_context(cafile=str(pair.certificate))
    connection = http.client.HTTPSConnection("127.0.0.1", process.port, context=context)
    connection.request("GET", "/_live")
    answer = connection.getresponse()
    assert (answer.status, answer.version, answer.read()) == (200, 11, b"OK")
    connection.close()
