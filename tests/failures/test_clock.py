"""The clock of a server is an hour off; the database's is right."""

import functools
import glob
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from storage import s3worlds
from web import pictures, servers, wire

from . import production
from .cluster import Cluster, needs_pgserver
from .load import Load
from .visitor import WIDTHS, Sent, Visitor

LIBRARIES = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")

pytestmark = [
    pytest.mark.long,
    needs_pgserver,
    s3worlds.needs_moto,
    pytest.mark.skipif(not LIBRARIES, reason="libfaketime is not installed"),
]

HOUR = 3600

AHEAD, BEHIND = HOUR, -HOUR

LEASE = 5
"""Seconds: enough for a busy machine to renew it in time."""

NEWS = 60.0
"""Seconds in which an instance must have heard of a deletion: five, on an idle machine."""

ADMIN = {"Authorization": f"Bearer {servers.ADMIN}"}


def clock(seconds: int) -> tuple[str, ...]:
    """What a command begins with whose clock is so many seconds ahead.

    Only the time of day: clocks that measure how long something takes are never off.
    """
    library = f"LD_PRELOAD={LIBRARIES[0]}"
    return ("env", library, f"FAKETIME={seconds:+d}", "FAKETIME_DONT_FAKE_MONOTONIC=1")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL whose clock is right, and that may be stopped."""
    with Cluster() as made:
        made.start()
        yield made


def is_off(process: servers.Process, seconds: int) -> bool:
    """Whether the server's clock is as it was told."""
    told = datetime.fromisoformat(process.lines("server_started")[0]["@timestamp"])
    return abs(told.timestamp() - time.time() - seconds) < HOUR / 2


@pytest.mark.parametrize("seconds", [AHEAD, BEHIND])
def test_tokens_live_as_long_as_the_database_says(
    tmp_path: Path, cluster: Cluster, seconds: int
) -> None:
    """Whatever the clock of the server: `expires_at` is right, a token that ran out is
    refused, and one that has not is taken."""
    with production.instance(
        tmp_path / "server", cluster.url, *clock(seconds), token__lifetime=600
    ) as process:
        assert is_off(process, seconds)
        answer = process.client.post("/token", json={"id": "cat"}).json()
        expires = datetime.fromisoformat(answer["expires_at"]).timestamp()
        assert abs(expires - time.time() - 600) < 300
        assert process.client.upload("cat", pictures.png(), answer["token"]).status_code == 200
        assert process.client.post("/token", json={"id": "cat"}).status_code == 403
        brief = process.client.token("dog", expires_in=1)
        servers.until(lambda: process.client.post("/token", json={"id": "dog"}).status_code == 200)
        assert process.client.upload("dog", pictures.png(), brief).status_code == 403


@pytest.mark.parametrize("seconds", [AHEAD])
def test_a_lease_is_kept_while_bytes_arrive(tmp_path: Path, cluster: Cluster, seconds: int) -> None:
    """An upload of several leases is neither swept away nor taken for dead by an instance
    with another clock; one whose server died is, in time."""
    data = pictures.noise(300, 300, "PNG")
    keys = {"upload__lease": LEASE, "limits__body_rate": 0}
    with (
        production.instance(tmp_path / "one", cluster.url, *clock(seconds), **keys) as process,
        production.instance(tmp_path / "two", cluster.url, *clock(-seconds), **keys) as other,
        wire.Wire(process.port) as connection,
    ):
        connection.send(_head("cat", process.client.token("cat"), len(data)))
        sent, end = 0, time.monotonic() + 3 * LEASE
        while time.monotonic() < end:
            connection.send(data[sent : sent + 1])
            sent += 1
            assert other.client.post("/token", json={"id": "cat"}).status_code == 403
        connection.send(data[sent:])
        assert connection.reply().status == 200
        with wire.Wire(process.port) as broken:
            broken.send(_head("dog", process.client.token("dog"), len(data)) + data[:12])
            servers.until(lambda: _staged(process))
            process.kill()
            servers.until(
                lambda: other.client.post("/token", json={"id": "dog"}).status_code == 200
            )
            assert other.client.get("/dog.png").status_code == 404


def _head(name: str, token: str, size: int) -> bytes:
    """The head of an upload of `size` bytes."""
    return wire.request(
        f"/{name}",
        "POST",
        X_Token=token,
        Content_Type="image/png",
        Content_Length=str(size),
    )


def _staged(process: servers.Process) -> bool:
    """Whether an upload has begun."""
    return any((process.folder / "data" / "originals" / "_staging").iterdir())


