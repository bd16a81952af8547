"""The traffic of the simulator, and a small day from end to end."""

import re

import pytest

from scripts.simulation import chart, day, traffic
from scripts.simulation.estimate import estimate
from scripts.simulation.instance import Answer, Caches


def test_shares_follow_zipf_and_a_sample_keeps_their_sum():
    """Rank r has r ** -0.9 of the first; of a sample, each has the mean of its ranks."""
    shares = traffic.shares(50_000, 0.9)
    assert sum(shares) == pytest.approx(1, rel=0.002)
    assert [shares[9] / shares[0], shares[99] / shares[0]] == pytest.approx([10**-0.9, 100**-0.9])
    sampled = traffic.shares(50_000, 0.9, 100)
    assert len(sampled) == 500
    assert sum(sampled) == pytest.approx(0.01, rel=0.002)
    assert sampled[3] == pytest.approx(sum(shares[300:400]) / 100, rel=0.01)


def test_the_same_seed_gives_the_same_requests_in_order():
    """Deterministic by seed; more in the evening than in the morning."""
    usual = traffic.Traffic(pictures=100, rate=2, uploads=8_000)
    found = list(usual.requests(900))
    assert found == list(usual.requests(900))
    assert [each.at for each in found] == sorted(each.at for each in found)
    assert any(each.generation for each in found)
    assert traffic.load(20 * 3600) / traffic.load(8 * 3600) == pytest.approx(1.6 / 0.4)


def asked(caches: Caches, times: list[tuple[float, int, int]]) -> list[Answer]:
    """The answers of one instance to (second, picture, variant), each of 1,000 bytes."""
    one = day.Day(caches, [day.Change(0, day.servers(1))], made=False, size=lambda _: 1_000)
    tally = day.Tally()
    return [one.send(traffic.Request(at, pic, 0, variant), tally) for at, pic, variant in times]


def test_an_instance_answers_as_a_real_one_does():
    """Rendered, from memory until linked, by link for its time, then by the bytes again."""
    times = [(0.0, 1, 0), (0.1, 1, 0), (5.0, 1, 0), (70.0, 1, 0), (70.1, 1, 0)]
    found = asked(Caches(), times)
    assert found == [Answer.MISS, Answer.MEMORY, Answer.LINK, Answer.MEMORY, Answer.LINK]
    small = Caches(links=1, memory_bytes=0, largest=0)
    found = asked(small, [(0.0, 1, 0), (1.0, 2, 0), (8.0, 1, 0), (9.0, 2, 0)])
    assert found == [Answer.MISS, Answer.MISS, Answer.INDEX, Answer.INDEX]
    proxy = Caches(redirect=False, memory_bytes=1_000, largest=1_000)
    found = asked(proxy, [(0.0, 1, 0), (1.0, 1, 0), (2.0, 2, 0), (3.0, 1, 0)])
    assert found == [Answer.MISS, Answer.MEMORY, Answer.MISS, Answer.INDEX]


def test_a_lost_instance_costs_lookups_and_without_a_bucket_renders():
    """An hour of three instances, one of which is lost in the middle."""
    servers = day.servers(3)
    changes = [day.Change(0, servers), day.Change(1800, servers, frozenset(servers[:1]))]
    requests = traffic.Traffic(pictures=300, rate=3)
    renders = {}
    for bucket in (True, False):
        one = day.Day(Caches(bucket=bucket), changes, made=False)
        before, after = day.run(one, requests, 3600, 1800)
        assert before.requests + after.requests == len(list(requests.requests(3600)))
        assert after.share(Answer.LINK, Answer.MEMORY) > 0.2
        renders[bucket] = after.answers[Answer.MISS]
    assert renders[False] > 1.5 * renders[True]


def test_the_estimate_is_what_the_simulation_counts():
    """A second hour, with room for a part of the originals."""
    requests = traffic.Traffic(pictures=10_000, rate=10)
    caches = Caches(originals=1_000)
    _, found = day.run(day.Day(caches, [day.Change(0, day.servers(1))]), requests, 7200, 3600)
    guess = estimate(10_000, found.requests / 3600, 1, originals=1_000)
    assert found.share(Answer.LINK) == pytest.approx(guess.by_link, rel=0.1)
    assert found.each("lookups") == pytest.approx(guess.lookups * 3600 / found.requests, rel=0.1)


def test_a_chart_has_its_series_and_a_round_top():
    """Every point is drawn, and text is escaped."""
    svg = chart.curves("a < b", ("x", "y"), {"one": [(1, 0), (10, 17)]}, log_x=True)
    assert "a &lt; b" in svg
    assert len(re.findall("<circle", svg)) == 2
    assert ">20<" in svg
