"""Cleaning real pictures from many cameras and programs, where the corpus is at hand."""

import json
import pathlib
import shutil
import subprocess

import pytest

from . import uploads

pytestmark = pytest.mark.skipif(
    not uploads.CORPUS.is_dir(), reason="the corpus is not there (set LIVERESIZE_CORPUS)"
)

FILES = sorted(uploads.corpus("valid", "seed"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_real_picture_looks_the_same(path: pathlib.Path) -> None:
    """Pixels of every frame, profile, orientation and timing outlive cleaning."""
    data = path.read_bytes()
    assert uploads.looks(uploads.stored(uploads.kind_of(data[:16]), data)) == uploads.looks(data)


@pytest.mark.long
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_finds_nothing_private(tmp_path: pathlib.Path) -> None:
    """A program that knows every maker's notes finds no place, serial number or comment."""
    for number, path in enumerate(FILES):
        data = path.read_bytes()
        clean = uploads.stored(uploads.kind_of(data[:16]), data)
        (tmp_path / f"{number:03d}-{path.name}.{uploads.kind_of(data[:16])}").write_bytes(clean)
    command = ["exiftool", "-json", "-G0:1", "-a", "-u", "-ee", "-r", str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)
    found = json.loads(answer.stdout)
    assert len(found) == len(FILES)
    told = {
        (entry["SourceFile"], name)
        for entry in found
        for name in entry
        if (uploads.TELLING.search(name) or name.startswith("EXIF:"))
        and not (name.startswith("ICC_Profile") or uploads.ALLOWED.fullmatch(name))
    }
    assert not told
    assert sum("XMP:XMP-dc:Rights" in entry for entry in found) == 2
