"""The servers that are measured, ours among them, and how each is asked for a picture.

An address is a pattern: `{name}` is the picture, `{w}` and `{h}` the box, `{q}` the
quality, `{n}` a number that no other request of the run has.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmarks import process
from scripts.benchmarks.peers import engines, install

HERE = Path(__file__).parent

Start = Callable[[Path], contextlib.AbstractContextManager[process.Running]]
"""Starts a server of the pictures in a folder."""

EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp", "avif": "avif"}


@dataclass(frozen=True)
class Server:
    """A server: what the tables call it, how it starts, what it is asked.

    `widths` is the address of a JPEG of any width, `box` that of a picture fitted into
    a box by its format; a format that is missing there cannot be done. `baseline` says that
    the JPEGs of `widths` are not progressive. `remark` stands below the tables.
    """

    title: str
    start: Start
    widths: str
    box: dict[str, str]
    remark: str = ""
    baseline: bool = False


def all_servers() -> list[Server]:
    """Ours first."""
    formats = list(EXTENSIONS)
    return [
        Server(
            "liveresize",
            ours(),
            "/{name}_{w}_0.jpg?quality={q}",
            # A landscape runs into the width, whatever the height: each height is new.
            {kind: f"/{{name}}_{{w}}_{{n}}.{EXTENSIONS[kind]}?quality={{q}}" for kind in formats},
            "as it ships: progressive JPEG",
        ),
        Server(
            "liveresize, baseline JPEG",
            ours(LIVERESIZE_ENCODER__JPEG_PROGRESSIVE="false"),
            "/{name}_{w}_0.jpg?quality={q}",
            {},
            "baseline JPEG with optimised tables, as sharp's default is",
            baseline=True,
        ),
        Server(
            "sharp",
            node("sharp_server.mjs"),
            "/{name}.jpg?w={w}&q={q}&f=jpeg",
            {kind: _sharp(kind) for kind in formats},
            f"sharp {install.SHARP} on node's http, no cache, else its defaults; baseline JPEG",
            baseline=True,
        ),
        Server(
            "sharp, progressive JPEG",
            node("sharp_server.mjs"),
            "/{name}.jpg?w={w}&q={q}&f=jpeg&progressive=1",
            {},
            "the same, with progressive JPEG as liveresize ships",
        ),
        Server(
            "ipx",
            node("ipx_server.mjs"),
            "/w_{w},q_{q},f_jpeg/{name}.jpg",
            {kind: _ipx(kind) for kind in formats},
            f"ipx {install.IPX} with the sharp 0.34 that it asks for; progressive JPEG, "
            "AVIF at sharp's default effort 4 (no way to set it)",
        ),
        Server(
            "thumbor",
            thumbor,
            "/unsafe/{w}x0/filters:quality({q}):format(jpeg)/{name}.jpg",
            {
                kind: f"/unsafe/fit-in/{{w}}x{{h}}/filters:quality({{q}}):format({kind})"
                f"/{{name}}.{EXTENSIONS[kind]}"
                for kind in formats
            },
            f"thumbor {install.THUMBOR}, one process a core, nothing stored; progressive JPEG",
        ),
        Server(
            "nginx image_filter",
            nginx,
            "/{w}/-/{q}/{name}.jpg",
            {
                kind: f"/{{w}}/{{h}}/{{q}}/{{name}}.{EXTENSIONS[kind]}"
                for kind in ("jpeg", "png", "webp")
            },
            "Debian's nginx with libgd, one worker a core; baseline JPEG, no colour management, "
            "no orientation",
            baseline=True,
        ),
    ]


def _sharp(kind: str) -> str:
    extra = {"jpeg": "&progressive=1", "avif": "&effort=0"}.get(kind, "")
    return f"/{{name}}.{EXTENSIONS[kind]}?w={{w}}&h={{h}}&q={{q}}&f={kind}{extra}"


def _ipx(kind: str) -> str:
    # A quality would make palettes of PNGs.
    quality = "" if kind == "png" else "q_{q},"
    return f"/s_{{w}}x{{h}},fit_inside,{quality}f_{kind}/{{name}}.{EXTENSIONS[kind]}"


def ours(**extra: str) -> Start:
    """Our own server with some settings; the pictures are uploaded by whoever asks."""

    @contextlib.contextmanager
    def start(folder: Path) -> Iterator[process.Running]:
        data = folder.parent / "liveresize" / str(len(extra))
        data.mkdir(parents=True)
        with process.server(data, LIVERESIZE_ENCODER__AVIF_SPEED="9", **extra) as running:
            yield running

    return start


def node(script: str) -> Start:
    """A server that node runs."""

    @contextlib.contextmanager
    def start(folder: Path) -> Iterator[process.Running]:
        port = process.free_port()
        command = ["node", str(HERE / script), str(install.node()), str(folder), str(port)]
        with process.serving(command, port, folder) as running:
            yield running

    return start


@contextlib.contextmanager
def thumbor(folder: Path) -> Iterator[process.Running]:
    """thumbor, one process a core."""
    port = process.free_port()
    command = [
        *(str(install.thumbor()), "-m", "thumbor.server", "-i", "127.0.0.1", "-p", str(port)),
        *("-c", str(HERE / "thumbor.conf"), "-l", "error", "--processes", str(engines.cores())),
    ]
    with process.serving(command, port, folder) as running:
        yield running


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[process.Running]:
    """nginx, one worker a core."""
    port = process.free_port()
    binary = install.nginx()
    own = folder.parent / "nginx"
    own.mkdir()
    text = (HERE / "nginx.conf").read_text()
    for word, value in {
        "IMAGE_FILTER": str(install.IMAGE_FILTER),
        "CORES": str(engines.cores()),
        "FOLDER": str(own),
        "PICTURES": str(folder),
        "PORT": str(port),
    }.items():
        text = text.replace(word, value)
    (own / "nginx.conf").write_text(f"user root;\n{text}" if os.geteuid() == 0 else text)
    command = [str(binary), "-c", str(own / "nginx.conf"), "-e", str(own / "nginx.log")]
    with process.serving(command, port, folder) as running:
        yield running
