"""The configuration of Live Image Resize boots as it is, and what it means is told."""

import json
import os
from pathlib import Path
from typing import Any

import preloaded
import pytest
from sqlalchemy.engine import make_url
from storage import worlds
from web import pictures
from web.servers import PATIENCE, ROOT, Process, environ

from iaas.published import Published
from iaas.scenes import House

SECRET, PASSWORD, KEY = "1234-of-the-clients", "of-the-database", "of-the-bucket"

KEYS: dict[str, Any] = {
    "aws": {
        "access_key": "an-account",
        "secret_key": KEY,
        "region": "eu-west-1",
        "bucket": "pictures",
        "cache_host": "https://s3-eu-west-1.amazonaws.com/pictures",
    },
    "listen_address": "127.0.0.1",
    "allow_indexing": False,
    "constraints": {"max_width": 100, "max_height": 90},
    "log": {"debug": False},
    "redirect_cache_timeout": 604_800,
    "timeout": {"conversion": 0},
    "webp": {"allow_dynamic_switch": False, "allow_opt_in": True},
    "secret": SECRET,
}
"""Every key of the example that comes with its last release; the two that name places of
this machine are added where it is known."""

PRODUCTION: dict[str, Any] = {
    "allow_indexing": True,
    "constraints": {"max_input": 20, "max_on_disk": 10},
    "freshness": "of-today",
    "log": {"stats": True, "info": True, "warn": True, "error": True},
    "metrics": {"console": False, "influx": {"dsn": "http://127.0.0.1:1/metrics"}},
    "postgresql": {"pool": 8},
    "redis": {"url": "redis://127.0.0.1:1"},
}
"""Every other key that some release of it reads."""

NOWHERE = {"aws__endpoint_url": "http://127.0.0.1:1"}
"""No test talks to Amazon: the bucket is out of reach, as on a bad day."""


def write(folder: Path, database: dict[str, object]) -> None:
    """`default.json` and `production.json` as an operator has them."""
    folder.mkdir(exist_ok=True)
    default = KEYS | {"originals_dir": str(folder / "images"), "postgresql": database}
    (folder / "images").mkdir()
    (folder / "default.json").write_text(json.dumps(default))
    (folder / "production.json").write_text(json.dumps(PRODUCTION))


def keys_of(url: str) -> dict[str, object]:
    """The four keys of a database that listens where the published service expects it."""
    parts = make_url(url)
    host = parts.host or parts.query["host"]
    return {
        "user": parts.username or "",
        "password": parts.password or PASSWORD,
        "host": host,
        "database": parts.database or "",
    }


@pytest.mark.long
@worlds.needs_postgresql
def test_a_server_boots_with_it_and_does_its_work(tmp_path: Path) -> None:
    """The secret, the bounds, the folder, the database and the robots are those it names."""
    folder = tmp_path / "config"
    with worlds.postgresql_url() as url:
        write(folder, keys_of(url))
        port = make_url(url).port or make_url(url).query.get("port", "5432")
        (folder / "images" / "old").write_bytes(pictures.jpeg())
        with Process(
            folder, "env", "NODE_ENV=production", postgresql__port=int(str(port)), **NOWHERE
        ) as server:
            assert server.client.get("/_health").text == "OK"
            assert server.client.post("/token", json={"id": "new"}).status_code == 401
            server.client.secret = SECRET
            server.client.put_in("new", pictures.png())
            for name in ("new", "old"):
                answer = server.client.get(f"/{name}_32_0.png")
                assert answer.status_code == 200
                assert pictures.opened(answer.content).size == (32, 24)
            assert server.client.get("/old_101_10.jpg").status_code == 307
            assert "Disallow: /" not in server.client.get("/robots.txt").text
            said = " ".join(line["detail"] for line in server.lines("configuration"))
            log = server.log.read_text()
        assert (folder / "images" / "_main").is_dir()
    for key in ("timeout.conversion", "metrics", "redis.url"):
        assert key in said
    for secret in (SECRET, PASSWORD, KEY):
        assert secret not in log


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_check_config_tells_what_it_means(tmp_path: Path, form: list[str]) -> None:
    """Each value with its file, secrets masked, and a sentence for what is not used."""
    folder = tmp_path / "config"
    write(folder, {"user": "u", "password": PASSWORD, "host": "127.0.0.1", "database": "d"})
    changes = {"NODE_ENV": "production", "NODE_CONFIG_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    done = preloaded.run(
        ["check-config", *form],
        env={"PATH": os.environ["PATH"], **environ(folder), **changes},
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout
    for key in ("timeout.conversion is 0", "metrics in", "redis.url is"):
        assert key in told
    assert "production.json" in told
    assert "default.json" in told
    for secret in (SECRET, PASSWORD, KEY, PRODUCTION["freshness"], PRODUCTION["redis"]["url"]):
        assert secret not in told


@pytest.mark.parametrize(
    ("keys", "notes"),
    [({}, 0), ({"listen_address": "0.0.0.0"}, 0), ({"listen_address": "127.0.0.1"}, 1)],
)
def test_moving_in_warns_of_an_address_that_was_never_heeded(
    tmp_path: Path, old: Published, keys: dict[str, str], notes: int
) -> None:
    """The example names the loopback, and the published service listened everywhere."""
    old.save()
    house = House(tmp_path / "new", **keys)
    assert house.move_in(old)
    assert len([line for line in house.said if line.startswith("note: listen_address")]) == notes
