"""Files that are whole or not there."""

import errno
import os
import threading
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.settings.server import Disk
from liveresize.storage import files


def statvfs(**facts: int) -> os.statvfs_result:
    """What a file system of a thousand blocks says, but for `facts`."""
    names = ("bsize", "frsize", "blocks", "bfree", "bavail", "files", "ffree", "favail")
    plain = dict.fromkeys(names, 1000) | {"bsize": 1, "frsize": 1} | facts
    return os.statvfs_result((*(plain[name] for name in names), 0, 255))


def test_a_file_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails leaves neither the file nor a part of it."""
    path = tmp_path / "file"
    files.write_whole(path, b"old")
    files.write_whole(path, b"new")
    assert path.read_bytes() == b"new"

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        with pytest.raises(OSError, match="No space"):
            files.write_whole(tmp_path / "other", b"data")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    """Whoever is last, the file is what one of them wrote."""
    path = tmp_path / "file"
    bodies = [bytes([digit]) * 300_000 for digit in range(4)]

    def write(data: bytes) -> None:
        for _ in range(20):
            files.write_whole(path, data)
            assert path.read_bytes() in bodies

    failures: list[BaseException] = []

    def noted(data: bytes) -> None:
        try:
            write(data)
        except BaseException as error:  # noqa: BLE001 (the thread's failure is the test's)
            failures.append(error)

    threads = [threading.Thread(target=noted, args=(data,)) for data in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert list(tmp_path.iterdir()) == [path]


def test_folders_are_made_durable_in_their_parents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each parent of a new folder is synced, the topmost first; none that was there."""
    synced: list[Path] = []
    monkeypatch.setattr(files, "sync_directory", synced.append)
    files.make_directory(tmp_path / "a" / "b" / "c")
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    files.make_directory(tmp_path / "a" / "b")
    assert len(synced) == 3
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o750


def test_syncing_leaks_no_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in passing nor in failing."""
    (tmp_path / "file").touch()
    before = os.listdir("/proc/self/fd")
    files.sync_file(tmp_path / "file")
    files.sync_directory(tmp_path)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    for sync, path in ((files.sync_file, tmp_path / "file"), (files.sync_directory, tmp_path)):
        with pytest.raises(OSError, match="Input/output"):
            sync(path)
    with pytest.raises(NotADirectoryError):
        files.sync_directory(tmp_path / "file")
    assert os.listdir("/proc/self/fd") == before


def test_what_keeps_a_file_from_being_written_is_told_apart() -> None:
    """No room and no permission are the same refusal, with a word for the log."""
    full = files.full(OSError(errno.ENOSPC, "No space left on device", "file"))
    assert isinstance(full, errors.DiskFull)
    assert full.detail == "no room: No space left on device (file)"
    denied = files.full(OSError(errno.EACCES, "Permission denied", "file"))
    assert denied.detail.startswith("cannot be written")


@pytest.mark.parametrize(
    ("facts", "need", "share", "fits"),
    [
        pytest.param({"bavail": 100}, 0, 1.0, True, id="at the reserve"),
        pytest.param({"bavail": 99}, 0, 1.0, False, id="under the reserve"),
        pytest.param({"bavail": 110}, 10, 1.0, True, id="what is needed fits"),
        pytest.param({"bavail": 110}, 11, 1.0, False, id="what is needed does not"),
        pytest.param({"bavail": 199}, 0, 2.0, False, id="twice the reserve"),
        pytest.param({"bavail": 200}, 0, 2.0, True, id="at twice the reserve"),
        pytest.param({"bavail": 25, "frsize": 4}, 0, 1.0, True, id="blocks have a size"),
        pytest.param({"favail": 50}, 0, 1.0, True, id="inodes at the reserve"),
        pytest.param({"favail": 49}, 0, 1.0, False, id="inodes under the reserve"),
        pytest.param({"favail": 99}, 0, 2.0, False, id="inodes under twice the reserve"),
        pytest.param({"favail": 0, "files": 0}, 0, 1.0, True, id="inodes are not counted"),
    ],
)
def test_the_reserve(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    facts: dict[str, int],
    need: int,
    share: float,
    fits: bool,
) -> None:
    """A tenth of the blocks and a twentieth of the inodes stay free, or twice that."""
    monkeypatch.setattr(os, "statvfs", lambda _: statvfs(**facts))
    reserve = files.Reserve(tmp_path, Disk(reserve=100, reserve_inodes=5.0))
    if fits:
        reserve.check(need, share)
    else:
        with pytest.raises(errors.DiskFull):
            reserve.check(need, share)


def test_a_folder_that_is_gone_has_no_room(tmp_path: Path) -> None:
    """What cannot be asked is refused, not crashed on."""
    with pytest.raises(errors.DiskFull):
        files.Reserve(tmp_path / "gone", Disk(reserve=0, reserve_inodes=0)).check()
