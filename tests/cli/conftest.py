"""What runs a command, and a stand-in for the server that it talks to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import stub
from liveresize import cli

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder; `answers` is its stdin, keywords its environment."""
    monkeypatch.chdir(tmp_path)

    def runner(*arguments: str, answers: str | bytes = "", **environ: str) -> Result:
        for name in ("PORT", "NODE_ENV", "NODE_CONFIG_DIR", "LIVERESIZE_CORPUS"):
            environ.setdefault(name, "")
        return CliRunner().invoke(cli.main, arguments, env=environ, input=answers)

    return runner


@pytest.fixture
def server() -> Iterator[stub.Stub]:
    """Stands in for a running server."""
    with stub.running() as one:
        yield one