@pytest.mark.parametrize("seconds", [AHEAD, BEHIND])
def test_a_new_picture_wins_whatever_the_clocks_say(
    tmp_path: Path, cluster: Cluster, seconds: int
) -> None:
    """Overwritten by an instance with another clock and then by itself after its clock was
    set, a picture is the latest one everywhere, also from the disk alone."""
    one, two = tmp_path / "one", tmp_path / "two"
    first, second, third = (Sent("cat", shade) for shade in (1, 2, 3))
    with production.buckets("moto") as places:
        keys = {**places.settings, "secret": servers.SECRET}

        def put_in(process: servers.Process, sent: Sent) -> None:
            process.client.put_in(sent.name, sent.data, overwrite=True)

        with production.instance(two, cluster.url, *clock(-seconds), **keys) as other:
            with production.instance(one, cluster.url, *clock(seconds), **keys) as process:
                put_in(process, first)
                _shows(process, first)
                _shows(other, first)
                put_in(other, second)
                _shows(other, second)
                _shows(process, second)
            with production.instance(one, cluster.url, *clock(-2 * seconds), **keys) as process:
                _shows(process, second)
                put_in(process, third)
                _shows(process, third)
                _shows(other, third)
        cluster.stop()
        for folder in (one, two):
            with production.instance(folder, cluster.url, **keys) as cold:
                _shows(cold, third)


def _shows(process: servers.Process, sent: Sent) -> None:
    """Return when a server shows that picture, original and rendition."""
    with Visitor(process.url) as visitor:

        def shows() -> bool:
            for width in (0, WIDTHS[0]):
                answer = visitor.get(f"/cat_{width}_0.png" if width else "/cat.png")
                if answer.status_code == 303:
                    answer = visitor.get(answer.headers["Location"])
                if answer.status_code != 200:
                    return False
                picture = pictures.opened(answer.content).convert("RGB")
                if picture.getchannel(2).getextrema() != (sent.shade, sent.shade):
                    return False
            return True

        servers.until(shows, NEWS)


def deleted(process: servers.Process, name: str) -> bool:
    """Whether a deletion was made, now or by a request before that got no answer in time."""
    status = process.client.delete(f"/{name}", headers=ADMIN).status_code
    assert status in (204, 404, 503), status
    return status != 503


@pytest.mark.parametrize("seconds", [AHEAD])
def test_what_is_deleted_or_purged_is_gone_in_every_instance(
    tmp_path: Path, cluster: Cluster, seconds: int
) -> None:
    """Two clocks that differ by two hours; what `rendered_before` means is the database's."""
    with (
        production.buckets("moto") as places,
        production.instance(
            tmp_path / "one", cluster.url, *clock(seconds), **places.settings
        ) as process,
        production.instance(
            tmp_path / "two", cluster.url, *clock(-seconds), **places.settings
        ) as other,
    ):
        with Load(process.url, seeds=6) as load:
            load.more(10)
            load.stop()
        assert load.count.of("").right == load.count.of("").sent
        production.settle(load, process, places)
        purge = {"rendered_before": time.time() - HOUR / 2, "limit": 1000}
        answer = process.client.post("/purge", json=purge, headers=ADMIN)
        assert answer.json() == {"purged": 0}
        purge["rendered_before"] = time.time() + 1
        assert process.client.post("/purge", json=purge, headers=ADMIN).json()["purged"]
        for sent in load.acknowledged[:4]:
            path = f"/{sent.name}_{WIDTHS[0]}_0.png"
            # 503 is a busy machine: ask again, as the answer says.
            servers.until(functools.partial(deleted, process, sent.name))
            for each in (process, other):
                _is_gone(each, path)
            assert not [
                key for key in places.keys(places.renditions) if sent.name in key.split("/")
            ]


def _is_gone(process: servers.Process, path: str) -> None:
    servers.until(lambda: process.client.get(path).status_code == 404, NEWS)


@pytest.mark.parametrize("seconds", [BEHIND])
def test_pictures_are_served_by_a_store_that_minds(
    tmp_path: Path, cluster: Cluster, seconds: int
) -> None:
    """Signatures an hour off are refused by the store; pictures come all the same."""
    with (
        production.buckets("rclone") as places,
        production.instance(
            tmp_path / "server", cluster.url, *clock(seconds), delivery="presign", **places.settings
        ) as process,
    ):
        with Load(process.url, seeds=6) as load:
            load.count.enter("during")
            load.more(20)
            load.stop()
        load.count.show(f"clock off by {seconds} s, presigned")
        assert load.count.of("").right == load.count.of("").sent
