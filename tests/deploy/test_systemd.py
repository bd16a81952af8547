"""What is told to systemd and taken from it, apart from any server."""

import contextlib
import json
import os
import socket
import subprocess
import uuid
from collections.abc import Iterator

import pytest
from web import servers

from liveresize.app import systemd

from .activation import Notes, handed_over, listening

TAKE = """
import json, os
from liveresize import errors
from liveresize.app import systemd
try:
    taken = systemd.take_sockets()
except errors.SettingsError as error:
    print(json.dumps(error.public))
else:
    print(json.dumps({
        "taken": {name: [each.getsockname()[1] for each in held] for name, held in taken.items()},
        "blocking": [each.getblocking() for held in taken.values() for each in held],
        "inherited": [each.get_inheritable() for held in taken.values() for each in held],
        "left": sorted(name for name in os.environ if name.startswith("LISTEN_")),
    }))
"""
"""Takes what is handed over, and says what came of it."""


def take(*sockets: socket.socket, **environ: str) -> object:
    """What a process makes of these sockets and variables."""
    with handed_over(list(sockets), "-c", TAKE, env=environ, stdout=subprocess.PIPE) as process:
        said, _ = process.communicate(timeout=servers.PATIENCE)
    return json.loads(said)


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notes]:
    """What this process tells systemd."""
    listener = Notes()
    monkeypatch.setenv("NOTIFY_SOCKET", listener.address)
    with contextlib.closing(listener):
        yield listener


def test_notes_arrive_at_an_abstract_address(notes: Notes) -> None:
    """One note may tell several things."""
    systemd.notify("READY=1", "STATUS=Serving: a=b.")
    assert notes.read() == [{"READY": "1", "STATUS": "Serving: a=b."}]


def test_notes_arrive_at_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """As systemd itself gives it."""
    path = f"/tmp/liveresize-{uuid.uuid4()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        try:
            systemd.notify("READY=1")
            assert told.recv(100) == b"READY=1"
        finally:
            os.unlink(path)


@pytest.mark.parametrize("address", [None, "", "relative", "/nowhere/at/all", "@nobody", "/" * 200])
def test_nobody_to_tell_is_no_failure(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without systemd, or with one that has gone, nothing is raised."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.notify("READY=1")


def test_who_does_not_read_is_not_waited_for(notes: Notes) -> None:
    """Notes above what the queue holds are lost; the caller goes on."""
    for _ in range(5000):
        systemd.notify("WATCHDOG=1", "STATUS=" + "x" * 1000)
    assert notes.read()


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        (None, None, None),
        ("30000000", None, 30.0),
        ("30000000", "own", 30.0),
        ("30000000", "1", None),
        ("500000", "own", 0.5),
        ("0", "own", None),
        ("-1", "own", None),
        ("soon", "own", None),
        ("30000000", "me", None),
    ],
)
def test_the_watchdog_is_for_one_process(
    usec: str | None, pid: str | None, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another's interval, or one that makes no sense, is none."""
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, str(os.getpid()) if value == "own" else value)
    assert systemd.watchdog_interval() == seconds


def test_sockets_are_taken_by_their_names() -> None:
    """They do not block, go to no other process, and the variables are gone."""
    with listening() as first, listening() as second, listening() as third:
        ports = [each.getsockname()[1] for each in (first, second, third)]
        assert take(first, second, third, LISTEN_FDNAMES="http:https:liveresize.socket") == {
            "taken": {"http": [ports[0], ports[2]], "https": [ports[1]]},
            "blocking": [False] * 3,
            "inherited": [False] * 3,
            "left": [],
        }


@pytest.mark.parametrize("names", ["", "unknown", "http", "liveresize.socket"])
def test_a_socket_without_a_name_is_http(names: str) -> None:
    """Its unit's name, which systemd gives it then, is none."""
    with listening() as only:
        taken = take(only, LISTEN_FDNAMES=names)
        assert isinstance(taken, dict)
        assert taken["taken"] == {"http": [only.getsockname()[1]]}


def test_sockets_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was handed to a parent is not ours; nor is there any without a number."""
    for pid, count in (("1", "1"), (str(os.getpid()), ""), ("", "1"), ("me", "you")):
        monkeypatch.setenv("LISTEN_PID", pid)
        monkeypatch.setenv("LISTEN_FDS", count)
        assert systemd.take_sockets() == {}
        assert "LISTEN_PID" not in os.environ


def test_a_name_that_means_nothing_is_said() -> None:
    """One sentence, with the name."""
    with listening() as only:
        assert take(only, LISTEN_FDNAMES="htps") == (
            "systemd has handed over a socket with FileDescriptorName='htps'; "
            "it may be http or https."
        )


def test_a_socket_that_nobody_can_connect_to_is_said() -> None:
    """UDP, a connection (Accept=yes), a UNIX socket, and no socket at all."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(listening())
        useless = (
            stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
            stack.enter_context(socket.create_connection(listener.getsockname())),
            stack.enter_context(socket.socket(socket.AF_UNIX)),
        )
        for each in useless:
            said = str(take(listener, each))
            assert said.startswith("Descriptor 4, which systemd has handed over, is no listening")
        assert str(take(listener, LISTEN_FDS="2")).startswith("Descriptor 4")
