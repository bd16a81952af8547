"""The name of an instance belongs to its data folder."""

import re
import socket
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from liveresize.storage.instance import InstanceFile


def test_the_name_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Across restarts, and when the machine is called something else; two folders are two."""
    monkeypatch.setattr(socket, "gethostname", lambda: "images 1")
    one = InstanceFile(tmp_path / "instance").name()
    assert re.fullmatch(r"images-1/[0-9a-f]{8}", one)
    monkeypatch.setattr(socket, "gethostname", lambda: "another")
    assert InstanceFile(tmp_path / "instance").name() == one
    assert InstanceFile(tmp_path / "second").name() != one


@pytest.mark.parametrize("text", [b"", b"\xff\n", b"x" * 9999, b"a/b"])
def test_a_file_that_is_damaged_is_written_again(tmp_path: Path, text: bytes) -> None:
    """With another name."""
    path = tmp_path / "instance"
    path.write_bytes(text)
    name = InstanceFile(path).name()
    assert path.read_text() == name


def test_a_folder_that_cannot_be_used_is_no_failure(tmp_path: Path) -> None:
    """The name is that of this run then."""
    (tmp_path / "instance").mkdir()
    one = InstanceFile(tmp_path / "instance")
    with capture_logs() as logged:
        name = one.name()
    assert one.name() == name
    assert [line["event"] for line in logged] == ["instance_unreadable", "instance_not_written"]
