"""Disks below their reserve are noticed, folder by folder."""

import asyncio
from pathlib import Path

import pytest
import structlog

from liveresize import config
from liveresize.app.disks import Disks, reserves
from liveresize.settings.server import Disk
from liveresize.storage.files import Reserve


class Folder(Reserve):
    """A folder of whose disk a test takes room away."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Disk(reserve=0, reserve_inodes=0))

    def wants(self, size: int) -> None:
        """Have so many bytes in reserve."""
        self._disk = Disk(reserve=size, reserve_inodes=0)


def look(disks: Disks) -> list[tuple[str, str]]:
    """(event, folder) of what a look has said."""
    with structlog.testing.capture_logs() as said:
        asyncio.run(disks.look())
    return [(line["event"], line["folder"]) for line in said]


def test_a_change_is_told_once(tmp_path: Path) -> None:
    """With folder and free bytes; others are not touched by it."""
    originals, spool = Folder(tmp_path), Folder(tmp_path)
    disks = Disks({"originals": originals, "spool": spool})
    assert (disks.short, disks.detail) == ({}, {})
    assert look(disks) == []
    assert disks.short == {"originals": False, "spool": False}
    originals.wants(1 << 60)
    assert look(disks) == [("disk_short", "originals")]
    assert look(disks) == []
    assert disks.short == {"originals": True, "spool": False}
    originals.wants(0)
    assert look(disks) == [("disk_roomy", "originals")]


def test_operators_are_told_what_is_free(tmp_path: Path) -> None:
    """Bytes and inodes of each folder."""
    disks = Disks({"originals": Folder(tmp_path)})
    look(disks)
    (told,) = disks.detail.values()
    assert isinstance(told, dict)
    assert told["ok"] is True
    assert told["free_bytes"] > 0
    assert set(told) == {"ok", "free_bytes", "free_inodes"}


def test_a_folder_that_cannot_be_looked_at_is_short(tmp_path: Path) -> None:
    """A disk that is gone takes nothing."""
    disks = Disks({"spool": Folder(tmp_path / "gone")})
    assert look(disks) == [("disk_short", "spool")]
    assert disks.detail == {"spool": {"ok": False, "free_bytes": None, "free_inodes": None}}


@pytest.mark.parametrize(
    ("bucket", "kept"),
    [("", {"originals", "spool", "renditions"}), ("pictures", {"originals", "spool"})],
)
def test_what_is_kept_elsewhere_is_not_looked_at(
    tmp_path: Path, bucket: str, kept: set[str]
) -> None:
    """Renditions lie on disk where there is no bucket for them."""
    environ = {"LIVERESIZE_AWS__BUCKET": bucket} if bucket else {}
    assert set(reserves(config.load(environ, directory=tmp_path))) == kept
