"""S3 fails under load, in every way it can, and comes back."""

from collections.abc import Callable
from pathlib import Path

import pytest
from storage import s3worlds, worlds
from web import servers

from . import production
from .load import Load

pytestmark = [pytest.mark.long, worlds.needs_postgresql, s3worlds.needs_moto]

Break = Callable[[s3worlds.Faulty], None]

BREAKS: dict[str, Break] = {
    "refusing connections": lambda relay: relay.refuse(),
    "answering 503": lambda relay: relay.answer(503),
    "hanging": lambda relay: relay.hang(),
    "refusing credentials": lambda relay: relay.answer(403),
    "cutting bodies": lambda relay: relay.cut(3),
}


@pytest.mark.parametrize("how", BREAKS)
def test_pictures_are_served_while_s3_fails(tmp_path: Path, how: str) -> None:
    """Nothing is lost once the breaker has opened, uploads included; what waited arrives."""
    with production.production(tmp_path / "server") as (process, places):
        with Load(process.url) as load:
            load.more(20)
            load.count.enter("fault")
            BREAKS[how](places.relay)
            production.store_is(process, False)
            load.count.enter("broken")
            load.more(30, uploads=3)
            load.count.enter("recovery")
            places.relay.pass_on()
            production.store_is(process, True)
            load.more(10)
            load.count.enter("after")
            load.more(20)
            load.stop()
        load.count.show(f"S3 {how}")
        assert load.count.of("").lost == []
        assert [load.count.of(phase).misled for phase in ("before", "broken", "after")] == [0, 0, 0]
        assert load.count.of("").refused == 0
        production.settle(load, process, places)


def test_pictures_are_served_while_puts_are_slow(tmp_path: Path) -> None:
    """At two seconds a put nothing is refused, nobody waits for one but uploads, and the
    backlog is gone soon after."""
    with production.production(tmp_path / "server", originals__mirror_wait=5) as (process, places):
        with Load(process.url) as load:
            load.more(10)
            load.count.enter("slow")
            places.relay.delay_puts(2.0)
            load.more(30, uploads=5)
            backlog = production.parts(process)["store"]["publishing"]
            places.relay.pass_on()
            load.count.enter("after")
            load.more(10)
            load.stop()
        load.count.show("S3 slow", f"backlog: {backlog}")
        assert backlog
        assert load.count.of("").right == load.count.of("").sent
        production.settle(load, process, places)


@pytest.mark.parametrize("kind", ["moto", pytest.param("rclone", marks=s3worlds.needs_rclone)])
def test_known_pictures_are_served_while_nothing_is_put(tmp_path: Path, kind: str) -> None:
    """That a bucket sends clients away is noticed although nobody asks for anything new."""
    delivery = "redirect" if kind == "moto" else "presign"
    with production.production(tmp_path / "server", kind, delivery=delivery) as (process, places):
        with Load(process.url, uploaders=0, new_sizes=False) as load:
            _all_published(process)
            load.count.enter("before")
            load.more(10)
            load.count.enter("fault")
            places.relay.answer(403)
            production.store_is(process, False)
            load.count.enter("broken")
            load.more(15)
            load.count.enter("recovery")
            places.relay.pass_on()
            production.store_is(process, True)
            load.count.enter("after")
            load.more(10)
            load.stop()
        load.count.show(f"S3 refusing known pictures, {delivery}")
        assert load.count.of("").lost == []
        assert [load.count.of(phase).misled for phase in ("before", "broken", "after")] == [0, 0, 0]
        production.settle(load, process, places)


def _all_published(process: servers.Process) -> None:
    servers.until(lambda: not production.parts(process)["store"]["publishing"])


def test_a_bucket_that_is_deleted_is_filled_again(tmp_path: Path) -> None:
    """Pictures are served without it. Once the links into it are purged and it is back,
    redirects lead into it again."""
    with production.production(tmp_path / "server") as (process, places):
        with Load(process.url) as load:
            load.more(10)
            load.count.enter("fault")
            places.delete(places.renditions)
            production.store_is(process, False)
            load.count.enter("broken")
            load.more(20)
            admin = {"Authorization": f"Bearer {servers.ADMIN}"}
            purge = {"prefix": "picture-", "limit": 10_000}
            assert process.client.post("/purge", json=purge, headers=admin).json()["purged"]
            load.count.enter("recovery")
            places.client.create_bucket(Bucket=places.renditions)
            places.publish()
            production.store_is(process, True)
            load.more(10)
            load.count.enter("after")
            load.more(10)
            load.stop()
        load.count.show("S3 bucket deleted")
        assert load.count.of("").refused == 0
        assert load.count.of("").lost == []
        assert [load.count.of(phase).misled for phase in ("before", "broken", "after")] == [0, 0, 0]
        production.settle(load, process, places)
