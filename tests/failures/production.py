"""liveresize as it runs in production: on PostgreSQL, with both of its buckets."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from storage import s3worlds, worlds
from web import servers

from .load import Load
from .visitor import Misled, Refused, Sent, Visitor, Wrong

RECOVERY = 120.0
"""Seconds in which everything that waited must be where it belongs: the publisher's
longest pause is 30, and a machine may be busy."""


@dataclass
class Buckets:
    """The two buckets, a relay that can make them fail, and a client of neither's code."""

    relay: s3worlds.Faulty
    client: Any
    renditions: str
    originals: str

    def keys(self, bucket: str) -> set[str]:
        """Every key in a bucket."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {each["Key"] for page in pages for each in page.get("Contents", ())}

    def publish(self) -> None:
        """Let anyone read the renditions, as the bucket of a site does."""
        anyone = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{self.renditions}/*",
        }
        policy = {"Version": "2012-10-17", "Statement": [anyone]}
        self.client.put_bucket_policy(Bucket=self.renditions, Policy=json.dumps(policy))

    def delete(self, bucket: str) -> None:
        """Take everything out of a bucket, and the bucket away."""
        while True:
            keys = [{"Key": key} for key in self.keys(bucket)]
            for start in range(0, len(keys), 1000):
                batch = {"Objects": keys[start : start + 1000], "Quiet": True}
                self.client.delete_objects(Bucket=bucket, Delete=batch)
            try:
                self.client.delete_bucket(Bucket=bucket)
            except ClientError:
                continue  # something has been put there meanwhile
            return

    @property
    def settings(self) -> dict[str, object]:
        """What leads liveresize there, through the relay."""
        return {
            "aws__endpoint_url": self.relay.address,
            "aws__access_key": s3worlds.ACCESS_KEY,
            "aws__secret_key": s3worlds.SECRET_KEY,
            "aws__bucket": self.renditions,
            "aws__originals_bucket": self.originals,
        }


@contextlib.contextmanager
def buckets(kind: str, server: s3worlds.Server | None = None) -> Iterator[Buckets]:
    """Two empty buckets behind a relay of their own, on `server` or on that of all tests."""
    server = server or s3worlds.shared(kind)
    with (
        s3worlds.place_on(server) as renditions,
        s3worlds.place_on(server) as originals,
        s3worlds.Faulty(server.address) as relay,
    ):
        places = Buckets(relay, renditions.client, renditions.bucket, originals.bucket)
        if kind != "rclone":
            places.publish()
        yield places


@contextlib.contextmanager
def instance(folder: Path, url: str, *prefix: str, **keys: object) -> Iterator[servers.Process]:
    """A server on that database; mirrors are waited for a second, leases are short."""
    given: dict[str, object] = {
        "originals__mirror_wait": 1,
        "token__lifetime": 15,
        "upload__lease": 5,
        "admin__secrets": [servers.ADMIN],
        **keys,
    }
    with servers.Process(folder, *prefix, postgresql__url=url, **given) as process:
        yield process


@contextlib.contextmanager
def production(
    folder: Path, kind: str = "moto", server: s3worlds.Server | None = None, **keys: object
) -> Iterator[tuple[servers.Process, Buckets]]:
    """A server on the PostgreSQL of all tests and on buckets as of `buckets`."""
    with (
        worlds.postgresql_url() as url,
        buckets(kind, server) as places,
        instance(folder, url, **places.settings, **keys) as process,
    ):
        yield process, places


def parts(process: servers.Process) -> dict[str, Any]:
    """The parts of /_ready."""
    with Visitor(process.url) as visitor:
        found: dict[str, Any] = visitor.get("/_ready").json()["parts"]
    return found


def store_is(process: servers.Process, healthy: bool) -> None:
    """Return when the server thinks so of the bucket."""
    servers.until(lambda: parts(process)["store"]["ok"] == healthy, RECOVERY)


def database_is(process: servers.Process, healthy: bool) -> None:
    """Return when the server thinks so of the database."""
    servers.until(lambda: parts(process)["database"]["ok"] == healthy, RECOVERY)


def well(process: servers.Process) -> None:
    """Return when nothing suffers and nothing waits."""
    end = time.monotonic() + RECOVERY
    while True:
        found = parts(process)
        waiting = [found["store"][key] for key in ("publishing", "mirroring", "removing")]
        if all(part["ok"] for part in found.values()) and not any(waiting):
            return
        assert time.monotonic() < end, found
        time.sleep(0.1)


def settle(load: Load, process: servers.Process, places: Buckets) -> None:
    """Return when the backlog is gone; then everything is where it should be.

    Every acknowledged original is in the mirror, every link's object is in the bucket, and
    every size that anybody ever got is redirected to, and is the right picture there. What
    was refused is not half there: its id is free, or it is whole.
    """
    well(process)
    names = {sent.name for sent in load.acknowledged}

    def mirrored() -> bool:
        return names <= {key.rpartition("/")[0] for key in places.keys(places.originals)}

    servers.until(mirrored, RECOVERY)
    with Visitor(process.url) as visitor:
        for sent in load.acknowledged:
            visitor.original(sent)
            for width in sorted(load.seen[sent]):
                _redirected(visitor, sent, width)
        made = {
            (key.split("/")[0], int(key.split("/")[2].partition("x")[0]))
            for key in places.keys(places.renditions)
            if key.count("/") == 2
        }
        wanted = {(sent.name, width) for sent, widths in load.seen.items() for width in widths}
        assert wanted <= made, wanted - made
    free_or_whole(load, process)


def _redirected(visitor: Visitor, sent: Sent, width: int) -> None:
    """Return when a rendition is behind a redirect, and right there."""
    servers.until(lambda: visitor.rendition(sent, width), RECOVERY)


def free_or_whole(load: Load, process: servers.Process) -> None:
    """Return when each id whose upload was refused is free again, or taken by the picture."""
    with Visitor(process.url) as visitor:

        def nothing(sent: Sent) -> bool:
            """Whether that is known: on a busy machine a lookup may take its 150 ms."""
            status = visitor.get(f"/{sent.name}.png").status_code
            assert status in (404, 503)
            return status == 404

        for sent in load.refused:

            def decided(sent: Sent = sent) -> bool:
                answer = visitor.post("/token", json={"id": sent.name})
                if answer.status_code == 200:
                    servers.until(lambda: nothing(sent), RECOVERY)
                    return True
                with contextlib.suppress(Wrong, Refused, Misled):
                    visitor.original(sent)
                    return True
                return False

            servers.until(decided, RECOVERY)
