"""`scripts/bench page`: a page of twelve images that nobody has asked for yet."""

import collections
import statistics
import tempfile
import time
import urllib.request
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

PATIENCE = 60
"""Seconds until all images must be AVIF."""


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
    """Seconds until a page of 4 pictures × 3 widths is there, and until all of it is AVIF."""
    with tempfile.TemporaryDirectory() as folder, process.server(Path(folder)) as server:
        server.watched = False
        pages = [_page(server, f"page{turn}") for turn in range(ROUNDS)]
    return rows(pages)


def rows(pages: list[Page]) -> list[report.Row]:
    """The medians of all pages."""
    last_byte = statistics.median(page.last_byte for page in pages)
    all_avif = statistics.median(page.all_avif for page in pages)
    cpu_ms = statistics.median(page.cpu_ms for page in pages)
    types = ", ".join(f"{count} {name}" for name, count in sorted(pages[0].types.items()))
    images = f"{len(PICTURES) * len(WIDTHS)} cold images"
    return [
        (f"{images} by `.auto`, {CONNECTIONS} connections: last byte", f"{last_byte:.2f} s"),
        ("until all are answered as AVIF", f"{all_avif:.2f} s"),
        ("processor time of the process tree", f"{cpu_ms / 1000:.2f} s"),
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
        missing = [path for path, found in zip(paths, types, strict=True) if found != WANTED]
        while missing:
            if time.monotonic() - began > PATIENCE:
                raise SystemExit(f"{missing} are never answered as {WANTED}")
            time.sleep(0.05)
            found = list(clients.map(lambda path: media_type(server.url + path), missing))
            missing = [path for path, one in zip(missing, found, strict=True) if one != WANTED]
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
