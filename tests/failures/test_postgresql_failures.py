"""PostgreSQL fails under load, in every way it can, and comes back."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from storage import s3worlds
from web import servers

from . import production
from .cluster import Cluster, needs_pgserver
from .load import Load
from .visitor import Visitor

pytestmark = [pytest.mark.long, needs_pgserver, s3worlds.needs_moto]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL that a test may break."""
    with Cluster() as made:
        yield made


@contextlib.contextmanager
def stopped(cluster: Cluster) -> Iterator[None]:
    """It refuses connections."""
    cluster.stop()
    yield
    cluster.start()


@contextlib.contextmanager
def frozen(cluster: Cluster) -> Iterator[None]:
    """It accepts connections, and answers nothing."""
    cluster.freeze()
    try:
        yield
    finally:
        cluster.thaw()


Break = Callable[[Cluster], contextlib.AbstractContextManager[None]]

BREAKS: dict[str, Break] = {"stopped": stopped, "frozen": frozen}


@pytest.mark.parametrize("how", BREAKS)
def test_pictures_are_served_without_a_database(tmp_path: Path, cluster: Cluster, how: str) -> None:
    """Every GET gets its picture; tokens and uploads are 503 until it is back."""
    cluster.start()
    with (
        production.buckets("moto") as places,
        production.instance(tmp_path / "server", cluster.url, **places.settings) as process,
    ):
        with Load(process.url) as load:
            load.more(15)
            load.count.enter("fault")
            with BREAKS[how](cluster):
                load.more(30, uploads=2)
                production.database_is(process, False)
            load.count.enter("recovery")
            production.database_is(process, True)
            servers.until(lambda: process.client.get("/_health").status_code == 200)
            load.more(10, uploads=2)
            load.count.enter("after")
            load.more(15)
            load.stop()
        load.count.show(f"PostgreSQL {how}")
        assert load.count.of("").lost == []
        assert load.count.of("fault").refused > 0
        assert [load.count.of(phase).refused for phase in ("before", "after")] == [0, 0]
        assert load.count.of("").misled == 0
        assert process.process.poll() is None
        production.settle(load, process, places)


def test_connections_that_are_cut_are_made_again(tmp_path: Path, cluster: Cluster) -> None:
    """While each is cut as soon as it is seen, every GET gets its picture all the same."""
    cluster.start()
    with (
        production.buckets("moto") as places,
        production.instance(tmp_path / "server", cluster.url, **places.settings) as process,
    ):
        with Load(process.url) as load:
            load.more(15)
            load.count.enter("fault")
            with cluster.cutting():
                load.more(40, uploads=5)
            load.count.enter("recovery")
            production.database_is(process, True)
            load.more(10)
            load.count.enter("after")
            load.more(15)
            load.stop()
        load.count.show("PostgreSQL cut off")
        assert load.count.of("").lost == []
        assert [load.count.of(phase).refused for phase in ("before", "after")] == [0, 0]
        assert load.count.of("").misled == 0
        production.settle(load, process, places)


def test_known_pictures_outlive_a_restart_without_a_database(
    tmp_path: Path, cluster: Cluster
) -> None:
    """With nothing in memory, disk and rendering answer; once it is there, all goes on."""
    cluster.start()
    folder = tmp_path / "server"
    with production.buckets("moto") as places:
        with production.instance(folder, cluster.url, **places.settings) as process:
            with Load(process.url) as load:
                load.more(10)
                load.stop()
            production.settle(load, process, places)
            cluster.stop()
        with production.instance(folder, cluster.url, **places.settings) as process:
            with Visitor(process.url) as visitor:
                for sent in load.acknowledged:
                    visitor.original(sent)
                    for width in load.seen[sent]:
                        visitor.rendition(sent, width)
                assert visitor.post("/token", json={"id": "new"}).status_code == 503
                assert visitor.get("/never.png").status_code == 503
                assert visitor.get("/_health").status_code == 500
                cluster.start()
                production.database_is(process, True)
                servers.until(lambda: visitor.get("/never.png").status_code == 404)
            with Load(process.url, first=1000) as again:
                again.more(20)
                again.stop()
            again.count.show("PostgreSQL started after liveresize")
            assert again.count.of("").right == again.count.of("").sent
            production.settle(again, process, places)
            production.settle(load, process, places)


def test_a_database_that_starts_after_liveresize_is_used(tmp_path: Path, cluster: Cluster) -> None:
    """An empty one, too: it is migrated when it is there."""
    with (
        production.buckets("moto") as places,
        production.instance(tmp_path / "server", cluster.url, **places.settings) as process,
    ):
        with Visitor(process.url) as visitor:
            refused = visitor.post("/token", json={"id": "new"})
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
            assert visitor.get("/never.png").status_code == 503
        assert not production.parts(process)["database"]["ok"]
        cluster.start()
        production.database_is(process, True)
        with Load(process.url) as load:
            load.more(10)
            load.stop()
        assert load.count.of("").right == load.count.of("").sent
        production.settle(load, process, places)
