"""The file that says up to where deletions were heard of."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from liveresize.core.names import ImageId
from liveresize.core.ports import Heard, Purged
from liveresize.storage.heard import UNREADABLE, HeardFile

LAST = Purged(12, ImageId("cät ☃", "pets"), "0" * 28, "", 1_700_000_000.123)


@pytest.mark.parametrize("heard", [Heard(""), Heard("5/16384", LAST)])
def test_it_says_what_was_written(tmp_path: Path, heard: Heard) -> None:
    """To the last digit of its time, and whatever the picture is called."""

    async def main() -> None:
        record = HeardFile(tmp_path / "heard.json")
        await record.write(Heard("older", LAST))
        await record.write(heard)
        read = await record.read()
        assert read == heard
        assert read is not None
        assert (read.last is None) or (heard.last is not None and read.last.is_row(heard.last))
        assert [path.name for path in tmp_path.iterdir()] == ["heard.json"]

    asyncio.run(main())


def test_a_new_instance_has_none(tmp_path: Path) -> None:
    """Its folder is empty."""
    assert asyncio.run(HeardFile(tmp_path / "heard.json").read()) is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"identity": ""}',
        b'{"identity": "", "last": 5}',
        b'{"identity": "", "last": {"serial": 1}}',
        b'{"identity": "", "last": {"serial": 1, "image": {"name": ""}, "generation": ""}}',
        b"\xff\xfe",
    ],
)
def test_what_cannot_be_read_fits_no_index(tmp_path: Path, text: bytes) -> None:
    """Whatever damaged it."""
    path = tmp_path / "heard.json"
    path.write_bytes(text)
    with capture_logs() as logs:
        assert asyncio.run(HeardFile(path).read()) == UNREADABLE
    assert [line["event"] for line in logs] == ["heard_unreadable"]


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """Listening goes on; after a restart more is heard again."""

    async def main() -> None:
        record = HeardFile(tmp_path / "missing" / "heard.json")
        with capture_logs() as logs:
            await record.write(Heard(""))
        assert [line["event"] for line in logs] == ["heard_not_written"]
        assert await record.read() is None

    asyncio.run(main())
