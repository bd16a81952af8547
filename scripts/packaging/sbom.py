"""A bill of materials in CycloneDX: the Python distributions that a package brings."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import wheel
from .environment import install
from .requirements import version


def of(python: Path) -> dict[str, Any]:
    """Return the bill of the environment of that Python, the same each time."""
    tool = Path(sys.executable).with_name("cyclonedx-py")
    options = ["--output-reproducible", "--spec-version", "1.6", "--gather-license-texts"]
    command = [str(tool), "environment", *options, "--output-format", "JSON", str(python)]
    bill: dict[str, Any] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    return bill


def with_debian(bill: dict[str, Any], root: Path) -> dict[str, Any]:
    """Return a bill with the packages of Debian that are installed in `root`, too."""
    components = []
    for stanza in (root / "var/lib/dpkg/status").read_text().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line[1:])
        if fields.get("Status") == "install ok installed":
            name, version, architecture = (
                fields[key] for key in ("Package", "Version", "Architecture")
            )
            purl = f"pkg:deb/debian/{name}@{quote(version)}?arch={architecture}"
            components.append(
                {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
            )
    return {**bill, "components": [*bill["components"], *components]}


def make() -> Path:
    """Write dist/liveresize-VERSION.cdx.json."""
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        bill = of(Path(folder) / "bin" / "python")
    path = wheel.DIST / f"liveresize-{version()}.cdx.json"
    path.write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n")
    return path
