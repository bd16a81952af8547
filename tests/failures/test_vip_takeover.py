"""A bucket that was vip's is taken over by two instances, while what they stand on comes and
goes: PostgreSQL is theirs alone, the bucket has been there before them.
"""

import contextlib
import itertools
import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
import pytest
from storage import s3worlds
from web import pictures, servers

from . import production
from .cluster import Cluster, needs_pgserver
from .visitor import HEIGHT, PATIENCE, WIDTH, Sent, Wrong

pytestmark = [pytest.mark.long, needs_pgserver, s3worlds.needs_moto]

COUNT = 24
"""Pictures that vip left. Every third is asked for before anything fails."""

RESTS = 0.01
"""Seconds that a visitor rests between two requests."""

WIDE, SQUARE = 32, 24
"""Widths of the renditions that vip left of each: a plain one and a square."""

NEW_WIDE, NEW_SQUARE = 20, 16
"""Those that are made here."""


@dataclass(frozen=True)
class Legacy(Sent):
    """A picture that vip stored, and what it made of it."""

    @property
    def plain(self) -> bytes:
        """Its rendition, which is no bytes that we would make."""
        return self._theirs(WIDE, WIDE * HEIGHT // WIDTH)

    @property
    def square(self) -> bytes:
        """Its square."""
        return self._theirs(SQUARE, SQUARE)

    def _theirs(self, width: int, height: int) -> bytes:
        picture = pictures.gradient(width, height, self.shade)
        return pictures.encoded(picture, compress_level=0)

    @property
    def objects(self) -> dict[str, bytes]:
        """What lies in the bucket, by its keys."""
        return {
            self.name: self.data,
            f"{self.name}/s/{WIDE}": self.plain,
            f"{self.name}/c/s/{SQUARE}": self.square,
        }

    @property
    def asked(self) -> dict[str, bytes | None]:
        """Queries, and the very bytes that answer them, None where they are not known."""
        return {
            "": self.data,
            f"?s={WIDE}": self.plain,
            f"?s={SQUARE}&c=true": self.square,
            f"?s={NEW_WIDE}": None,
            f"?s={NEW_SQUARE}&c=true": None,
        }

    def check_answer(self, query: str, data: bytes) -> None:
        """Raise Wrong unless that is a right answer to the query, whoever has made it."""
        if query == "":
            if data != self.data:
                raise Wrong("another original")
        elif "c=" in query:
            side = int(query[3:].partition("&")[0])
            found = pictures.opened(data)
            if found.size != (side, side):
                raise Wrong(f"size {found.size}")
        else:
            self.check(data, int(query[3:]))
        blue = pictures.opened(data).convert("RGB").getchannel(2).getextrema()
        if blue != (self.shade, self.shade):
            raise Wrong(f"another picture: {blue} rather than {self.shade}")


def left_by_vip(count: int) -> list[Legacy]:
    """Pictures of different shades."""
    return [
        Legacy(f"{uuid.uuid4().hex}-{WIDTH}x{HEIGHT}", number * 9 % 256) for number in range(count)
    ]


@dataclass
class Bucket:
    """The bucket, a relay that can make it fail, and two instances that use it."""

    place: s3worlds.Place
    relay: s3worlds.Faulty
    cluster: Cluster
    left: list[Legacy]
    instances: list[servers.Process] = field(default_factory=list)

    def fill(self) -> None:
        """What vip left."""
        for one in self.left:
            for key, data in one.objects.items():
                self.place.client.put_object(
                    Bucket=self.place.bucket, Key=key, Body=data, ContentType="image/png"
                )

    def path(self, one: Sent, query: str = "") -> str:
        """The address of a picture."""
        return f"/{self.place.bucket}/{one.name}{query}"

    def listed(self) -> set[str]:
        """Everything in the bucket."""
        pages = self.place.client.get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=self.place.bucket)
        return {each["Key"] for page in listed for each in page.get("Contents", ())}

    def upload(self, process: servers.Process, shade: int) -> Sent:
        """A picture that was acknowledged just now."""
        data = pictures.png(WIDTH, HEIGHT, shade)
        with servers.Client(process.url) as client:
            headers = {"X-Vip-Token": "token"}
            answer = client.post(f"/upload/{self.place.bucket}", content=data, headers=headers)
            assert answer.status_code == 201, answer.text
            return Sent(answer.json()["url"].rpartition("/")[2], shade)

    def unharmed(self) -> None:
        """Fail unless all that vip left lies there as it was."""
        for one in self.left:
            for key, data in one.objects.items():
                assert self.place.bytes(key) == data, key


