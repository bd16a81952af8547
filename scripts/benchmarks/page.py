"""`scripts/bench page`: a page of twelve images that nobody has asked for yet."""

import collections
import contextlib
import http.client
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmarks import corpus, process, report

PICTURES = (
    corpus.PHOTO,
    corpus.FOLDER / "photos" / "006mp-cathedral.jpg",
    corpus.FOLDER / "photos" / "vip-exif_test_img.jpg",
    corpus.FOLDER / "photos" / "012mp-bus.jpg",
)
WIDTHS = (400, 800, 1200)

ACCEPT = "image/avif,image/webp,image/*,*/*;q=0.8"
WANTED = "image/avif"

CONNECTIONS = 6
"""As many as a browser opens to one host over HTTP/1.1."""

ROUNDS = 5

PAUSE = 0.05
"""Seconds between looks at an image that is not AVIF yet."""

PATIENCE = 60
"""Seconds until all images must be AVIF."""

ONE_SPEED = {"LIVERESIZE_AUTO__TWO_SPEED": "false"}
"""AVIF with the first answer: what pages are held against."""


@dataclass(frozen=True)
class Page:
    """How one page was answered: seconds since it was asked for, and ms of processor time.

    `types` counts the media types of the first answers.
    """

    last_byte: float
    all_avif: float
    cpu_ms: float
    types: collections.Counter[str]


def measure(seconds: int) -> list[report.Row]:
    """Seconds until a page of 4 pictures × 3 widths is there, and until all of it is AVIF.

    A server that answers with AVIF at once takes turns with the one that is measured.
    """
    with contextlib.ExitStack() as stack:
        servers = []
        for extra in ({}, ONE_SPEED):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            servers.append(stack.enter_context(process.server(folder, **extra)))
            servers[-1].watched = False
        turns = [[_page(server, f"page{turn}") for server in servers] for turn in range(ROUNDS)]
    pages, before = zip(*turns, strict=True)
    return rows(pages, before)


def rows(pages: Sequence[Page], before: Sequence[Page]) -> list[report.Row]:
    """The medians of all pages, beside those of a server that answers with AVIF at once."""

    def both(figure: Callable[[Page], float]) -> str:
        ours, theirs = (statistics.median(map(figure, each)) for each in (pages, before))
        return f"{ours:.2f} s, AVIF at once: {theirs:.2f} s ({ours / theirs:.2f} ×)"

    types = ", ".join(f"{count} {name}" for name, count in sorted(pages[0].types.items()))
    images = f"{len(PICTURES) * len(WIDTHS)} cold images"
    return [
        (
            f"{images} by `.auto`, {CONNECTIONS} connections: last byte",
            both(lambda page: page.last_byte),
        ),
        ("until all are answered as AVIF", both(lambda page: page.all_avif)),
        ("processor time of the process tree", both(lambda page: page.cpu_ms / 1000)),
        ("media types of the first answers", types),
    ]


def _page(server: process.Running, name: str) -> Page:
    """A page of pictures that were uploaded just now."""
    for number, picture in enumerate(PICTURES):
        server.upload(f"{name}-{number}", picture)
    server.settle()
    paths = [f"/{name}-{number}_{w}_0.auto" for number in range(len(PICTURES)) for w in WIDTHS]
    before, began = server.cpu_ms(), time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as clients:
        types = list(clients.map(lambda path: media_type(server.url + path), paths))
    last_byte = time.monotonic() - began
    # One look at a time, by a request that makes nothing and has no body: asking for all images
    # again and again would take the processor from what they wait for.
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    with contextlib.closing(connection):
        for path, found in zip(paths, types, strict=True):
            while found != WANTED:
                found = _known_type(connection, path)
                if time.monotonic() - began > PATIENCE:
                    raise SystemExit(f"{path} is never answered as {WANTED}")
                if found != WANTED:
                    time.sleep(PAUSE)
    all_avif = time.monotonic() - began
    # What is published after its answer belongs to the page.
    server.settle()
    return Page(last_byte, all_avif, server.cpu_ms() - before, collections.Counter(types))


def media_type(url: str) -> str:
    """The media type of what a browser is given for `url`, read to its end."""
    request = urllib.request.Request(url, headers={"Accept": ACCEPT})
    with urllib.request.urlopen(request) as response:
        response.read()
        found: str = response.headers.get_content_type()
    return found


def _known_type(connection: http.client.HTTPConnection, path: str) -> str:
    """The media type that a browser would be given for `path` without anything being made."""
    connection.request("HEAD", path, headers={"Accept": ACCEPT})
    response = connection.getresponse()
    response.read()
    return response.getheader("Content-Type") or ""
