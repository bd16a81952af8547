"""What clients have yet to take: how it is counted, and who gives way at the bound."""

from typing import Any

import pytest
import structlog

from liveresize.http.transport.unsent import Hold, Unsent

MB = 1 << 20


class Clock:
    """A monotonic clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Taker:
    """A connection whose client last took something at `waits_since`."""

    def __init__(self, client: str, waits_since: float) -> None:
        self.client = client
        self.waits_since = waits_since
        self.gave_way = 0

    def give_way(self) -> None:
        """Note it."""
        self.gave_way += 1


class Bench:
    """All that is unsent, and the clock that it goes by."""

    def __init__(self, limit: int) -> None:
        self.clock = Clock()
        self.unsent = Unsent(limit, self.clock)

    def taker(self, client: str = "a", *, for_seconds: float = 0.0) -> Taker:
        """A connection whose client has taken nothing for so long."""
        return Taker(client, self.clock.now - for_seconds)

    def holding(
        self, size: int, client: str = "a", *, for_seconds: float = 0.0
    ) -> tuple[Taker, Hold]:
        """One that holds bytes of its own."""
        taker = self.taker(client, for_seconds=for_seconds)
        return taker, self.unsent.hold(taker, bytes(size))


def test_a_buffer_counts_once_and_in_full_until_the_last_lets_go() -> None:
    """However many hold it, and however little of it each does."""
    bench, body = Bench(0), bytes(MB)
    first = bench.unsent.hold(bench.taker(), body)
    second = bench.unsent.hold(bench.taker(), memoryview(body)[:10])
    third = bench.unsent.hold(bench.taker(), memoryview(memoryview(body))[MB - 10 :])
    assert bench.unsent.bytes == MB
    other = bench.unsent.hold(bench.taker(), bytes(MB - 1))
    assert bench.unsent.bytes == 2 * MB - 1
    bench.unsent.release(first)
    bench.unsent.release(first)
    bench.unsent.release(third)
    assert bench.unsent.bytes == 2 * MB - 1
    bench.unsent.release(second)
    bench.unsent.release(other)
    assert bench.unsent.bytes == 0


def test_one_that_holds_a_buffer_twice_lets_go_of_it_twice() -> None:
    """As a connection does that sends the same picture again."""
    bench, body = Bench(0), bytes(MB)
    taker = bench.taker()
    holds = [bench.unsent.hold(taker, body) for _ in range(2)]
    bench.unsent.release(holds[0])
    assert bench.unsent.bytes == MB
    bench.unsent.release(holds[1])
    assert bench.unsent.bytes == 0


def test_whoever_has_taken_nothing_for_longest_gives_way_first() -> None:
    """And only as many as are needed."""
    bench = Bench(4 * MB)
    takers = [bench.holding(MB, str(age), for_seconds=age)[0] for age in (5, 9, 3, 0)]
    assert bench.unsent.make_room(MB, "new")
    assert [each.gave_way for each in takers] == [0, 1, 0, 0]
    assert bench.unsent.bytes == 3 * MB
    assert bench.unsent.broken_off == 1


def test_a_buffer_that_somebody_still_takes_stays() -> None:
    """Breaking off those who do not would free nothing of it."""
    bench, body = Bench(2 * MB), bytes(MB)
    stalled = bench.taker("a", for_seconds=60)
    bench.unsent.hold(stalled, body)
    bench.unsent.hold(bench.taker("b"), body)
    later, _ = bench.holding(MB, "c", for_seconds=3)
    assert bench.unsent.make_room(MB, "new")
    assert (stalled.gave_way, later.gave_way) == (0, 1)


def test_all_who_hold_a_buffer_give_way_together() -> None:
    """Where none of them takes anything."""
    bench, body = Bench(4 * MB), bytes(2 * MB)
    takers = [bench.taker(str(each), for_seconds=10) for each in range(20)]
    for each in takers:
        bench.unsent.hold(each, body)
    bench.holding(2 * MB)
    assert bench.unsent.make_room(MB, "new")
    assert [each.gave_way for each in takers] == [1] * 20
    assert bench.unsent.bytes == 2 * MB


def test_whoever_takes_something_is_not_stalled() -> None:
    """A pause of a second is none: the newcomer is refused."""
    bench = Bench(2 * MB)
    takers = [bench.holding(MB, str(each), for_seconds=1)[0] for each in range(2)]
    assert not bench.unsent.make_room(MB, "new")
    assert [each.gave_way for each in takers] == [0, 0]


def test_the_client_that_holds_most_gives_way_to_one_that_holds_less() -> None:
    """One that takes its answers slowly, but does, cannot have all others refused."""
    bench = Bench(8 * MB)
    greedy = [bench.holding(MB, "greedy", for_seconds=each / 10)[0] for each in range(6)]
    modest = [bench.holding(MB, "modest")[0] for _ in range(2)]
    assert bench.unsent.make_room(MB, "new")
    assert [each.gave_way for each in greedy] == [0, 0, 0, 0, 0, 1]
    assert [each.gave_way for each in modest] == [0, 0]
    bench.holding(MB, "new")
    assert not bench.unsent.make_room(MB, "greedy")


def test_a_client_that_would_hold_as_much_as_the_largest_is_refused() -> None:
    """Else two of them would break each other's answers off for ever."""
    bench = Bench(4 * MB)
    takers = [bench.holding(MB, client)[0] for client in ("a", "a", "b", "b")]
    assert not bench.unsent.make_room(MB, "a")
    assert not bench.unsent.make_room(MB, "b")
    bench.clock.now += 1
    assert not bench.unsent.make_room(2 * MB, "new")
    assert [each.gave_way for each in takers] == [0] * 4


