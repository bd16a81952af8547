"""`scripts/bench http2`: the same hits over HTTP/2 and over HTTP/1.1, both with TLS, and a
page of a hundred thumbnails in a browser."""

import re
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from web import certificates

from scripts.benchmarks import corpus, hits, process, report, wrk

THUMBNAILS = 100
ROUNDS = 7

LATENCY = 40
"""Milliseconds that Chromium adds to every request where it plays a mobile network."""

_SHOWN = """
async ([origin, count]) => {
    const began = performance.now();
    await Promise.all(Array.from({length: count}, async (_, at) => {
        const image = new Image();
        image.src = `${origin}/photo_${100 + at}_0.jpg?proxy=true`;
        await image.decode();
        document.body.append(image);
    }));
    return performance.now() - began;
}
"""

_PROTOCOLS = """
() => [...new Set(performance.getEntriesByType('resource').map(each => each.nextHopProtocol))]
"""


def measure(seconds: int) -> list[report.Row]:
    """Hits a second and a page of thumbnails, over HTTP/1.1 and over HTTP/2."""
    for program, package in (("h2load", "nghttp2-client"), ("chromium", "chromium")):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is missing (Debian: apt-get install {package})")
    with _server() as (server, encrypted):
        server.upload("photo", corpus.PHOTO)
        rows = _loads(server, encrypted, seconds)
        _warm(server)
        rows += [(f"{title}, HTTP/2", found) for title, found in _pages(encrypted, "h2")]
    with _server(LIVERESIZE_HTTP2="false") as (server, encrypted):
        server.upload("photo", corpus.PHOTO)
        _warm(server)
        rows += [(f"{title}, HTTP/1.1", found) for title, found in _pages(encrypted, "http/1.1")]
    return rows


@contextmanager
def _server(**keys: str) -> Iterator[tuple[process.Running, str]]:
    """A server on one core, and its address over TLS."""
    port = process.free_port()
    with tempfile.TemporaryDirectory() as name:
        pair = certificates.make(Path(name) / "tls")
        keys |= {
            "LIVERESIZE_TLS__CERTIFICATE": str(pair.certificate),
            "LIVERESIZE_TLS__KEY": str(pair.key),
            "LIVERESIZE_TLS__PORT": str(port),
        }
        with process.server(Path(name), cpus="0", **keys) as server:
            yield server, f"https://127.0.0.1:{port}"


def _loads(server: process.Running, encrypted: str, seconds: int) -> list[report.Row]:
    target = hits.about_40_kb(server)
    hits.settled(server, target)
    rows = []
    for title, path in (
        ("redirect (303)", target),
        ("40 KB from memory (200)", target + "&proxy=true"),
    ):
        load = wrk.run(encrypted + path, connections=32, seconds=seconds, cpus="1")
        rows.append((f"{title}, HTTP/1.1", f"{load.rate:,.0f}/s, {load.percentiles()}"))
        for streams in (1, 10):
            found = _h2load(encrypted + path, streams, seconds)
            rows.append((f"{title}, HTTP/2, {streams} at once a connection", found))
    return rows


def _h2load(url: str, streams: int, seconds: int) -> str:
    """What h2load finds on 32 connections."""
    command = ["taskset", "-c", "1", "h2load", "-c", "32", "-m", str(streams)]
    command += ["-D", str(seconds), "--warm-up-time", "1", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", said)
    failed = re.search(r"(\d+) failed, (\d+) errored", said)
    assert rate is not None, said
    assert failed is not None, said
    assert failed.groups() == ("0", "0"), said
    return f"{float(rate[1]):,.0f}/s"


def _warm(server: process.Running) -> None:
    for width in range(100, 100 + THUMBNAILS):
        server.fetch(f"/photo_{width}_0.jpg?proxy=true")


def _pages(encrypted: str, protocol: str) -> list[report.Row]:
    """A hundred thumbnails, each from memory, shown in a browser that has cached none."""
    options = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    options += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        for latency in (0, LATENCY):
            times = [_page(browser, encrypted, protocol, latency) for _ in range(ROUNDS)]
            title = f"{THUMBNAILS} thumbnails in Chromium"
            if latency:
                title += f", {latency} ms away"
            rows.append((title, f"{statistics.median(times):,.0f} ms"))
        browser.close()
    return rows


def _page(browser: Browser, encrypted: str, protocol: str, latency: int) -> float:
    """Milliseconds until all are decoded, in a context that has neither cache nor connection."""
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    if latency:
        context.new_cdp_session(page).send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": latency,
                "downloadThroughput": -1,
                "uploadThroughput": -1,
            },
        )
    page.goto(f"{encrypted}/_live")
    took = float(page.evaluate(_SHOWN, [encrypted, THUMBNAILS]))
    assert page.evaluate(_PROTOCOLS) == [protocol]
    context.close()
    return took
