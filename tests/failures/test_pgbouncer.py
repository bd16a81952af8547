"""PgBouncer between liveresize and PostgreSQL, with a pool of transactions."""

import contextlib
import functools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from storage import s3worlds
from web import servers

from . import production
from .cluster import Cluster, needs_pgserver
from .load import Load
from .pooler import Pooler, needs_pgbouncer
from .visitor import WIDTHS, Misled, Refused, Sent, Visitor

pytestmark = [pytest.mark.long, needs_pgserver, needs_pgbouncer, s3worlds.needs_moto]

ADMIN = {"Authorization": f"Bearer {servers.ADMIN}"}


@pytest.fixture
def pooler() -> Iterator[Pooler]:
    """PgBouncer in front of an empty PostgreSQL, with five connections to it."""
    with Cluster() as cluster:
        cluster.start()
        with Pooler(cluster) as pooler:
            yield pooler


def test_the_whole_job_runs_through_a_pooler(tmp_path: Path, pooler: Pooler) -> None:
    """Migration, uploads, 200 requests at once, overwriting, deleting, purging."""
    keys = {"secret": servers.SECRET, "postgresql__pool": 20}
    with (
        production.instance(tmp_path / "server", pooler.url, **keys) as process,
        ThreadPoolExecutor(200) as pool,
    ):
        pictures = [Sent(f"picture-{number}", number) for number in range(20)]

        def put_in(sent: Sent) -> None:
            with servers.Client(process.url, servers.SECRET) as client:
                client.put_in(sent.name, sent.data)

        list(pool.map(put_in, pictures))
        wanted = [(sent, width) for sent in pictures for width in WIDTHS[:10]]

        def look(wanted: tuple[Sent, int]) -> None:
            with Visitor(process.url) as visitor:
                visitor.rendition(*wanted)

        for _ in range(3):
            list(pool.map(look, wanted))
        production.well(process)
        list(pool.map(look, wanted))
        _overwrite_and_delete(process, pictures)


def _deleted(process: servers.Process, sent: Sent) -> bool:
    """Whether a picture is deleted; a database that takes too long is asked again."""
    status = process.client.delete(f"/{sent.name}", headers=ADMIN).status_code
    assert status in (204, 503)
    return status == 204


def _overwrite_and_delete(process: servers.Process, pictures: list[Sent]) -> None:
    kept, replaced, *rest = pictures
    other = Sent(replaced.name, 200)
    process.client.put_in(replaced.name, other.data, overwrite=True)
    purged = process.client.post("/purge", json={"id": kept.name}, headers=ADMIN).json()["purged"]
    assert purged == 10
    for sent in rest:
        servers.until(lambda sent=sent: _deleted(process, sent))  # type: ignore[misc]
    with Visitor(process.url) as visitor:
        visitor.original(other)
        visitor.rendition(other, WIDTHS[1])
        visitor.rendition(kept, WIDTHS[1])
        for sent in rest:
            assert visitor.get(f"/{sent.name}_{WIDTHS[1]}_0.png").status_code == 404


def test_ten_processes_start_at_once_through_a_pooler(tmp_path: Path, pooler: Pooler) -> None:
    """On an empty database: one migrates it, all of them work, each sees what others took."""
    patient = functools.partial(servers.until, patience=180.0)
    with ExitStack() as stack, ThreadPoolExecutor(10) as pool:
        places = stack.enter_context(production.buckets("moto"))

        def start(number: int) -> servers.Process:
            folder = tmp_path / f"server-{number}"
            return stack.enter_context(production.instance(folder, pooler.url, **places.settings))

        with servers.replaced(servers, "until", patient):
            instances = list(pool.map(start, range(10)))
        for process in instances:
            production.database_is(process, True)
            assert not process.lines("database_migration_failed")
        pictures = [Sent(f"picture-{number}", number) for number in range(10)]
        for sent, process in zip(pictures, instances, strict=True):
            process.client.put_in(sent.name, sent.data)
        for process in instances:
            with Visitor(process.url) as visitor:
                for sent in pictures:
                    servers.until(functools.partial(_shown, visitor, sent))


def _shown(visitor: Visitor, sent: Sent) -> bool:
    """Whether an instance shows a picture of another; a busy machine's lookups are late."""
    with contextlib.suppress(Refused, Misled):
        visitor.rendition(sent, WIDTHS[0])
        return True
    return False


def test_a_pooler_is_restarted_under_load(tmp_path: Path, pooler: Pooler) -> None:
    """Every GET gets its picture, and all goes on by itself."""
    with (
        production.buckets("moto") as places,
        production.instance(tmp_path / "server", pooler.url, **places.settings) as process,
    ):
        with Load(process.url) as load:
            load.more(15)
            load.count.enter("fault")
            for _ in range(3):
                pooler.stop()
                load.more(10, uploads=2)
                pooler.start()
                load.more(10, uploads=2)
            load.count.enter("recovery")
            production.database_is(process, True)
            load.more(10)
            load.count.enter("after")
            load.more(15)
            load.stop()
        load.count.show("PgBouncer restarted three times")
        assert load.count.of("").lost == []
        assert [load.count.of(phase).refused for phase in ("before", "after")] == [0, 0]
        assert load.count.of("").misled == 0
        production.settle(load, process, places)