def test_clients_that_hold_the_same_do_not_protect_each_other() -> None:
    """Where each of them holds more than the newcomer would."""
    bench = Bench(8 * MB)
    bodies = [bytes(2 * MB) for _ in range(4)]
    takers = [bench.taker(client) for client in ("a", "b") for _ in bodies]
    for taker, body in zip(takers, bodies * 2, strict=True):
        bench.unsent.hold(taker, body)
    assert bench.unsent.make_room(MB, "new")
    assert sum(each.gave_way for each in takers) == 2
    assert bench.unsent.bytes == 6 * MB


def test_what_a_modest_client_holds_as_well_is_not_taken_from_the_largest() -> None:
    """It would stay in memory all the same."""
    bench = Bench(4 * MB)
    greedy = bench.taker("greedy")
    for client in ("c", "d", "e", "f"):
        body = bytes(MB)
        for each in (greedy, bench.taker(client)):
            bench.unsent.hold(each, body)
    assert not bench.unsent.make_room(MB // 2, "new")
    assert greedy.gave_way == 0


def test_a_picture_that_many_take_is_not_taken_from_them() -> None:
    """Each counts for its share of it alone."""
    bench, body = Bench(6 * MB), bytes(3 * MB)
    crowd = [bench.taker(str(each)) for each in range(40)]
    for each in crowd:
        bench.unsent.hold(each, body)
    other, _ = bench.holding(3 * MB, "other")
    assert bench.unsent.make_room(MB, "new")
    assert {each.gave_way for each in crowd} == {0}
    assert other.gave_way == 1


def test_a_proxy_is_no_client_that_holds_most() -> None:
    """Those behind it cannot be told apart; what none of them takes gives way all the same."""
    bench = Bench(4 * MB)
    takers = [bench.holding(MB, "")[0] for _ in range(4)]
    assert not bench.unsent.make_room(MB, "new")
    assert not bench.unsent.make_room(MB, "")
    bench.clock.now += 10
    assert bench.unsent.make_room(MB, "")
    assert sum(each.gave_way for each in takers) == 1


def test_whoever_asks_through_a_proxy_counts_for_that_answer_alone() -> None:
    """So the largest client gives way to it."""
    bench = Bench(4 * MB)
    greedy = [bench.holding(MB, "greedy")[0] for _ in range(4)]
    assert bench.unsent.make_room(MB, "")
    assert sum(each.gave_way for each in greedy) == 1


def test_what_is_held_already_is_always_admitted() -> None:
    """It takes no more memory; the same bytes in another object do."""
    bench, body = Bench(2 * MB), bytes(MB)
    bench.unsent.hold(bench.taker(), body)
    bench.holding(MB)
    assert bench.unsent.admits(body, "a")
    assert bench.unsent.admits(memoryview(body)[:9], "a")
    assert not bench.unsent.admits(bytes(MB), "a")


@pytest.mark.parametrize(("held", "admitted"), [(0, True), (50, True), (51, False)])
def test_an_answer_larger_than_the_bound_needs_half_of_it(held: int, admitted: bool) -> None:
    """Else it could never be sent, or would be broken off by the next one that is."""
    bench = Bench(100)
    for _ in range(held):
        bench.holding(1, "a")
    assert bench.unsent.make_room(1000, "a") is admitted
    large, _ = bench.holding(1000, "a")
    for _ in range(50 - held):
        bench.holding(1, "b")
    assert large.gave_way == 0


def test_without_a_limit_nobody_gives_way() -> None:
    """Everything is counted all the same."""
    bench = Bench(0)
    taker, _ = bench.holding(1000 * MB, for_seconds=100)
    assert bench.unsent.make_room(1000 * MB, "new")
    assert (taker.gave_way, bench.unsent.bytes) == (0, 1000 * MB)


def test_small_answers_are_within_the_bound_too() -> None:
    """They are not refused; what is held of them makes others give way, and a little more."""
    bench = Bench(10_000)
    stalled = [bench.holding(1000, str(each), for_seconds=each)[0] for each in range(10)]
    bench.holding(1000, "new")
    assert [each.gave_way for each in stalled] == [0] * 8 + [1, 1]
    assert bench.unsent.bytes == 9000


def test_what_gave_way_is_let_go_of_once() -> None:
    """Its connection lets go of it as well, by when others may hold the same object."""
    bench, body = Bench(2 * MB), bytes(MB)
    first = bench.unsent.hold(bench.taker("a", for_seconds=5), body)
    bench.holding(MB)
    assert bench.unsent.make_room(MB // 2, "b")
    second = bench.unsent.hold(bench.taker("c"), body)
    bench.unsent.release(first)
    assert bench.unsent.bytes == 2 * MB
    bench.unsent.release(second)
    assert bench.unsent.bytes == MB


def test_where_nobody_could_give_way_it_looks_again_after_a_moment() -> None:
    """Looking at all that is held takes time, which many refusals would add up to."""
    bench = Bench(2 * MB)
    taker, _ = bench.holding(MB)
    bench.holding(MB)
    assert not bench.unsent.make_room(1, "a")
    taker.waits_since -= 10
    assert not bench.unsent.make_room(1, "a")
    bench.clock.now += 0.2
    assert bench.unsent.make_room(1, "a")


def test_it_is_told_once_a_minute() -> None:
    """However often somebody is refused."""
    bench = Bench(2 * MB)
    for _ in range(2):
        bench.holding(MB, for_seconds=-1000)
    with structlog.testing.capture_logs() as logged:
        for _ in range(50):
            assert not bench.unsent.make_room(MB, "a")
            bench.clock.now += 1
        told: list[Any] = [each for each in logged if each["event"] == "unsent_full"]
        assert [each["unsent_bytes"] for each in told] == [2 * MB]
        bench.clock.now += 60
        bench.unsent.make_room(MB, "a")
    assert [each["event"] for each in logged] == ["unsent_full"] * 2
