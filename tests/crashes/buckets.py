"""An installation with a bucket that was vip's, and what must hold of both."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from storage import s3worlds
from web import pictures, servers

from scripts.soaking import audit

from .scenes import PATIENCE, Scene, scene

NAMES = ("legacy", "older")
LEGACY = {name: pictures.noise(700 + shade, 500) for shade, name in enumerate(NAMES)}
"""The originals that vip left; of each there is a rendition in its `s/250`."""

THEIRS = {name: pictures.noise(250, 178 + shade) for shade, name in enumerate(NAMES)}
NEW = pictures.noise(1200, 900)
TOKEN = {"X-Vip-Token": "token"}


@dataclass(frozen=True)
class Town:
    """Servers that share a bucket, with PostgreSQL and S3 beside it or a disk of their own."""

    scene: Scene
    place: s3worlds.Place

    def server(self, step: str = "none", number: int = 0, **keys: object) -> servers.Process:
        """A server that dies at `step`."""
        own: dict[str, object] = {
            "aws__access_key": s3worlds.ACCESS_KEY,
            "aws__secret_key": s3worlds.SECRET_KEY,
            "aws__region": "us-east-1",
            "aws__endpoint_url": self.place.server.address,
            "vip__buckets": [self.place.bucket],
            "vip__token": "token",
        }
        return self.scene.server(step, number, **own, **keys)

    def path(self, name: str, query: str = "") -> str:
        """The address of a picture."""
        return f"/{self.place.bucket}/{name}{query}"

    def upload(self, client: servers.Client, data: bytes = NEW) -> httpx.Response:
        """The answer to an upload."""
        return client.post(f"/upload/{self.place.bucket}", content=data, headers=TOKEN)

    def deposited(self, client: servers.Client, data: bytes = NEW) -> str:
        """Upload; the id."""
        answer = self.upload(client, data)
        assert answer.status_code == 201, answer.text
        name: str = answer.json()["url"].rpartition("/")[2]
        return name

    def get(self, client: servers.Client, name: str, query: str = "") -> bytes:
        """The bytes of a picture; asks again while it is 503."""

        def answered() -> list[httpx.Response]:
            answer = client.get(self.path(name, query))
            return [] if answer.status_code == 503 else [answer]

        (answer,) = servers.until(answered, PATIENCE)
        assert answer.status_code == 200, answer.text
        return answer.content

    def originals(self) -> dict[str, bytes]:
        """What lies in the bucket under an id."""
        return {key: self.place.bytes(key) for key in self.place.listed() if "/" not in key}

    def untouched(self) -> None:
        """Fail unless the bucket has what vip left."""
        found = self.originals()
        for name in NAMES:
            assert found[name] == LEGACY[name]
            assert self.place.bytes(f"{name}/s/250") == THEIRS[name]

    def served(self, client: servers.Client) -> None:
        """Fail unless everything that vip left is answered as it is."""
        for name in NAMES:
            assert self.get(client, name) == LEGACY[name]
            assert self.get(client, name, "?s=250") == THEIRS[name]
            small = pictures.opened(self.get(client, name, "?s=90"))
            assert small.size == (90, 500 * 90 // (700 + NAMES.index(name)))
        self.untouched()

    def in_order(self) -> None:
        """Return when nothing is left over anywhere; fails with what is."""
        found: list[str] = []

        def nothing() -> bool:
            found[:] = self._findings()
            return not found

        try:
            servers.until(nothing, PATIENCE)
        except AssertionError:
            raise AssertionError(found) from None

    def _findings(self) -> Iterator[str]:
        known = self.scene.rows
        named = dict(known.originals.values())
        for folder in self.scene.folders:
            yield from audit._left_over(folder / "data")
            for path, digest in audit._contents(folder / "data" / "originals" / "_bucket"):
                yield from _file(path, digest, known)
        objects = dict(audit._objects(self.place))
        for key, digest in objects.items():
            name = key.partition("/")[0]
            if name in NAMES:
                continue
            if named.get(name) is None:
                yield f"object without a picture: {key}"
            elif key == name and named[name] != digest:
                yield f"not whole: {key}"
            elif key != name and known.links.get(key) != digest:
                yield f"object without a link: {key}"
        yield from (f"not in its bucket: {name}" for name in named if name not in objects)
        yield from (f"link to nothing: {key}" for key in known.links if key not in objects)


def _file(path: Path, digest: str, known: audit.Rows) -> Iterator[str]:
    row = known.originals.get(path.name.rpartition("~")[2])
    if row is None:
        yield f"file without a row: {path.name}"
    elif row[1] != digest:
        yield f"not whole: {path.name}"


@contextlib.contextmanager
def town(folder: Path, *, shared: bool) -> Iterator[Town]:
    """An empty installation, and a bucket that vip has filled; servers end with it."""
    with s3worlds.World("moto").place() as place, scene(folder, shared=shared) as made:
        for name in NAMES:
            for key, data in ((name, LEGACY[name]), (f"{name}/s/250", THEIRS[name])):
                place.client.put_object(
                    Bucket=place.bucket, Key=key, Body=data, ContentType="image/jpeg"
                )
        yield Town(made, place)
