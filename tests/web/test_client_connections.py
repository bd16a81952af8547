"""How many connections one client may have, and whose make room."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from liveresize.http.transport import listener
from liveresize.http.transport.connections import WatchedStream
from liveresize.http.transport.listener import EntryPoint, Listener
from liveresize.http.transport.unsent import Unsent
from liveresize.settings.server import Limits

from . import metering, pictures, servers, wire
from .conftest import Events

MOST = 4

Launch = Callable[..., servers.Running]


@contextlib.contextmanager
def connections(
    running: servers.Running, number: int, source: str = ""
) -> Iterator[list[wire.Wire]]:
    """So many more connections than there were."""
    before = running.server.listener.connections
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(wire.Wire(running.port, source=source)) for _ in range(number)]
    servers.until(lambda: running.server.listener.connections <= before)


def nobody_idles() -> contextlib.AbstractContextManager[None]:
    """However long a connection waits for its first request, on a slow machine."""
    return servers.replaced(listener, "_IDLE", 3600.0)


def started(running: servers.Running, connection: wire.Wire) -> bool:
    """Whether a connection has been let in."""
    return connection.ask("/_live").status == 200


def test_a_client_has_no_more_connections_than_it_may(launch: Launch, events: Events) -> None:
    """The next is closed, others are let in; one line tells it, however often it happens."""
    running = launch(limits__client_connections=MOST)
    with nobody_idles(), connections(running, MOST) as allowed:
        assert all(started(running, each) for each in allowed)
        for _ in range(10):
            with wire.Wire(running.port) as another:
                assert another.rest() == b""
        with wire.Wire(running.port, source="127.0.0.2") as other:
            assert started(running, other)
        assert all(started(running, each) for each in allowed)
    told = [each for each in events if each["event"] == "client_connections_full"]
    assert [(each["client.ip"], each["client_connections"]) for each in told] == [
        ("127.0.0.1", MOST)
    ]
    with wire.Wire(running.port) as again:
        assert started(running, again)
    assert metering.Reading.of(running.client)[metering.series("connections_refused_total")] == 10


def test_the_clients_own_idlers_make_room(launch: Launch) -> None:
    """The longest idle; not those of others, nor one that is in a request."""
    running = launch(limits__client_connections=MOST)
    running.client.close()
    with (
        connections(running, 1, "127.0.0.2") as others,
        servers.replaced(listener, "_IDLE", 0.0),
        wire.Wire(running.port) as busy,
    ):
        busy.send(wire.request("/token", "POST", Content_Length="9"))
        servers.until(lambda: in_requests(running) == 1)
        with connections(running, MOST - 1) as idlers:
            assert all(started(running, each) for each in idlers)
            with wire.Wire(running.port) as another:
                assert started(running, another)
                assert idlers[0].rest().count(b"HTTP/1.1") == 0
                assert all(started(running, each) for each in idlers[1:])
        busy.send(b"{}       ")
        assert busy.reply().status == 400
        assert all(started(running, each) for each in others)


def in_requests(running: servers.Running) -> int:
    """How many connections are in a request."""
    streams = tuple(running.server.listener._streams)
    return sum(each.idle_since is None for each in streams)


@pytest.mark.parametrize(
    "keys", [{"trusted_proxies": ["127.0.0.0/8"]}, {"limits__client_connections": 0}]
)
def test_a_listed_proxy_has_no_bound(launch: Launch, keys: dict[str, Any]) -> None:
    """Nor has anybody where there is no limit."""
    running = launch(**{"limits__client_connections": MOST, **keys})
    with nobody_idles(), connections(running, 3 * MOST) as many:
        assert all(started(running, each) for each in many)


@pytest.mark.parametrize("target", ["/_live", "/cat_20_0.png"])
def test_an_unlisted_proxy_has_no_bound_once_it_shows(launch: Launch, target: str) -> None:
    """By a hit or by any other request; what it has opened before counts for nobody."""
    running = launch(limits__client_connections=MOST)
    running.client.put_in("cat", pictures.png())
    running.client.get(target)
    running.client.close()
    with nobody_idles(), connections(running, MOST) as first:
        assert all(started(running, each) for each in first)
        with wire.Wire(running.port) as refused:
            assert refused.rest() == b""
        first[0].ask(target, X_Forwarded_For="192.0.2.7")
        with connections(running, 3 * MOST) as more:
            assert all(started(running, each) for each in more)


class Nowhere:
    """A server that leaves connections alone."""

    def handle_stream(self, stream: WatchedStream, address: object) -> None:
        """Nothing reads it."""


def test_a_network_of_ipv6_is_one_client() -> None:
    """By its /64; an IPv4 address is the same client when it is written as IPv6."""

    async def scenario() -> list[bool]:
        limits = Limits(client_connections=2)
        doorman = Listener(limits, Unsent(), lambda peer: False, max_connections=900)
        door = EntryPoint(sockets=[], server=Nowhere())  # type: ignore[arg-type]
        let_in, theirs = [], []
        for peer in (
            *("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:1::3"),
            *("2001:db8:0:2::1", "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"),
        ):
            before = doorman.connections
            ours, other = socket.socketpair()
            theirs.append(other)
            doorman._serve(ours, (peer, 5000), door)
            let_in.append(doorman.connections > before)
        doorman.close_connections()
        assert (doorman.connections, doorman._of_clients) == (0, {})
        for each in theirs:
            each.close()
        return let_in

    assert asyncio.run(scenario()) == [True, True, False, True, True, True, False]


def test_the_kernel_takes_little_of_an_answer_before_its_client_does(
    server: servers.Running,
) -> None:
    """What waits there cannot be shared: the rest waits where it is held once for all."""
    with wire.Wire(server.port) as connection:
        assert started(server, connection)
        stream, *_ = server.server.listener._streams
        taken = stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
    assert taken == 128 << 10


def test_no_answer_waits_for_the_one_before_it_to_be_acknowledged(server: servers.Running) -> None:
    """TCP_NODELAY stays set after an answer, which Tornado would end by taking it away."""
    with wire.Wire(server.port) as connection:
        assert started(server, connection)
        assert started(server, connection)  # so that the first answer is over
        stream, *_ = server.server.listener._streams
        assert stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
