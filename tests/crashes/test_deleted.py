"""Originals that go while they are being sent: deleted, or evicted to make room."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from web import pictures, servers, wire

from .scenes import ADMIN, KEYS


@pytest.fixture
def running(tmp_path: Path) -> Iterator[servers.Running]:
    """A server in this process."""
    with servers.Running(tmp_path, **KEYS) as one:
        yield one


def test_a_download_outlives_its_picture(running: servers.Running) -> None:
    """Whoever has begun to read gets all of it; whoever asks afterwards gets a 404."""
    data = pictures.noise(4000, 3000)  # more than the sockets between us hold
    running.client.put_in("cat", data)
    with wire.Wire(running.port, buffer=4096) as connection:
        connection.send(wire.request("/cat.jpg"))
        assert connection.socket.recv(1, socket.MSG_PEEK)
        assert running.client.delete("/cat", headers=ADMIN).status_code == 204
        assert running.originals == []
        connection.send(wire.request("/cat.jpg"))
        assert connection.reply().body == data
        assert connection.reply().status == 404


def test_a_picture_that_goes_before_it_is_opened(running: servers.Running) -> None:
    """503 with a Retry-After, and no traceback: the next request knows better."""
    running.client.put_in("cat", pictures.jpeg())
    originals = running.components.originals
    running.originals[0].unlink()
    with servers.replaced(originals, "exists", lambda original: True):
        answer = running.client.get("/cat.jpg")
    assert (answer.status_code, answer.json()["code"]) == (503, "original_elsewhere")
    assert answer.headers["Retry-After"] == "1"