class Crowd:
    """Visitors who ask both instances for pictures, again and again; a context manager.

    What they get is looked at: a 200 must be the right picture, anything else that is no
    503 with a Retry-After is `wrong`. `counts` are by phase and status.
    """

    def __init__(self, bucket: Bucket, known: Sequence[Legacy]) -> None:
        self._bucket = bucket
        self._known = known
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(4)
        self._lock = threading.Lock()
        self.phase = "before"
        self.counts: Counter[tuple[str, int]] = Counter()
        self.wrong: list[str] = []

    def __enter__(self) -> Self:
        for number in range(4):
            process = self._bucket.instances[number % 2]
            self._pool.submit(self._visit, process.url, random.Random(number))
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._pool.shutdown()

    def _visit(self, url: str, dice: random.Random) -> None:
        with httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as client:
            while not self._over.wait(RESTS):
                one = dice.choice(self._known)
                query = dice.choice(list(one.asked))
                self._ask(client, one, query)

    def _ask(self, client: httpx.Client, one: Legacy, query: str) -> None:
        phase = self.phase
        said = ""
        status = 0
        try:
            answer = client.get(self._bucket.path(one, query))
            status = answer.status_code
            if status == 200:
                one.check_answer(query, answer.content)
            elif status != 503 or "Retry-After" not in answer.headers:
                said = f"{status} {answer.text[:200]}"
        except (httpx.HTTPError, Wrong, OSError) as error:
            said = repr(error)
        with self._lock:
            self.counts[phase, status] += 1
            if said:
                self.wrong.append(f"{phase}: {one.name}{query}: {said}")

    def more(self, count: int) -> None:
        """Return when so many more have been answered in this phase."""
        before = self._sum()
        servers.until(lambda: self.wrong or self._sum() >= before + count, production.RECOVERY)
        assert self.wrong == []

    def _sum(self) -> int:
        with self._lock:
            return sum(count for (phase, _), count in self.counts.items() if phase == self.phase)

    def statuses(self, phase: str) -> set[int]:
        """What was answered in a phase."""
        with self._lock:
            return {status for each, status in self.counts if each == phase}


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    """Two instances of an empty database, and a bucket that vip has filled."""
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(Cluster())
        cluster.start()
        place = stack.enter_context(s3worlds.World("moto").place())
        relay = stack.enter_context(s3worlds.Faulty(place.server.address))
        made = Bucket(place, relay, cluster, left_by_vip(COUNT))
        made.fill()
        keys: dict[str, object] = {
            "aws__endpoint_url": relay.address,
            "aws__access_key": s3worlds.ACCESS_KEY,
            "aws__secret_key": s3worlds.SECRET_KEY,
            "vip__buckets": [place.bucket],
            "vip__token": "token",
        }
        for name in ("one", "two"):
            folder = tmp_path / name
            made.instances.append(
                stack.enter_context(production.instance(folder, cluster.url, **keys))
            )
        yield made


def everything_is_answered(bucket: Bucket, ones: Sequence[Legacy]) -> None:
    """Return when both instances answer every query about those pictures, to the byte where
    vip has made it; each is asked again while it is 503."""
    for process, one in itertools.product(bucket.instances, ones):
        for query, data in one.asked.items():

            def answered(
                process: servers.Process = process, path: str = bucket.path(one, query)
            ) -> list[httpx.Response]:
                answer = process.client.get(path)
                return [] if answer.status_code == 503 else [answer]

            (answer,) = servers.until(answered, production.RECOVERY)
            assert answer.status_code == 200, answer.text
            one.check_answer(query, answer.content)
            assert data is None or answer.content == data, f"{one.name}{query}"


def test_a_bucket_of_vip_is_taken_over(tmp_path: Path, bucket: Bucket) -> None:
    """Every original and every rendition of vip is answered as it is by both instances, new
    ones are stored under vip's keys, and no answer is ever wrong: not while S3 is down, nor
    while PostgreSQL is, nor afterwards. Nothing that lay in the bucket changes."""
    known, fresh = bucket.left[::3], bucket.left[1::3]
    everything_is_answered(bucket, known)
    for process in bucket.instances:
        production.well(process)
    with Crowd(bucket, known) as crowd:
        crowd.more(100)
        assert crowd.statuses("before") == {200}

        crowd.phase = "without S3"
        bucket.relay.refuse()
        crowd.more(100)
        assert crowd.statuses("without S3") == {200}
        for process, one in zip(itertools.cycle(bucket.instances), fresh, strict=False):
            assert process.client.get(bucket.path(one)).status_code == 503
        late = [bucket.upload(process, 200) for process in bucket.instances]
        bucket.relay.pass_on()

        crowd.phase = "with S3 again"
        everything_is_answered(bucket, fresh)
        for sent in late:
            servers.until(lambda sent=sent: sent.name in bucket.listed(), production.RECOVERY)  # type: ignore[misc]
            assert bucket.place.bytes(sent.name) == sent.data
        crowd.more(100)

        crowd.phase = "without PostgreSQL"
        bucket.cluster.stop()
        crowd.more(100)
        assert crowd.statuses("without PostgreSQL") == {200}
        unknown = bucket.left[2]
        for process in bucket.instances:
            assert process.client.get(bucket.path(unknown)).status_code == 503
        bucket.cluster.start()

        crowd.phase = "with PostgreSQL again"
        everything_is_answered(bucket, bucket.left[2::3])
        crowd.more(100)
    assert crowd.wrong == []
    assert {status for _, status in crowd.counts} == {200}
    for process in bucket.instances:
        production.well(process)
    everything_is_answered(bucket, bucket.left)
    for sent, process in itertools.product(late, bucket.instances):
        assert process.client.get(bucket.path(sent)).content == sent.data
    bucket.unharmed()
    made = {f"{one.name}/s/{NEW_WIDE}" for one in bucket.left}
    made |= {f"{one.name}/c/s/{NEW_SQUARE}" for one in bucket.left}
    servers.until(lambda: made <= bucket.listed(), production.RECOVERY)
    left = {key for one in bucket.left for key in one.objects}
    assert bucket.listed() == left | made | {sent.name for sent in late}
    originals = bucket.cluster.ask("SELECT name, mirrored_at FROM originals")
    assert len(originals) == COUNT + len(late)
    assert all(row["mirrored_at"] for row in originals)
