"""Asks `/_renditions/` for variants that nobody was redirected to."""

import json
import re
import tempfile
import urllib.request
from pathlib import Path

from PIL import Image

from scripts.benchmarks import process
from scripts.benchmarks.process import Running

_TRIES = 120
_CAP = 20
"""Variants that one original may have, where any size is allowed."""

_SIZES = [f"{301 + number}x0-qa82-jpeg" for number in range(_TRIES)]
_EFFECTS = [f"100x0-q50-b{3 + number}-jpeg" for number in range(_TRIES)]

_CASES: tuple[tuple[str, dict[str, str], str, list[str]], ...] = (
    (
        "allowed_sizes",
        {"LIVERESIZE_CONSTRAINTS__ALLOWED_SIZES": '["100x0"]'},
        "/cat_100_0.jpg",
        _SIZES,
    ),
    (
        "presets_only",
        {
            "LIVERESIZE_CONSTRAINTS__PRESETS_ONLY": "true",
            "LIVERESIZE_PRESETS": json.dumps({"card": {"quality": "50"}}),
        },
        "/cat_100_0.jpg?preset=card",
        _EFFECTS,
    ),
    (
        f"any size, at most {_CAP} variants",
        {"LIVERESIZE_CACHE__MAX_VARIANTS": str(_CAP)},
        "/cat_100_0.jpg",
        _SIZES,
    ),
)

_NEVER = (
    "300x0-qa101-jpeg",
    "300x0-qa82-b2-jpeg",
    "300x0-qa82-b1001-jpeg",
    "300x0-qa82-s101-jpeg",
    "300x40-crop-g1001x0-qa82-jpeg",
    "300x0-qa75-jpeg",
    "300x0-qa82-floor-jpeg",
    "300x0-qa82-r45-jpeg",
    "0300x0-qa82-jpeg",
    "9999999999x0-qa82-jpeg",
)
"""Variants that no URL can ask for."""


def run() -> list[tuple[str, object]]:
    """The same number of changed variants under each set of rules, and impossible ones."""
    rows: list[tuple[str, object]] = []
    for name, settings, target, variants in _CASES:
        with tempfile.TemporaryDirectory() as folder:
            rows += _attack(Path(folder), name, settings, target, variants)
    return rows


def _attack(
    folder: Path, name: str, settings: dict[str, str], target: str, variants: list[str]
) -> list[tuple[str, object]]:
    photo = folder / "photo.jpg"
    Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(photo)
    with process.server(folder, **settings) as server:
        server.upload("cat", photo)
        (original,) = (folder / "data" / "originals" / "_main").rglob("cat~*")
        assert server.get(target)[0] == 200
        before = _renders(server)
        place = f"/_renditions/cat/{original.name.rpartition('~')[2]}"
        changed = [server.get(f"{place}/{variant}.jpg")[0] for variant in variants]
        never = [server.get(f"{place}/{variant}.jpg")[0] for variant in _NEVER]
        rendered = _renders(server) - before
        server.settle()
        stored = sum(path.is_file() for path in (folder / "data" / "renditions").rglob("*"))
    return [
        (f"{name}: changed variants answered, of {_TRIES}", changed.count(200)),
        (f"{name}: impossible ones answered, of {len(_NEVER)}", never.count(200)),
        (f"{name}: rendered", rendered),
        (f"{name}: stored, the one that was asked for included", stored),
    ]


def _renders(server: Running) -> int:
    """How many renders have succeeded since the start."""
    with urllib.request.urlopen(f"{server.url}/_metrics") as answer:
        told = answer.read().decode()
    found = re.findall(r'^liveresize_renders_total\{.*outcome="ok".*\} ([0-9.e+]+)$', told, re.M)
    return round(sum(map(float, found)))
