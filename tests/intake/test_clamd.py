"""What clamd answers, and what is made of it."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from storage import worlds

from liveresize.intake.clamd import Clamd
from liveresize.intake.hook import HookFailed, Upload

from . import clamds
from .clamds import EICAR, Scripted

TIMEOUT = 30.0


@pytest.fixture(params=["socket", "port"])
def clamd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scripted]:
    """A scripted one, by both ways to it."""
    with clamds.scripted(tmp_path / "clamd" if request.param == "socket" else None) as one:
        yield one


def asked(address: str, data: bytes, folder: Path, timeout: float = TIMEOUT) -> str:
    """What is said about a body."""
    body = folder / "body"
    body.write_bytes(data)
    upload = Upload(body=body, cleaned=body, original=worlds.original(), client="")
    return asyncio.run(Clamd(address, timeout=timeout).check(upload))


def test_bodies_go_there_whole_and_what_is_found_is_named(clamd: Scripted, tmp_path: Path) -> None:
    """In as many chunks as it takes, none of them empty."""
    clean = os.urandom(200_000)
    assert asked(clamd.address, clean, tmp_path) == ""
    assert asked(clamd.address, clean + EICAR, tmp_path) == "Win.Test.EICAR_HDB-1"
    assert clamd.received == [clean, clean + EICAR]
    asyncio.run(Clamd(clamd.address, timeout=TIMEOUT).ping())


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [("garbage", "no idea"), ("hangs up", "hung up"), ("silent", "in time")],
)
def test_any_other_answer_is_a_failure(
    clamd: Scripted, tmp_path: Path, behaviour: str, reason: str
) -> None:
    """And none is a failure too; a client that gives up leaves."""
    clamd.behaviour = behaviour
    timeout = 0.3 if behaviour == "silent" else TIMEOUT
    with pytest.raises(HookFailed, match=reason):
        asked(clamd.address, b"x", tmp_path, timeout)
    with pytest.raises(HookFailed, match=reason):
        asyncio.run(Clamd(clamd.address, timeout=timeout).ping())


def test_what_is_too_large_for_it_is_not_clean(clamd: Scripted, tmp_path: Path) -> None:
    """It answers before the end, and hangs up over bytes that it has not read."""
    clamd.limit = 100_000
    assert asked(clamd.address, b"x" * 100_000, tmp_path) == ""
    with pytest.raises(HookFailed):
        asked(clamd.address, b"x" * 10_000_000, tmp_path)
    with pytest.raises(HookFailed, match=r"size limit exceeded|hung up"):
        asked(clamd.address, b"x" * 100_001, tmp_path)


def test_one_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    """By its socket, by its port, and by a name that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for address in (str(tmp_path / "none"), f"127.0.0.1:{port}", f"[::1]:{port}"):
        with pytest.raises(HookFailed, match="Error"):
            asked(address, b"x", tmp_path)


@pytest.mark.long
@pytest.mark.skipif(not os.path.exists(clamds.PROGRAM), reason="clamd is not installed")
def test_clamav_itself_answers_so(tmp_path: Path) -> None:
    """Clean, infected, and over its limit."""
    with clamds.real(tmp_path / "clamav") as address:
        assert asked(address, os.urandom(300_000), tmp_path) == ""
        assert "Eicar-Test" in asked(address, b"\xff\xd8" + EICAR, tmp_path)
        with pytest.raises(HookFailed):
            asked(address, b"x" * 5_000_000, tmp_path)
        asyncio.run(Clamd(address, timeout=TIMEOUT).ping())
