"""What is written past the log becomes records of it."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from liveresize.observe import log
from liveresize.observe.log import stray_output
from liveresize.settings.server import Log


class Heard:
    """Collects what is heard, and waits for it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._some = threading.Event()

    def __call__(self, text: str) -> None:
        self.texts.append(text)
        self._some.set()

    @property
    def first(self) -> str:
        """The first text, which must come."""
        assert self._some.wait(20)
        return self.texts[0]


@pytest.fixture
def heard() -> Heard:
    """What is heard of the streams."""
    return Heard()


@contextlib.contextmanager
def taken(heard: Heard) -> Iterator[stray_output.StrayOutput]:
    """The streams of this process, taken over in the test itself: pytest moves them between
    its phases."""
    one = stray_output.StrayOutput(heard)
    try:
        yield one
    finally:
        one.close()


@pytest.mark.parametrize("stream", [1, 2])
def test_what_a_library_writes_is_heard(heard: Heard, stream: int) -> None:
    """On either stream, while the process goes on."""
    with taken(heard):
        os.write(stream, b"libpng warning: iCCP\n")
        assert heard.first == "libpng warning: iCCP"


def test_a_child_process_is_heard_too(heard: Heard) -> None:
    """It inherits the streams; its traceback is one text, or few."""
    child = [sys.executable, "-c", "raise LookupError('gone')"]
    with taken(heard):
        assert subprocess.run(child, check=False).returncode == 1
    assert heard.first.startswith("Traceback (most recent call last):\n")
    assert heard.texts[-1].endswith("LookupError: gone")


def test_closing_hears_what_was_written_last(
    heard: Heard, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is lost, and the streams lead where they led before."""
    with taken(heard):
        os.write(1, b"last words\n")
    os.write(2, b"afterwards\n")
    assert heard.texts == ["last words"]
    assert capfd.readouterr().err == "afterwards\n"


def test_whoever_writes_without_end_is_read_and_cut(heard: Heard) -> None:
    """A full pipe would hold up a worker, and a long text the log."""
    with taken(heard):
        for _ in range(1024):
            os.write(2, b"x" * 1024)
    assert {*"".join(heard.texts)} == {"x"}
    assert max(map(len, heard.texts)) == stray_output.MOST
    assert sum(map(len, heard.texts)) < 1 << 20


def test_what_is_no_text_is_spelled_out(heard: Heard) -> None:
    """Any bytes may come."""
    with taken(heard):
        os.write(2, b"caf\xe9\n")
    assert heard.texts == ["caf\\xe9"]


def test_the_log_itself_is_not_taken_over(capfd: pytest.CaptureFixture[str]) -> None:
    """Its lines go to standard output as before; what others write there becomes one of them."""
    handle = log.configure(Log(output="stdout", format="logstash"))
    handle.take_over_streams()
    os.write(2, b"stray\n")
    handle.close()
    (line,) = capfd.readouterr().out.splitlines()
    assert '"event":"stray_output"' in line
    assert '"output":"stray"' in line
    assert '"level":"warning"' in line


def test_a_stream_that_is_closed_stays_so(
    heard: Heard, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its descriptor may belong to a socket by now."""
    monkeypatch.setattr(sys, "__stdout__", None)
    with taken(heard):
        os.write(1, b"not ours\n")
        os.write(2, b"ours\n")
    assert heard.texts == ["ours"]
    assert capfd.readouterr().out == "not ours\n"
