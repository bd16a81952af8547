"""Where an installation keeps what it is trusted with: on its disk, or shared with others."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from storage import s3worlds, worlds


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """An index and, where they are not on a disk, the buckets of renditions and originals.

    `endpoint` is where servers find those; it may be a relay in front of the real one.
    """

    database: str
    renditions: s3worlds.Place | None = None
    originals: s3worlds.Place | None = None
    endpoint: str = ""

    @property
    def keys(self) -> dict[str, object]:
        """The settings of a server that uses them (`a__b` is `a.b`)."""
        if self.renditions is None or self.originals is None:
            return {}
        return {
            "postgresql__url": self.database,
            "aws__access_key": s3worlds.ACCESS_KEY,
            "aws__secret_key": s3worlds.SECRET_KEY,
            "aws__region": "us-east-1",
            "aws__endpoint_url": self.endpoint,
            "aws__bucket": self.renditions.bucket,
            "aws__originals_bucket": self.originals.bucket,
        }

    def behind(self, relay: str) -> "Backends":
        """The same, with that address in front of the buckets."""
        return replace(self, endpoint=relay)


def disk(folder: Path) -> Backends:
    """Everything on the disk of the one server that keeps its data in `folder`."""
    return Backends(database=f"sqlite:///{folder}/data/liveresize.sqlite")


@contextlib.contextmanager
def cloud() -> Iterator[Backends]:
    """An empty PostgreSQL database and two empty buckets of an S3 that needs no signature."""
    server = s3worlds.shared("moto")
    with (
        worlds.postgresql_url() as url,
        s3worlds.place_on(server) as renditions,
        s3worlds.place_on(server) as originals,
    ):
        open_to_all(renditions)
        yield Backends(
            database=url, renditions=renditions, originals=originals, endpoint=server.address
        )


def open_to_all(place: s3worlds.Place) -> None:
    """Let anyone read what is in a bucket, as a bucket must be that is redirected to."""
    grant = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{place.bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
    place.client.put_bucket_policy(Bucket=place.bucket, Policy=policy)
