"""Uploads in parts through nginx, to instances each of which has the bytes of its own alone."""

from collections import defaultdict
from pathlib import Path
from urllib.parse import quote

import pytest
from storage import worlds
from web import pictures, servers, tus

from . import fleet
from .nginx import OUTSIDE, Nginx, needs_nginx

pytestmark = [pytest.mark.long, needs_nginx, worlds.needs_postgresql]

PICTURE = pictures.noise(300, 200)
HALF = len(PICTURE) // 2


def holds(instance: servers.Process, url: str) -> bool:
    """Whether the bytes of an upload are there."""
    key = tus.key(url)
    return (instance.folder / "data" / "uploads" / key).exists()


def test_uploads_in_parts_with_three_instances(tmp_path: Path) -> None:
    """Each goes to one instance; where that is killed, the client begins again elsewhere."""
    names = [f"cat {n}.heic" if n % 2 else f"cät-{n}" for n in range(8)]
    (tmp_path / "nginx").mkdir()
    with (
        fleet.instances(tmp_path, 3) as processes,
        Nginx(tmp_path / "nginx", [each.port for each in processes]) as nginx,
        nginx.client() as inside,
        nginx.client(address=OUTSIDE) as outside,
    ):
        tokens = {name: inside.token(name.removesuffix(".heic")) for name in names}
        urls, client = {}, tus.Tus(outside)
        for name, token in tokens.items():
            urls[name] = client.begun(quote(name), token, len(PICTURE))
            for start in range(0, HALF, HALF // 3):
                end = min(start + HALF // 3, HALF)
                answer = client.patch(urls[name], start, PICTURE[start:end])
                assert answer.status_code == 204, answer.text
        owners = {
            name: [at for at, each in enumerate(processes) if holds(each, url)]
            for name, url in urls.items()
        }
        assert {len(each) for each in owners.values()} == {1}
        assert len({at for (at,) in owners.values()}) > 1

        (doomed,) = owners[names[0]]
        processes[doomed].kill()
        began_again = set()
        for name, url in urls.items():
            head = client.ask("HEAD", url)
            if owners[name] == [doomed]:
                assert head.status_code == 404
                began_again.add(name)
                url = client.begun(quote(name), tokens[name], len(PICTURE))
                assert client.offset(url) == 0
            offset = client.offset(url)
            assert offset == (0 if name in began_again else HALF)
            assert client.patch(url, offset, PICTURE[offset:]).status_code == 200
            stored = name.removesuffix(".heic")
            assert outside.get(f"/{quote(stored)}").content == PICTURE
        assert names[0] in began_again
        lines = [line for line in nginx.lines() if line["path"].startswith("/_uploads/")]
    assert not any(tus.id_of(url) in str(lines) for url in urls.values())
    places = defaultdict(set)
    for line in lines:
        if line["method"] == "PATCH":
            places[line["path"]].add(line["instance"])
    moved = {f"/_uploads/{name}/~" for name in began_again}
    assert {path for path, found in places.items() if len(found) > 1} == moved
