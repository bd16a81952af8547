"""Nothing that goes out tells where, with what, or by whom a picture was taken."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from imaging.uploads import ALLOWED, TELLING

from . import table
from .visits import House

pytestmark = [
    table.needs_corpus,
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed"),
]

NOTHING = re.compile(r"(?!)")


def told(folder: Path) -> list[dict[str, Any]]:
    """All that exiftool finds in the files of a folder, by `group:tag`."""
    command = ["exiftool", "-json", "-G0:1", "-a", "-u", "-ee", "-r", str(folder)]
    answer = subprocess.run(command, capture_output=True, check=False, text=True, timeout=300)
    found: list[dict[str, Any]] = json.loads(answer.stdout)
    return found


def private(entry: dict[str, Any], *, allowed: re.Pattern[str]) -> list[str]:
    """The tags of one file that tell of more than its pixels, except for those `allowed`."""
    return [
        name
        for name in entry
        if (TELLING.search(name) or name.startswith("EXIF:"))
        and not (name.startswith("ICC_Profile") or allowed.fullmatch(name))
    ]


def test_no_original_tells_anything(house: House, tmp_path: Path) -> None:
    """Each original, as anyone can have it, holds orientation, profile, rights and gain map."""
    for number, each in enumerate(table.STORED):
        file = tmp_path / f"{number:03d}.{each.format}"
        file.write_bytes(house.bytes_of(each.path))
    found = told(tmp_path)
    assert len(found) == len(table.STORED)
    for entry in found:
        assert private(entry, allowed=ALLOWED) == [], entry["SourceFile"]


def test_no_rendition_tells_anything(house: House, tmp_path: Path) -> None:
    """Renditions of every file, in one format after the other, have no EXIF and no profile."""
    files = 0
    for number, each in enumerate(table.STORED):
        made = [name for name in table.RENDITIONS if getattr(each, name) == "200"]
        for column in made[number % len(made) :][:1] if made else ():
            data = house.bytes_of(each.path, table.RENDITIONS[column])
            (tmp_path / f"{number:03d}.{column}").write_bytes(data)
            files += 1
    assert files > len(table.STORED) // 2
    found = told(tmp_path)
    assert len(found) == files
    for entry in found:
        assert private(entry, allowed=NOTHING) == [], entry
        assert not [name for name in entry if name.startswith("ICC_Profile")], entry
