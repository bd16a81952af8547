"""vip's environment variables, as its operators have set them, configure a real server."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiers
from aiohttp import web
from storage import s3worlds
from storage.s3worlds import Place

from liveresize import config, errors

from . import buckets, galleries, pictures, servers, wire

Spawn = Callable[..., servers.Process]

TOKEN = "lalalatokenlalala"


class Recording(galleries.Counting):
    """A relay that knows how each request was signed."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.signed: list[str] = []

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.signed.append(request.headers.get("Authorization", ""))
        return await super()._serve(request)


@pytest.fixture
def place() -> Iterator[Place]:
    """An empty bucket, where signatures are checked."""
    with s3worlds.World("rclone").place() as one:
        yield one


def variables(**chosen: str) -> list[str]:
    """What goes before a command to give it these variables, and no port but theirs."""
    return ["env", "-u", "LIVERESIZE_LISTEN_PORT"] + [f"{k}={v}" for k, v in chosen.items()]


def warnings(process: servers.Process) -> list[str]:
    """What the server had to say about its configuration."""
    return [line["detail"] for line in process.lines("configuration")]


def checked(process: servers.Process, prefix: list[str]) -> subprocess.CompletedProcess[str]:
    """What `check-config` says with the environment of that server."""
    return subprocess.run(
        [*prefix, sys.executable, "-m", "liveresize", "check-config"],
        cwd=process.folder,
        env=process.environ,
        capture_output=True,
        text=True,
        timeout=servers.PATIENCE,
        check=False,
    )


@s3worlds.needs_rclone
@pytest.mark.parametrize(
    "key", tiers.rows(["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"], "AWS_ACCESS_KEY_ID")
)
def test_every_variable_of_vip_has_its_effect(spawn: Spawn, place: Place, key: str) -> None:
    """The host of addresses, who may upload and how much, the width, and how S3 is asked."""
    prefix = variables(
        PORT="0",
        AWS_SECRET_ACCESS_KEY=s3worlds.SECRET_KEY,
        AWS_REGION="eu-north-1",
        URI_HOSTNAME="images.example.test:8443",
        AUTH_TOKEN=TOKEN,
        ALLOWED_ORIGIN="localhost, *.example.test",
        VIP_SIZE_LIMIT="1",
        VIP_MAX_WIDTH="300",
        DISABLE_HTTP2="true",
        **{key: s3worlds.ACCESS_KEY},
    )
    with Recording(place.server.address) as relay:
        process = spawn(*prefix, aws__endpoint_url=relay.address, vip__buckets=[place.bucket])
        assert process.port != 1337
        data = pictures.jpeg(640, 480)
        answer = buckets.send(process.client, data, place.bucket, TOKEN)
        path = buckets.address(answer)
        assert answer.json()["url"] == f"http://images.example.test:8443{path}"
        assert place.bytes(path.rpartition("/")[2]) == data
        scope = f"Credential={s3worlds.ACCESS_KEY}/"
        assert all(scope in each and "/eu-north-1/s3/" in each for each in relay.signed)
        assert buckets.size_of(process.client.get(f"{path}?s=5000")) == (300, 225)
        refused = buckets.send(process.client, data, place.bucket, "")
        assert refused.status_code == 401
        for origin, status in (("http://localhost:3000", 201), ("https://evil.test", 401)):
            page = buckets.send(process.client, data, place.bucket, "", Origin=origin)
            assert page.status_code == status
        large = buckets.send(process.client, bytes((1 << 20) + 1), place.bucket, TOKEN)
        assert large.json()["error"] == "The file size limit is 1MB"
        told = checked(process, prefix)
    assert told.returncode == 0
    assert TOKEN not in told.stdout + told.stderr
    assert "DISABLE_HTTP2" in told.stdout
    assert TOKEN.encode() not in process.log.read_bytes()
    assert s3worlds.SECRET_KEY.encode() not in process.log.read_bytes()


EMPTY = dict.fromkeys(("AUTH_TOKEN", "ALLOWED_ORIGIN", "URI_HOSTNAME", "AWS_REGION"), "")
EMPTY |= {"VIP_SIZE_LIMIT": "", "VIP_MAX_WIDTH": "", "DISABLE_HTTP2": "", "PORT": "0"}


@pytest.mark.parametrize("anonymous", [False, True])
def test_an_empty_token_does_not_open_uploads(spawn: Spawn, anonymous: bool) -> None:
    """Variables that are empty are not set; only `vip.allow_anonymous` opens the door."""
    process = spawn(*variables(**EMPTY), vip__buckets=["pics"], vip__allow_anonymous=anonymous)
    for token in ("", "x"):
        answer = buckets.send(process.client, pictures.png(), "pics", token)
        assert answer.status_code == (201 if anonymous else 401)
    empty = wire.ask(process.port, "/upload/pics", "POST", pictures.png(), X_Vip_Token="")
    assert empty.status == (201 if anonymous else 401)
    assert any("nobody can upload" in each for each in warnings(process)) != anonymous
    large = buckets.send(process.client, bytes((5 << 20) + 1), "pics", "")
    if anonymous:
        assert large.json()["error"] == "The file size limit is 5MB"


WARNED: list[tuple[dict[str, str], dict[str, object], str]] = [
    ({"AUTH_TOKEN": TOKEN}, {}, "vip.buckets is empty: the routes of vip are off"),
    ({"ALLOWED_ORIGIN": "*"}, {"vip__buckets": ["pics"]}, "any program can claim such an Origin"),
    ({}, {"vip__buckets": ["pics"], "vip__require_token": True}, "nobody can upload"),
    (
        {"AUTH_TOKEN": TOKEN},
        {"vip__buckets": ["pics"], "vip__allow_anonymous": True},
        "vip.allow_anonymous has no effect",
    ),
]


@pytest.mark.parametrize(("chosen", "keys", "said"), WARNED)
def test_what_may_not_be_meant_is_warned_of(
    tmp_path: Path, chosen: dict[str, str], keys: dict[str, object], said: str
) -> None:
    """In one sentence, without the secret."""
    loaded = config.load({**servers.environ(tmp_path, **keys), **chosen}, directory=tmp_path)
    assert len([each for each in loaded.warnings if said in each]) == 1
    assert not [each for each in loaded.warnings if TOKEN in each]


def test_a_server_set_up_as_it_should_be_has_nothing_to_say(tmp_path: Path) -> None:
    """Neither about a token, nor about origins that need it."""
    keys = servers.environ(tmp_path, vip__buckets=["pics"], vip__require_token=True)
    chosen = {"AUTH_TOKEN": TOKEN, "ALLOWED_ORIGIN": "*.example.test"}
    loaded = config.load({**keys, **chosen}, directory=tmp_path)
    assert [each for each in loaded.warnings if "vip." in each] == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VIP_SIZE_LIMIT", "five"),
        ("VIP_SIZE_LIMIT", "0"),
        ("VIP_MAX_WIDTH", "-1"),
        ("URI_HOSTNAME", "https://images.example.test/"),
        ("URI_HOSTNAME", "images example"),
    ],
)
def test_a_value_that_makes_no_sense_stops_the_start(
    tmp_path: Path, variable: str, value: str
) -> None:
    """One sentence that names the variable; vip goes on with what it makes of it."""
    with pytest.raises(errors.SettingsError, match=variable):
        config.load({variable: value}, directory=tmp_path)
