"""The image and the fleet of deploy/compose.yml: what they name exists, and works."""

import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from storage import s3worlds, worlds
from web import pictures, servers

from liveresize import config

DEPLOY = servers.ROOT / "deploy"

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text())

EXAMPLE = dict(
    line.split("=", 1)
    for line in (DEPLOY / "compose.env.example").read_text().splitlines()
    if line and not line.startswith("#")
)

SECRETS = {name: f"filled-in-{name.lower()}" for name in EXAMPLE}
"""What an operator makes of the example."""

INSTANCES = [
    name for name, service in COMPOSE["services"].items() if service["image"] == "liveresize"
]

SPEAKING = [
    servers.ROOT / "Dockerfile",
    DEPLOY / "compose.yml",
    DEPLOY / "compose.env.example",
    *sorted(path for path in (DEPLOY / "systemd").iterdir() if path.is_file()),
    servers.ROOT / "docs" / "operations.md",
]
"""Files that set settings by the environment."""

OTHERS = {"LIVERESIZE_FOLDER", "LIVERESIZE_COMPLETE"}
"""What looks like a setting and is one of a script, or of the completion of a shell."""


def names(tree: dict[str, Any], above: str = "") -> Iterator[str]:
    """The variables that set the keys of a tree of settings."""
    for key, value in tree.items():
        name = f"{above}{key}".upper()
        yield f"LIVERESIZE_{name}"
        if isinstance(value, dict):
            yield from names(value, f"{above}{key}__")


KNOWN = set(names(json.loads((servers.ROOT / "default.json.example").read_text()))) | OTHERS


@pytest.mark.parametrize("path", SPEAKING, ids=lambda path: str(path.name))
def test_every_variable_is_a_setting(path: Path) -> None:
    """A misspelt one would be a warning in a log that nobody reads."""
    said = set(re.findall(r"LIVERESIZE_[A-Z0-9_]*[A-Z0-9]", path.read_text()))
    assert said <= KNOWN


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of the Dockerfile with what follows them, stage by stage."""
    text = (servers.ROOT / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found: list[list[tuple[str, str]]] = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        instruction, rest = line.split(maxsplit=1)
        if instruction == "FROM":
            found.append([])
        found[-1].append((instruction, rest))
    return found


LAST = dict(stages()[-1])
"""What the image says of itself; of instructions that come twice, the last one."""


def test_the_image_runs_unprivileged_and_stops_politely() -> None:
    """By number, since a cluster cannot look up names; no shell between it and signals."""
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", LAST["USER"])
    assert json.loads(LAST["ENTRYPOINT"]) + json.loads(LAST["CMD"]) == ["liveresize", "serve"]
    assert LAST["STOPSIGNAL"] == "SIGTERM"
    variables = dict(each.split("=", 1) for each in shlex.split(LAST["ENV"]))
    assert variables["LIVERESIZE_LISTEN_ADDRESS"] == "0.0.0.0"
    volumes = json.loads(LAST["VOLUME"])
    assert variables["LIVERESIZE_DATA_DIR"] in volumes
    assert variables["NODE_CONFIG_DIR"] in volumes


def test_the_image_is_built_from_what_docker_is_sent() -> None:
    """What is copied exists, and .dockerignore lets it through."""
    lines = (servers.ROOT / ".dockerignore").read_text().split()
    sent = [line.removeprefix("!") for line in lines if line.startswith("!")]
    copied = [
        source
        for stage in stages()
        for instruction, rest in stage
        if instruction == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]
    assert "liveresize" in copied
    for source in copied:
        assert (servers.ROOT / source).exists()
        assert any(fnmatch(source, pattern) for pattern in sent), source


def check_health(port: int) -> int:
    """The exit code of the image's health check for a server at `port`."""
    command = json.loads(LAST["HEALTHCHECK"].split("CMD", 1)[1])
    assert command[0] == "python"
    environ = {**os.environ, "PORT": str(port), "no_proxy": "*"}
    return subprocess.run(
        [sys.executable, *command[1:]], env=environ, stderr=subprocess.DEVNULL, check=False
    ).returncode


def test_the_health_check_knows_a_server_that_answers(tmp_path: Path) -> None:
    """0 while it is there, 1 when it is not."""
    with servers.Running(tmp_path) as server:
        assert check_health(server.port) == 0
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert check_health(nobody.getsockname()[1]) == 1


