"""What one client, and all of them together, may take of the server."""

import contextlib
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from . import pictures, servers, wire
from .conftest import Events

IDLERS = 1000


@pytest.mark.parametrize("sent", [b"", b"GET /_live HT", wire.request("/_live")])
def test_a_head_that_does_not_come_ends_the_connection(
    launch: Callable[..., servers.Running], sent: bytes
) -> None:
    """Nothing at all, half a head, or no second request: after `limits.header_timeout`."""
    running = launch(limits__header_timeout=0.2)
    with wire.Wire(running.port) as connection:
        connection.send(sent)
        began = time.monotonic()
        answered = connection.rest()
        assert 0.1 < time.monotonic() - began < 10
        assert answered.endswith(b"OK") == sent.endswith(b"\r\n\r\n")
    servers.until(lambda: running.server.listener.connections == 0)


def test_a_head_that_is_too_large_ends_the_connection(
    launch: Callable[..., servers.Running],
) -> None:
    """By `limits.header_bytes`; what fits is answered."""
    running = launch(limits__header_bytes=2048)
    assert wire.ask(running.port, "/_live", X_Filler="a" * 1500).status == 200
    with wire.Wire(running.port) as connection:
        connection.send(wire.request("/_live", X_Filler="a" * 3000))
        assert b"200" not in connection.rest()[:20]


def test_a_client_that_takes_nothing_of_its_answer_is_dropped(
    launch: Callable[..., servers.Running], events: Events
) -> None:
    """After `limits.write_stall`; whoever reads gets everything."""
    running = launch(limits__write_stall=0.4)
    noise = pictures.noise(4000, 3000, "PNG", compress_level=0)
    running.client.put_in("cat", noise)
    running.client.close()
    with wire.Wire(running.port, buffer=4096) as connection:
        connection.send(wire.request("/cat.png"))
        servers.until(lambda: "stalled_connection_closed" in [each["event"] for each in events])
        servers.until(lambda: running.server.listener.connections == 0)
    with wire.Wire(running.port) as connection:
        assert connection.ask("/cat.png").body == noise


@contextlib.contextmanager
def many_descriptors() -> Iterator[None]:
    """Enough of them for a thousand sockets, where the system allows that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLERS + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this system allows a process {hard} descriptors, and it takes {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.long
def test_a_thousand_idle_connections_do_not_lock_the_others_out(
    spawn: Callable[..., servers.Process],
) -> None:
    """With 256 descriptors: `/_live` is answered, one line says that it was full."""
    process = spawn("bash", "-c", 'ulimit -n 256; exec "$@"', "limited")
    with contextlib.ExitStack() as stack:
        stack.enter_context(many_descriptors())
        for _ in range(IDLERS):
            idler = stack.enter_context(socket.socket())
            idler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                idler.connect(("127.0.0.1", process.port))
        assert wire.ask(process.port, "/_live").status == 200
        assert len(os.listdir(f"/proc/{process.process.pid}/fd")) < 256
        servers.until(lambda: process.lines("connections_full"))
        assert len(process.lines("connections_full")) == 1
        assert not [line for line in process.lines() if line["level"] == "error"]
    assert wire.ask(process.port, "/_live").status == 200


def test_idlers_make_room_for_whoever_comes(
    launch: Callable[..., servers.Running], events: Events
) -> None:
    """At `limits.max_connections` the longest idle goes, and whoever is busy stays."""
    running = launch(limits__max_connections=16)
    with contextlib.ExitStack() as stack:
        idlers = [stack.enter_context(wire.Wire(running.port)) for _ in range(40)]
        assert wire.ask(running.port, "/_live").status == 200
        assert idlers[0].rest() == b""
    assert [each["event"] for each in events].count("connections_full") == 1
