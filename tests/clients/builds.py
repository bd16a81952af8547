"""The JavaScript client as npm would have it, and a server for its pages."""

import functools
import http.server
import mimetypes
import shutil
import subprocess
from pathlib import Path

import pytest
from browser.applications import Site

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


class Pages(Site):
    """Serves a folder at `url`, from another origin than liveresize's."""

    def __init__(self, folder: Path) -> None:
        class Handler(http.server.SimpleHTTPRequestHandler):
            extensions_map = {**mimetypes.types_map, ".js": "text/javascript"}  # noqa: RUF012

            def log_message(self, *_: object) -> None:
                """Nothing: a browser asks all the time."""

        super().__init__(functools.partial(Handler, directory=str(folder)))
