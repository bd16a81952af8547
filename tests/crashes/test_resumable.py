"""kill -9 at each step of an upload in parts: it goes on where it was, with the token it had."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from web import pictures, servers, tus

from .scenes import Scene, died, picture, scene
from .test_steps import on

pytestmark = pytest.mark.long

DATA = pictures.noise(1200, 900)
HALF = len(DATA) // 2

RECEIVING = (
    *("after:claim", "after:create-parts", "after:note-parts", "after:append-parts"),
    "after:sync-parts",
)
STORING = (
    *("before:hash-parts", "after:clean", "after:keep", "after:insert", "after:commit"),
    "after:remove-bytes",
)
STORING_SHARED = ("after:mirror", "after:insert", "after:commit")


@pytest.fixture
def place(tmp_path: Path, shared: bool) -> Iterator[Scene]:
    """An installation on one disk, or with everything shared."""
    with scene(tmp_path, shared=shared) as one:
        yield one


class Sender:
    """A client that goes on with one upload, whatever happens to the server."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.url = ""
        self.acknowledged = 0
        self.deaths = 0

    def send(self, server: servers.Process) -> bool:
        """Go on with the upload; whether it has come to its end."""
        with contextlib.suppress(httpx.TransportError):
            self._send(tus.Tus(server.client))
            return True
        self.deaths += 1
        return False

    def _send(self, client: tus.Tus) -> None:
        offset = 0
        if self.url:
            offset = client.offset(self.url)
            assert offset >= self.acknowledged
        else:
            created = client.create("cat", self.token, len(DATA))
            assert created.status_code == 201, created.text
            self.url = created.headers["Location"]
        while offset < len(DATA):
            part = DATA[offset : offset + HALF]
            answer = client.patch(self.url, offset, part, Upload_Checksum=tus.checksum(part))
            assert answer.status_code in (200, 204), answer.text
            offset = self.acknowledged = int(answer.headers["Upload-Offset"])


@on({False: RECEIVING + STORING, True: STORING_SHARED})
def test_killed_in_an_upload_in_parts(place: Scene, step: str) -> None:
    """No byte that was acknowledged is sent again; the picture is stored once, and nothing else
    is left."""
    doomed = place.server(step)
    sender = Sender(doomed.client.token("cat"))
    assert not sender.send(doomed)
    died(doomed)
    server = place.server()
    assert sender.send(server)
    assert picture(server.client, "/cat.jpg").content == DATA
    assert server.client.upload("cat", DATA, sender.token, "image/jpeg").status_code == 200
    place.in_order()
    assert len(place.rows.originals) == 1
    kept = [path.suffix for path in (server.folder / "data" / "uploads").iterdir()]
    assert kept == [".json"]


@pytest.mark.parametrize("shared", [False])
def test_killed_before_a_part_was_checked(place: Scene) -> None:
    """Its bytes may be wrong: none of them counts."""
    doomed = place.server("before:cut-parts")
    client = tus.Tus(doomed.client)
    url = client.begun("cat", doomed.client.token("cat"), len(DATA))
    assert client.patch(url, 0, DATA[:100]).status_code == 204
    with pytest.raises(httpx.TransportError):
        client.patch(url, 100, DATA[100:HALF], Upload_Checksum=tus.checksum(b"something else"))
    died(doomed)
    client = tus.Tus(place.server().client)
    assert client.offset(url) == 100
    assert client.patch(url, 100, DATA[100:]).status_code == 200
