"""What a client may spend over HTTP/2, however often it connects again."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from h2.exceptions import DenialOfServiceError
from hyperframe.frame import PingFrame

from liveresize.http.transport import frame_budget
from liveresize.http.transport.frame_budget import ClientBudgets, FrameBudget

from . import certificates, pictures, servers, wire
from .certificates import Pair
from .http2_client import ENHANCE_YOUR_CALM, Http2Wire, speaking

Launch = Callable[..., servers.Running]

VERY_MUCH = 10**9
"""More than any rate gives back while a test runs."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def connections(budgets: ClientBudgets, peer: str, clock: Clock, frames: int) -> int:
    """How many frames get through to new connections of `peer`, each of which sends `frames`."""
    through = 0
    for _ in range(1000):
        budget = FrameBudget(monotonic=clock, shared=budgets.of(peer))
        budget.take_off(frame_budget.CONNECTION)
        try:
            for _ in range(frames):
                budget.charge(1)
                through += 1
        except DenialOfServiceError:
            continue
    return through


@pytest.mark.parametrize("frames", [10, 500, 5000])
def test_connecting_again_brings_nothing_back(frames: int) -> None:
    """A thousand connections of one client get no more through than a burst, then the rate."""
    clock = Clock()
    budgets = ClientBudgets(monotonic=clock)
    assert connections(budgets, "192.0.2.1", clock, frames) <= 10_000
    clock.now += 1
    assert connections(budgets, "192.0.2.1", clock, frames) <= 4_000
    assert connections(budgets, "192.0.2.2", clock, 1) > 400


def test_what_is_the_fault_of_a_connection_stays_there() -> None:
    """Answers that nobody takes end it, and leave the others of its client alone."""
    clock = Clock()
    budgets = ClientBudgets(monotonic=clock)
    stalled = FrameBudget(monotonic=clock, shared=budgets.of("192.0.2.1"))
    stalled.take_off(VERY_MUCH, alone=True)
    assert stalled.is_spent
    assert not FrameBudget(monotonic=clock, shared=budgets.of("192.0.2.1")).is_spent


def test_a_subnet_is_one_client() -> None:
    """Of IPv6 a /64, however the address is written."""
    budgets = ClientBudgets()
    first = budgets.of("2001:db8::1")
    assert first is budgets.of("2001:db8:0:0:ffff::2")
    assert first is not budgets.of("2001:db8:0:1::1")
    assert budgets.of("::ffff:192.0.2.1") is budgets.of("192.0.2.1")


def test_proxies_are_bounded_by_connection_only() -> None:
    """Their connections are those of many clients."""
    clock = Clock()
    budgets = ClientBudgets(lambda peer: peer == "10.0.0.1", clock)
    assert budgets.of("10.0.0.1") is None
    assert connections(budgets, "10.0.0.1", clock, 2500) == 1000 * (2000 - 20)


def test_an_office_behind_one_address_stays_below() -> None:
    """200 people each open a page of 100 pictures within a minute, and 10 give theirs up."""
    clock = Clock()
    budgets = ClientBudgets(monotonic=clock)
    for person in range(200):
        clock.now += 0.3
        budget = FrameBudget(monotonic=clock, shared=budgets.of("192.0.2.1"))
        budget.take_off(frame_budget.CONNECTION)
        for _ in range(111):  # SETTINGS and windows, and a priority for each picture
            budget.charge(1)
        for _ in range(100 if person % 20 == 0 else 0):
            budget.charge(5)


def test_clients_without_end_take_no_memory_without_end() -> None:
    """Who has connected longest ago is forgotten."""
    budgets = ClientBudgets()
    first = budgets.of("10.0.0.0")
    kept = budgets.of("192.0.2.1")
    for number in range(frame_budget._CLIENTS):
        assert budgets.of(f"10.1.{number >> 8}.{number & 255}") is not first
        assert budgets.of("192.0.2.1") is kept
    assert len(budgets._budgets) == frame_budget._CLIENTS
    assert budgets.of("10.0.0.0") is not first


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate of its own."""
    return certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def both(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server that speaks HTTP/2 with TLS."""
    with servers.Running(tmp_path_factory.mktemp("both"), **pair.keys) as running:
        running.client.put_in("cat", pictures.jpeg())
        yield running


def spend(running: servers.Running, peer: str = "127.0.0.1") -> FrameBudget:
    """Take off all that a client of this server has, and more."""
    budget = running.server._http._budgets.of(peer)
    assert budget is not None
    budget.take_off(VERY_MUCH)
    return budget


def test_a_flood_counts_against_its_client(launch: Launch) -> None:
    """Not only against its connection: the next one has less, until it has nothing."""
    running = launch(http2_cleartext=True)
    budget = running.server._http._budgets.of("127.0.0.1")
    assert budget is not None
    budget._rate = 0
    flood = [PingFrame(0, opaque_data=bytes(8))] * 2100
    for _ in range(6):
        assert not budget.is_spent
        with Http2Wire(running.port) as connection:
            with contextlib.suppress(ConnectionError):
                connection.frames(*flood)
            assert connection.rest() == ENHANCE_YOUR_CALM
        if budget.is_spent:
            break
    assert budget.is_spent
    assert wire.ask(running.port, "/_live").status == 200  # HTTP/1 is not rationed


def test_who_has_spent_everything_is_turned_away(launch: Launch) -> None:
    """With GOAWAY, before a request is read; requests that are under way go on."""
    running = launch(http2_cleartext=True)
    with Http2Wire(running.port) as early:
        early.settled()
        budget = spend(running)
        with Http2Wire(running.port) as late:
            number = late.open("/_live")
            assert late.rest() == ENHANCE_YOUR_CALM
            assert late.answers[number].status == 0
        assert wire.ask(running.port, "/_live").status == 200
        budget.credit(2 * VERY_MUCH)
        with Http2Wire(running.port) as again:
            assert again.ask("/_live").status == 200
    servers.until(lambda: running.server.listener.connections == 0)


def test_who_has_spent_everything_gets_no_handshake(both: servers.Running, pair: Pair) -> None:
    """It would cost more than anything else about the connection."""
    with Http2Wire(both.port, speaking(pair.certificate)) as connection:
        assert connection.ask("/_live").status == 200
    budget = spend(both)
    with pytest.raises(OSError):
        Http2Wire(both.port, speaking(pair.certificate))
    budget.credit(2 * VERY_MUCH)
    with Http2Wire(both.port, speaking(pair.certificate)) as connection:
        assert connection.ask("/_live").status == 200


def test_a_proxy_is_never_turned_away(launch: Launch) -> None:
    """Neither one that is listed nor one that was noticed."""
    listed = launch(http2_cleartext=True, trusted_proxies=["127.0.0.1"])
    assert listed.server._http._budgets.of("127.0.0.1") is None
    unlisted = launch(http2_cleartext=True)
    spend(unlisted)
    unlisted.client.get("/nobody.jpg", headers={"X-Forwarded-For": "192.0.2.1"})
    with Http2Wire(unlisted.port) as connection:
        assert connection.ask("/_live").status == 200
