"""The JavaScript client as npm would have it, and a server for its pages."""

import http.server
import mimetypes
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "clients" / "js"
MODULES = SOURCE / "node_modules"

needs_npm = pytest.mark.skipif(
    not (MODULES / ".installed").exists() or shutil.which("node") is None,
    reason="scripts/test --all fetches what clients/js is built with, with npm",
)


def node(*arguments: object, folder: Path = ROOT) -> str:
    """What Node prints."""
    ran = subprocess.run(
        ["node", *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def build(target: Path) -> None:
    """Compile the client into `target`."""
    compiler = MODULES / "typescript" / "bin" / "tsc"
    node(compiler, "--project", SOURCE, "--outDir", target)
    for path in target.rglob("*.js"):
        assert path.with_suffix(".d.ts").exists()


def package(target: Path) -> Path:
    """The folder of the client as `npm pack` packs it, unpacked in `target`."""
    source = target / "source"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (source / "node_modules").symlink_to(MODULES)
    subprocess.run(
        ["npm", "pack", "--silent", "--pack-destination", target],
        cwd=source,
        capture_output=True,
        check=True,
    )
    (archive,) = target.glob("*.tgz")
    shutil.unpack_archive(archive, target)
    return target / "package"


class Pages:
    """Serves a folder at `url`, from another origin than liveresize's."""

    def __init__(self, folder: Path) -> None:
        class Handler(http.server.SimpleHTTPRequestHandler):
            extensions_map = {**mimetypes.types_map, ".js": "text/javascript"}  # noqa: RUF012

            def __init__(self, *arguments: Any) -> None:
                super().__init__(*arguments, directory=str(folder))

            def log_message(self, *_: object) -> None:
                """Nothing: a browser asks all the time."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="pages"
        )
        self._thread.start()
        self.url = f"http://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
