"""The examples for PHP, Ruby and Go write the URLs and signatures of all clients."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import scripts.client_cases
from liveresize.core.parameters import KNOWN
from liveresize.core.part_rows import rect_text
from liveresize.urls.address import _text

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "languages"
EXAMPLES = ROOT / "docs" / "examples"

OWN = ("base", "density", "format", "key", "exp")
"""Options that are no parameters of a URL."""


def calls() -> Iterator[tuple[dict[str, Any], str]]:
    """What the examples can do, and what must come out: parameters are sorted there.

    They check nothing, so that cases with errors are left out; so are other spellings of an
    extension.
    """
    written = json.loads(scripts.client_cases.PATH.read_text(encoding="utf-8"))
    for case in written["cases"]:
        options = case.get("options", {})
        spelled = options.get("format", "auto")
        if "error" in case or spelled != spelled.lower():
            continue
        if case["call"] == "sign":
            yield {**case, "key": written["key"]}, case["result"]
        elif case["call"] == "url" and "key" not in options:
            parameters = {
                name: rect_text(value) if name == "rect" else value
                for name, value in options.items()
                if name not in OWN and value is not None
            }
            texts = {
                name: _text(tuple(value) if isinstance(value, list) else value)
                for name, value in parameters.items()
            }
            asked = {
                **{each: case[each] for each in ("call", "name", "width", "height")},
                "density": options.get("density", 1),
                "format": spelled,
                "base": options.get("base", ""),
                "parameters": parameters,
                "texts": texts,
            }
            yield asked, in_order(case["result"])


def in_order(url: str) -> str:
    path, mark, query = url.partition("?")
    return path + mark + "&".join(sorted(query.split("&")))


def check(command: list[str | Path], folder: Path = ROOT) -> None:
    """Run all calls in one process, and compare."""
    asked, expected = zip(*calls(), strict=True)
    ran = subprocess.run(
        command,
        cwd=folder,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"},
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    wrong = [pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1]]
    assert wrong == []


@pytest.mark.skipif(shutil.which("php") is None, reason="scripts/test --all installs php-cli")
def test_php() -> None:
    check(["php", HERE / "cases.php", EXAMPLES / "liveresize.php"])


@pytest.mark.skipif(shutil.which("ruby") is None, reason="scripts/test --all installs ruby")
def test_ruby() -> None:
    check(["ruby", HERE / "cases.rb", EXAMPLES / "liveresize.rb"])


@pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go")
def test_go(tmp_path: Path) -> None:
    """It is formatted and has nothing that `go vet` finds."""
    (tmp_path / "liveresize").mkdir()
    shutil.copy(EXAMPLES / "liveresize.go", tmp_path / "liveresize")
    shutil.copy(HERE / "main.go", tmp_path)
    (tmp_path / "go.mod").write_text("module example.com/cases\n\ngo 1.19\n")
    for command in (["gofmt", "-l", "."], ["go", "vet", "./..."]):
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    check(["go", "run", "."], tmp_path)


@pytest.mark.parametrize("name", ["liveresize.php", "liveresize.rb", "liveresize.go"])
def test_each_knows_every_parameter_that_is_signed(name: str) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    listed = re.search(r"SIGNED = (?:\[|%w\[)(.*?)\]|strings\.Fields\(`(.*?)`\)", text, re.DOTALL)
    assert listed is not None
    words = re.findall(r"[a-z_]+", listed[1] or listed[2])
    assert words == [each for each in KNOWN if each != "sig"]