def test_the_fleet_is_whole() -> None:
    """Files and services that are named exist, and what others wait for has a health check."""
    assert len(INSTANCES) == 2
    for service in COMPOSE["services"].values():
        for awaited in service.get("depends_on", {}):
            own_check = awaited in INSTANCES or "healthcheck" in COMPOSE["services"][awaited]
            assert own_check, awaited
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith(".") and source != "./tls":  # certificates are the operator's
                assert (DEPLOY / source).exists()
            assert source.startswith(".") or source in COMPOSE["volumes"]
    served = re.findall(r"server (\w+):1337", COMPOSE["configs"]["instances"]["content"])
    assert served == INSTANCES


def test_the_fleet_keeps_its_secrets_apart() -> None:
    """Each stands in the example of the environment file, and none in compose.yml."""
    text = (DEPLOY / "compose.yml").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) <= SECRETS.keys()
    assert not any(value in text for value in SECRETS.values())
    assert not any(EXAMPLE.values())


def test_the_fleet_trusts_nginx_and_waits_for_the_drain() -> None:
    """What holds between two places of the file holds."""
    drain = json.loads((servers.ROOT / "default.json.example").read_text())["drain"]
    (network,) = COMPOSE["networks"]["fleet"]["ipam"]["config"]
    for name in INSTANCES:
        service = COMPOSE["services"][name]
        assert service["environment"]["LIVERESIZE_TRUSTED_PROXIES"] == network["subnet"]
        most = drain["delay"] + 2 * (drain["finish"] + drain["flush"]) + 5
        assert service["stop_grace_period"] == f"{most}s"
        assert service["read_only"] is True


def test_the_settings_of_the_fleet_are_taken(tmp_path: Path) -> None:
    """All of them at once, without a warning."""
    environ = {**COMPOSE["services"][INSTANCES[0]]["environment"], **SECRETS}
    taken = config.load(environ, directory=tmp_path)
    assert taken.warnings == ()
    assert taken.delivery == "proxy"
    assert taken.aws.secret_key == SECRETS["AWS_SECRET_ACCESS_KEY"]


def filled(value: str) -> str:
    """A value of compose.yml with the secrets in their places."""
    return re.sub(r"\$\{(\w+)[^}]*\}", lambda found: SECRETS[found[1]], value)


@contextlib.contextmanager
def object_store(folder: Path) -> Iterator[str]:
    """The S3 server of the fleet, by the very command that starts it there; its address."""
    program = s3worlds.rclone_binary()
    assert program is not None
    (folder / "rclone").symlink_to(program)
    service = COMPOSE["services"]["s3"]
    shell, option, command = service["entrypoint"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = command.replace(":8080", f"127.0.0.1:{port}").replace("/data", str(folder / "s3"))
    keys = {name: filled(value) for name, value in service["environment"].items()}
    process = subprocess.Popen(
        [shell, option, command],
        env={**os.environ, **keys, "PATH": f"{folder}:{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        servers.until(lambda: reachable(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def reachable(port: int) -> bool:
    """Whether anybody accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.mark.long
@pytest.mark.skipif(s3worlds.rclone_binary() is None, reason="rclone is not installed")
def test_the_fleet_stands_in_for_itself(tmp_path: Path) -> None:
    """With its environment, its store and a PostgreSQL: what one took, the other has."""
    environ = {**COMPOSE["services"][INSTANCES[0]]["environment"], **SECRETS}
    with object_store(tmp_path) as store, worlds.postgresql_url() as url:
        here = {
            "LIVERESIZE_AWS__ENDPOINT_URL": store,
            "LIVERESIZE_POSTGRESQL__URL": url,
            "LIVERESIZE_POSTGRESQL__HOST": "",
        }
        keys = {
            name.removeprefix("LIVERESIZE_").lower(): value
            for name, value in {**environ, **here}.items()
            if name.startswith("LIVERESIZE_")
        }
        keys["aws__access_key"] = SECRETS["AWS_ACCESS_KEY_ID"]
        keys["aws__secret_key"] = SECRETS["AWS_SECRET_ACCESS_KEY"]
        with (
            servers.Process(tmp_path / "one", **keys) as one,
            servers.Process(tmp_path / "two", **keys) as two,
        ):
            one.client.put_in("cat", pictures.jpeg())
            made = one.client.get("/cat_20_0.jpg")
            servers.until(lambda: (tmp_path / "s3" / "renditions" / "cat").exists())
            again = servers.until(lambda: stored(two))
            assert (again.status_code, again.content) == (200, made.content)
            shutil.rmtree(tmp_path / "one" / "data" / "originals" / "_main")
            assert two.client.get("/cat_30_0.jpg").status_code == 200


def stored(process: servers.Process) -> Any:
    """Its answer once that comes from the store, or from memory, and is not made anew."""
    answer = process.client.get("/cat_20_0.jpg")
    return answer if answer.headers["X-Cache"].startswith("HIT") else None
