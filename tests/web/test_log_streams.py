"""Every line of the log is JSON, whichever process writes it and however the server ends."""

import contextlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from . import pictures, servers

Spawn = Callable[..., servers.Process]

NOISE = pictures.noise(300, 200)
STRAY = "libexample: warning: this picture is odd"


def say(pid: int, stream: int) -> None:
    """Write to a standard stream of another process, as a library in it would."""
    with Path(f"/proc/{pid}/fd/{stream}").open("w") as output:
        output.write(f"{STRAY}\n")


def named(process: servers.Process, name: str) -> list[int]:
    """The processes of the family with `name` in their command line."""
    found = []
    for pid in process.family:
        with contextlib.suppress(OSError):
            if name in Path(f"/proc/{pid}/cmdline").read_text():
                found.append(pid)
    return found


def ended(process: servers.Process) -> None:
    """Return when no process of the family is left."""
    process.process.wait(servers.PATIENCE)
    servers.until(lambda: not process.family)


def test_what_any_process_prints_is_a_line_of_json(spawn: Spawn) -> None:
    """The server, the fork server, each worker and the resource tracker, on both streams."""
    process = spawn(workers__slots=2, log__output="stdout")
    family = process.family
    assert len(family) == 5
    for count, (pid, stream) in enumerate(((p, s) for p in family for s in (1, 2)), start=1):
        say(pid, stream)
        servers.until(lambda count=count: len(process.lines("stray_output")) == count)  # type: ignore[misc]
    assert {line["output"] for line in process.lines("stray_output")} == {STRAY}
    process.client.put_in("cat", NOISE)
    assert process.client.get("/cat_50_0.jpg").status_code == 200


@pytest.mark.parametrize("first", ["", "resource_tracker", "forkserver"])
def test_kill_9_leaves_nothing_else_in_the_log(spawn: Spawn, first: str) -> None:
    """Neither of the server, nor after one of its helpers was killed before it.

    With warnings as an operator has them: as errors they would silence the resource tracker.
    """
    process = spawn(warnings="default", workers__slots=2, log__output="stdout")
    process.client.put_in("cat", NOISE)
    for pid in named(process, first) if first else []:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if first:
        process.client.get("/cat_60_0.jpg")
        servers.until(lambda: process.client.get("/cat_70_0.jpg").status_code == 200)
    process.kill()
    ended(process)
    assert process.lines("server_started")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_ends_in_json(spawn: Spawn, number: int) -> None:
    """As a terminal and systemd send it: to the whole family."""
    process = spawn(workers__slots=2, log__output="stdout", drain__delay=0)
    os.killpg(process.process.pid, number)
    ended(process)
    assert process.process.returncode == 0
    assert process.lines()[-1]["event"] == "server_stopped"


def test_a_start_that_fails_says_so_in_json(spawn: Spawn, tmp_path: Path) -> None:
    """The sentence for people is left out where it would land among the lines."""
    (tmp_path / "file").touch()
    with pytest.raises(AssertionError):
        spawn(log__output="stdout", data_dir=str(tmp_path / "file" / "data"))
    text = (tmp_path / "log").read_text()
    events = [json.loads(line)["event"] for line in text.splitlines()]
    assert events.count("start_failed") == 1
