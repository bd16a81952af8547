"""docs/licences.md: the licence of all that an installation brings along.

Read from the distributions that are installed in .venv; what they do not say in SPDX's words, and
the native libraries that wheels bring along, are told by the tables here.
"""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .requirements import ROOT

PAGE = ROOT / "docs" / "licences.md"

SPOKEN = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "MIT License": "MIT",
    "The MIT License (MIT)": "MIT",
}
"""What distributions say of their licences, and how SPDX calls it."""

UNSAID = {
    "cykooz-resizer": "MIT OR Apache-2.0",
    "pi-heif": "BSD-3-Clause",
    "uvloop": "MIT OR Apache-2.0",
}
"""Licences that a distribution gives in a file, or in more than one way."""

NATIVE = {
    "libXau": "MIT",
    "libavif": "BSD-2-Clause; with dav1d (BSD-2-Clause) and libaom (BSD-2-Clause)",
    "libbrotlicommon": "MIT",
    "libbrotlidec": "MIT",
    "libde265": "LGPL-3.0-or-later",
    "libfreetype": "FTL",
    "libharfbuzz": "MIT",
    "libheif": "LGPL-3.0-or-later",
    "libjpeg": "IJG AND BSD-3-Clause AND Zlib",
    "liblcms2": "MIT",
    "liblzma": "0BSD",
    "libopenjp2": "BSD-2-Clause",
    "libpng16": "libpng-2.0",
    "libsharpyuv": "BSD-3-Clause",
    "libtiff": "libtiff",
    "libwebp": "BSD-3-Clause",
    "libwebpdemux": "BSD-3-Clause",
    "libwebpmux": "BSD-3-Clause",
    "libxcb": "MIT",
    "libzstd": "BSD-3-Clause",
}
"""Shared libraries in wheels that every installation has, and their licences."""

GPL = re.compile(r"(?<!L)GPL")

HEAD = """\
# Licences

What an installation of liveresize brings along, and under which licence. Written by
`scripts/packages licences` from what the distributions say of themselves; a test holds that nothing
here is under the GPL or AGPL, and that the page is complete. liveresize itself is under the
[MIT licence](../LICENSE).

`dist/liveresize-VERSION.cdx.json` (`scripts/packages sbom`) has the same for programs, with
versions, as CycloneDX.
"""

LESSER = """\

libheif and libde265 are under the LGPL: shared libraries of their own, which may be replaced by
others of the same interface. They only decode; x265, the encoder under the GPL that `pillow-heif`
brings, is not there: liveresize uses `pi-heif`.
"""

ABOUT = {
    "jxl": """\
JPEG XL, not installed unless asked for. The wheel of imagecodecs brings several dozen codecs, whose
licences are in it; liveresize loads libjxl (BSD-3-Clause) alone.""",
    "otel": "Traces, not installed unless asked for.",
}
"""What is said of the extras."""

OWN = ("docs", "test", "dev")
"""Extras of those who work on the project."""

_LISTED = """
import json, importlib.metadata as m
print(json.dumps([{
    "name": d.metadata["Name"], "licence": d.metadata["License-Expression"] or "",
    "said": (d.metadata["License"] or "").strip().split("\\n")[0],
    "requires": d.requires or [], "files": [str(f) for f in d.files or []],
    "page": (d.metadata["Home-page"] or ""),
} for d in m.distributions()]))
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A distribution: its licence in SPDX's words, and the shared libraries that it brings."""

    name: str
    licence: str
    libraries: tuple[str, ...]


def write() -> Path:
    """Write the page. Raises SystemExit if a licence is not known, or is the GPL."""
    PAGE.write_text(page())
    return PAGE


def page() -> str:
    """Return the text of the page, for what is installed. Raises SystemExit, as `write`."""
    default = needed()
    rows = [f"| {each.name} | {each.licence} | {_native(each)} |" for each in default]
    table = "| distribution | licence | native libraries in its wheel |\n|---|---|---|\n"
    parts = [HEAD, "\n## In every installation\n\n", table, "\n".join(rows), "\n", LESSER]
    for extra in extras():
        more = [each for each in needed(extra) if each not in default]
        parts += [f"\n## With the extra `{extra}`\n\n{ABOUT[extra]}\n\n"]
        parts += ["| distribution | licence |\n|---|---|\n"]
        parts += [f"| {each.name} | {_checked(each.name, each.licence)} |\n" for each in more]
    return "".join(parts)


def extras() -> list[str]:
    """Return the extras that a server may be installed with."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = project["optional-dependencies"]
    return [name for name, wanted in asked.items() if wanted and name not in OWN]


def _checked(name: str, licence: str) -> str:
    if GPL.search(licence):
        raise SystemExit(f"{name} is under the GPL, which nothing may be: {licence}")
    return licence


def _native(found: Found) -> str:
    told = []
    for library in found.libraries:
        if library not in NATIVE:
            raise SystemExit(f"{found.name} brings {library}: add its licence to NATIVE.")
        told.append(f"{library} ({NATIVE[library]})")
    _checked(found.name, found.licence)
    return _checked(found.name, ", ".join(told))


def needed(*extras: str) -> list[Found]:
    """Return what liveresize requires, and what that requires, by name."""
    python = ROOT / ".venv" / "bin" / "python"
    told = subprocess.run([python, "-c", _LISTED], check=True, capture_output=True, text=True)
    installed = {_plain(each["name"]): each for each in json.loads(told.stdout)}
    seen: dict[str, Found] = {}
    waiting: list[tuple[str, tuple[str, ...]]] = [("liveresize", extras)]
    while waiting:
        name, wanted = waiting.pop()
        if name in seen:
            continue
        each = installed[name]
        seen[name] = Found(each["name"], _licence(each), tuple(sorted(_libraries(each["files"]))))
        waiting += [found for found in _required(each["requires"], wanted) if found[0] in installed]
    del seen["liveresize"]
    return [seen[name] for name in sorted(seen)]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _required(
    lines: Iterable[str], extras: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield names and their extras; markers of other systems count, since they may be installed."""
    for line in lines:
        asked, _, marker = line.partition(";")
        extra = re.search(r"""extra\s*==\s*['"]([^'"]+)""", marker)
        if extra and extra[1] not in extras:
            continue
        found = re.match(r"([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?", asked.strip())
        if found:
            wanted = tuple(part.strip() for part in (found[2] or "").split(",") if part.strip())
            yield _plain(found[1]), wanted


def _licence(each: dict[str, str]) -> str:
    name, said = _plain(each["name"]), each["licence"] or each["said"]
    told = UNSAID.get(name) or next(
        (spdx for spoken, spdx in SPOKEN.items() if said.startswith(spoken)), said
    )
    if not told:
        raise SystemExit(f"{each['name']} does not say its licence: add it to UNSAID.")
    return told


def _libraries(files: Iterable[str]) -> set[str]:
    """Return the names of the shared libraries that a wheel brings beside its modules."""
    beside = [file for file in files if ".libs/" in file]
    return {re.split(r"-[0-9a-f]{6,}|\.so", file.rpartition("/")[2])[0] for file in beside}
