"""Builds the site, with warnings as errors."""

import shutil
import subprocess
import sys
from pathlib import Path

from scripts.benchmarks.process import ROOT

SITE = ROOT / "build" / "site"

FIRST = "docs/index.html"

ENTRANCE = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>liveresize</title>
<meta http-equiv="refresh" content="0; url={FIRST}">
<a href="{FIRST}">liveresize</a>
</html>
"""
"""The page at the root of the site: the pages keep the folders that they have in the project."""


class BuildFailed(Exception):
    """Sphinx found something wrong with a page."""


def build(target: Path = SITE) -> None:
    """Build all of it anew into `target`. Raises BuildFailed."""
    shutil.rmtree(target, ignore_errors=True)
    doctrees = target.with_name(target.name + "-doctrees")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-n", "-W", "--keep-going", "-E"]
    folders = ["-c", str(ROOT / "docs"), "-d", str(doctrees), str(ROOT), str(target)]
    ran = subprocess.run(
        [*command, *folders], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    shutil.rmtree(doctrees, ignore_errors=True)
    if ran.returncode:
        raise BuildFailed(ran.stdout.strip())
    (target / "index.html").write_text(ENTRANCE)
