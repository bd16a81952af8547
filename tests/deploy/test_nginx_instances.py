"""Which instance is asked, and which is asked next."""

import contextlib
import itertools
from collections import Counter
from pathlib import Path

import pytest

from .nginx import Client, Nginx, needs_nginx
from .recorder import Answer, Recorder, Seen

pytestmark = [pytest.mark.long, needs_nginx]


def test_a_post_that_was_sent_is_not_sent_again(tmp_path: Path) -> None:
    """An upload that one instance hangs up on is not tried at another; a GET is."""
    with (
        Recorder(lambda seen: None) as first,
        Recorder(lambda seen: None) as second,
        Nginx(tmp_path, [first.port, second.port]) as nginx,
        nginx.client() as client,
    ):
        assert client.post("/cat", content=b"x" * 100_000).status_code == 503
        assert len(first.seen + second.seen) == 1
        assert client.get("/cat_8_6.jpg").status_code == 503
        assert len(first.seen + second.seen) == 3


def test_instances_that_cannot_be_had_are_passed_over(tmp_path: Path) -> None:
    """With one of two gone, every GET and every upload is answered by the other."""
    with (
        Recorder() as there,
        Recorder() as gone,
        Nginx(tmp_path, [there.port, gone.port]) as nginx,
        nginx.client() as client,
    ):
        gone.__exit__()
        statuses = Counter(
            client.request(method, f"/{method}{n}", content=b"x" * 1000).status_code
            for n in range(100)
            for method in ("GET", "POST", "DELETE")
        )
    assert statuses == {200: 300}
    assert gone.seen == []


def test_a_busy_fleet_is_not_taken_for_a_dead_one(tmp_path: Path) -> None:
    """Where a third of the answers is 503, clients see that third, and nginx adds none."""
    count = itertools.count()

    def busy(seen: Seen) -> Answer:
        return (503, {}, b"busy") if next(count) % 3 == 0 else (200, {}, b"ok")

    with (
        Recorder(busy) as first,
        Recorder(busy) as second,
        Nginx(tmp_path, [first.port, second.port]) as nginx,
        nginx.client() as client,
    ):
        statuses = Counter(client.get(f"/cat-{n}").status_code for n in range(300))
    assert statuses == {200: 200, 503: 100}


def test_a_new_instance_takes_its_share_and_no_more(tmp_path: Path) -> None:
    """Names are spread evenly; a fourth instance takes about a quarter, all from others."""
    names = [f"picture-{n}" for n in range(600)]

    def owners(client: Client, recorders: list[Recorder]) -> dict[str, int]:
        for recorder in recorders:
            recorder.seen.clear()
        for name in names:
            assert client.get(f"/{name}_8_6.jpg").status_code == 200
        return {seen.target: recorder.port for recorder in recorders for seen in recorder.seen}

    with contextlib.ExitStack() as stack:
        recorders = [stack.enter_context(Recorder()) for _ in range(4)]
        ports = [recorder.port for recorder in recorders]
        nginx = stack.enter_context(Nginx(tmp_path, ports[:3]))
        with nginx.client() as client:
            before = owners(client, recorders)
        nginx.reload(ports)
        with nginx.client() as client:
            after = owners(client, recorders)
    shares = Counter(before.values())
    assert len(shares) == 3
    assert min(shares.values()) > 100
    moved = {target for target in before if before[target] != after[target]}
    assert {after[target] for target in moved} == {ports[3]}
    assert len(moved) < 600 / 4 + 75
