"""Servers whose buckets are those of S3, over a relay that counts what they ask."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from aiohttp import web
from storage import s3worlds
from storage.faulty import Faulty
from storage.s3worlds import Place, World

from . import servers
from .buckets import Gallery


class Counting(Faulty):
    """A relay that knows what was asked of S3, as `GET /bucket/key`."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.asked: list[str] = []

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.raw_path.partition('?')[0]}")
        return await super()._serve(request)

    def about(self, part: str) -> list[str]:
        """What was asked with that in its path."""
        return [each for each in self.asked if part in each]


class OnS3(Gallery):
    """A server that reaches moto over a relay of its own."""

    def __init__(self, folder: Path, relay: Counting, **keys: object) -> None:
        super().__init__(
            folder,
            aws__endpoint_url=relay.address,
            aws__access_key=s3worlds.ACCESS_KEY,
            aws__secret_key=s3worlds.SECRET_KEY,
            aws__region="us-east-1",
            admin__secrets=[servers.ADMIN],
            **keys,
        )
        self.relay = relay

    @classmethod
    @contextlib.contextmanager
    def opened(cls, folder: Path, **keys: object) -> Iterator[Self]:
        """The server, as long as the block runs."""
        with Counting(upstream()) as relay, cls(folder, relay, **keys) as running:
            yield running


@dataclass(frozen=True)
class Later:
    """A clock that is ahead of the real one by so many seconds."""

    seconds: float

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic() + self.seconds

    def time(self) -> float:
        """Unix seconds."""
        return time.time() + self.seconds


def upstream() -> str:
    """Where moto listens: rclone keeps folders, and has no place for `id` beside `id/s/250`."""
    return s3worlds.shared("moto").address


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """An empty bucket."""
    with World("moto").place() as one:
        yield one


def lay(place: Place, key: str, data: bytes, mime: str = "image/jpeg") -> None:
    """Put an object into the bucket, as vip does."""
    place.client.put_object(Bucket=place.bucket, Key=key, Body=data, ContentType=mime)
