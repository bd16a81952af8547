"""docs/changing.md, followed step by step in a copy of the project."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs import guides

PAGE = "docs/changing.md"

COPIED = ("liveresize", "tests", "config", "deploy", "docs", "scripts")

PATIENCE = 600.0
"""Seconds for the tests of one change, on a busy machine too."""

_FAILED = re.compile(r"^(?:FAILED|ERROR) \S+?::(\w+)", re.MULTILINE)
_FENCE = re.compile(r"^```([a-z]+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project, but for what machines have made in it."""
    made = shutil.ignore_patterns("__pycache__", "node_modules", "*.json", "data")
    for name in COPIED:
        shutil.copytree(guides.ROOT / name, tmp_path / name, ignore=made)
    for pattern in ("config/*.example", "pyproject.toml", "*.example", "*.md"):
        for file in guides.ROOT.glob(pattern):
            shutil.copy(file, tmp_path / file.relative_to(guides.ROOT))
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    # Not a link: found by its place, it would take that for a virtual environment.
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    return tmp_path


def section(heading: str) -> str:
    """What stands below a heading of the page."""
    return guides.page(PAGE).split(f"\n## {heading}\n")[1].split("\n## ")[0]


def fences(text: str, language: str) -> list[str]:
    return [body for found, body in _FENCE.findall(text) if found == language]


def change(copy: Path, text: str) -> None:
    """Apply every difference of a section."""
    for difference in fences(text, "diff"):
        subprocess.run(
            ["git", "apply", "-"], input=difference, cwd=copy, text=True, check=True, timeout=60
        )


def run(copy: Path, command: str) -> subprocess.CompletedProcess[str]:
    """A block of the shell, as it stands."""
    options = {"PYTEST_ADDOPTS": "-q -p no:cacheprovider", "PYTHONPATH": str(copy)}
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    return subprocess.run(
        ["sh", "-ec", command],
        cwd=copy,
        env={**environ, **options},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def failing(copy: Path, command: str) -> set[str]:
    """The functions that fail in the tests of a command; that it ran them all is made sure of."""
    ran = run(copy, command)
    assert re.search(r"\d+ passed", ran.stdout), ran.stdout + ran.stderr
    assert "error during collection" not in ran.stdout
    return set(_FAILED.findall(ran.stdout))


def foretold(text: str) -> set[str]:
    """The tests that the last table of a section says will fail."""
    table = text.split("| test | what it wants |")[1].split("\n\n")[0]
    return set(re.findall(r"^\| `(test_\w+)` \|", table, re.MULTILINE))


@pytest.mark.long
@pytest.mark.parametrize("heading", ["An output format", "A fit"])
def test_the_change_fails_what_the_page_says_and_nothing_else(copy: Path, heading: str) -> None:
    """After the differences, the tests of the page that fail are those it lists."""
    text = section(heading)
    change(copy, text)
    (command,) = fences(text, "sh")
    assert failing(copy, command) == foretold(text)


@pytest.mark.long
def test_the_store_of_the_page_passes_all_of_its_tests(copy: Path) -> None:
    """Two new files and the differences are a store that the settings know."""
    text = section("A store")
    store, test = fences(text, "python")
    (copy / "liveresize" / "stores" / "shared_folder.py").write_text(store)
    (copy / "tests" / "stores" / "test_shared_folder.py").write_text(test)
    change(copy, text)
    regenerate, command = fences(text, "sh")
    written = run(copy, regenerate)
    assert written.returncode == 0, written.stderr
    assert failing(copy, command) == set()


def test_every_test_that_the_page_names_is_there() -> None:
    """Names of tests are names of functions in tests/."""
    named = set(re.findall(r"`(test_\w+)`", guides.page(PAGE)))
    written = "\n".join(path.read_text() for path in (guides.ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 12
    assert {name for name in named if f"def {name}(" not in written} == set()


@pytest.mark.parametrize("heading", ["An output format", "A fit", "A store"])
def test_the_differences_apply_to_the_code_as_it_is(copy: Path, heading: str) -> None:
    """Every hunk finds its place."""
    change(copy, section(heading))
