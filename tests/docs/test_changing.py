"""docs/changing.md: every file and test that it names is there, and its example works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from docs import guides

PAGE = guides.page("docs/changing.md")

SEPIA = """
from PIL import Image
from liveresize.core import urls
from liveresize.core.formats import Format
from liveresize.core.operation import UrlRules
from liveresize.imaging.settings import EngineSettings
from liveresize.imaging.render import render

Image.new("RGB", (40, 30), (90, 90, 90)).save("grey.png")
request = urls.parse("/cat_20_0.png?sepia=true", "", UrlRules())
made = render("grey.png", request.rendition, EngineSettings())
open("brown.png", "wb").write(made.data)
red, green, blue = Image.open("brown.png").convert("RGB").getpixel((9, 9))
assert red > green > blue
plain = urls.parse("/cat.png?sepia=true", "", UrlRules())
assert not plain.stored_will_do("png", animated=False)
print(request.rendition.variant, urls.build(request.image, request.rendition, UrlRules()))
"""


def named(pattern: str) -> set[str]:
    """What stands between backticks on the page and looks like that."""
    return set(re.findall(f"`({pattern})`", PAGE))


def test_every_file_that_the_page_names_is_there() -> None:
    """Files, and folders with a slash at their ends."""
    paths = named(r"[\w./-]+/[\w./-]*|[\w-]+\.(?:md|json|py)(?:\.example)?")
    assert len(paths) > 40
    assert {path for path in paths if not (guides.ROOT / path).exists()} == set()


def test_every_test_that_the_page_names_is_there() -> None:
    """Names of tests are names of functions in tests/."""
    written = "\n".join(path.read_text() for path in (guides.ROOT / "tests").rglob("test_*.py"))
    tests = named(r"test_\w+")
    assert len(tests) > 12
    assert {name for name in tests if f"def {name}(" not in written} == set()


def test_the_filter_of_the_page_is_a_filter(tmp_path: Path) -> None:
    """Its difference is all that it takes: the parser, the engine and the URL know it."""
    copied = tmp_path / "liveresize"
    shutil.copytree(
        guides.ROOT / "liveresize", copied, ignore=shutil.ignore_patterns("__pycache__")
    )
    (difference,) = re.findall(r"^```diff\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    subprocess.run(
        ["git", "apply", "-"], input=difference, cwd=tmp_path, text=True, check=True, timeout=60
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", SEPIA],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "20x0-sepia-png /cat_20_0.png?sepia=true"
