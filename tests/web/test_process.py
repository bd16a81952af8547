"""The server as a process: killed, told to stop, started again, and used from a shell."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable

import httpx
import preloaded
import pytest
import tiers

from . import pictures, servers, wire

NOISE = pictures.noise(1000, 1000)

HEAVY = "/cat_2000_2000.avif?quality=100"
"""Keeps an encoder busy for a good while."""

SAMPLE = servers.ROOT / "docs" / "sample.jpg"

Spawn = Callable[..., servers.Process]


def busy(process: servers.Process) -> int:
    """How many workers are at something."""
    count: int = process.client.get("/_ready").json()["parts"]["workers"]["busy"]
    return count


def command(process: servers.Process, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`liveresize …`, with the environment of that server."""
    return preloaded.run(
        arguments, cwd=process.folder, env=process.environ, timeout=servers.PATIENCE
    )


def test_kill_9_loses_nothing_that_was_acknowledged(spawn: Spawn) -> None:
    """The original is whole, its renditions are served, and no process is left over."""
    first = spawn()
    first.client.put_in("cat", NOISE)
    made = first.client.get("/cat_200_0.jpg").content
    servers.until(lambda: first.client.get("/cat_200_0.jpg").status_code == 303)
    place = first.client.get("/cat_200_0.jpg").headers["Location"]
    taken = first.client.token("dog")
    with wire.Wire(first.port) as connection:
        connection.send(wire.request(HEAVY))
        servers.until(lambda: busy(first))
        assert len(first.family) > 1
        first.kill()
    servers.until(lambda: not first.family)
    second = spawn()
    assert second.client.get("/cat.jpg").content == NOISE
    assert (second.folder / "data" / "unclean").exists()
    assert second.client.get("/cat_200_0.jpg").headers["Location"] == place
    assert second.client.get(place).content == made
    assert second.client.get(HEAVY).status_code == 200
    assert second.client.upload("dog", pictures.png(), taken).status_code == 200


def test_kill_9_in_the_middle_of_an_upload_frees_its_id(spawn: Spawn) -> None:
    """The lease runs out, and what had arrived is removed."""
    first = spawn(upload__lease=1)
    staging = first.folder / "data" / "originals" / "_staging"
    with wire.Wire(first.port) as connection:
        head = wire.request(
            "/cat",
            "POST",
            X_Token=first.client.token("cat"),
            Content_Type="image/jpeg",
            Content_Length=str(len(NOISE)),
        )
        connection.send(head + NOISE[:300_000])
        servers.until(lambda: any(path.stat().st_size for path in staging.iterdir()))
        first.kill()
    servers.until(lambda: not first.family)
    for path in staging.iterdir():
        long_ago = time.time() - 3600
        os.utime(path, (long_ago, long_ago))
    second = spawn(upload__lease=1)
    assert second.client.get("/cat.jpg").status_code == 404
    servers.until(lambda: second.client.post("/token", json={"id": "cat"}).status_code == 200)
    servers.until(lambda: not list(staging.iterdir()))


def test_sigterm_finishes_what_is_in_flight(spawn: Spawn) -> None:
    """`_ready` is 503 first, then nothing is accepted, then it exits with 0."""
    process = spawn(drain__delay=0.5)
    process.client.put_in("cat", NOISE)
    with wire.Wire(process.port) as connection:
        connection.send(wire.request(HEAVY))
        servers.until(lambda: busy(process))
        process.process.send_signal(signal.SIGTERM)
        servers.until(lambda: process.client.get("/_ready").status_code == 503)
        assert process.client.get("/_live").status_code == 200
        reply = connection.reply()
    assert reply.status == 200
    assert pictures.opened(reply.body).size == (2000, 2000)
    assert process.process.wait(servers.PATIENCE) == 0
    servers.until(lambda: not process.family)
    with pytest.raises(httpx.ConnectError):
        process.client.get("/_live")
    assert len(process.lines("server_stopped")) == 1
    assert [line for line in process.lines() if line["level"] == "error"] == []


def test_clients_are_sent_away_while_it_stops(spawn: Spawn) -> None:
    """A connection that is always busy is told to close; nobody waits for it to idle."""
    process = spawn(drain__delay=60)
    with wire.Wire(process.port) as connection:
        connection.send(wire.request("/_live"))
        assert "connection" not in connection.reply().headers
        process.process.terminate()
        servers.until(lambda: process.client.get("/_ready").status_code == 503)
        connection.send(wire.request("/_live"))
        assert connection.reply().headers["connection"] == "close"
        assert connection.rest() == b""


def test_an_upload_that_is_being_stored_is_finished_first(spawn: Spawn) -> None:
    """Whoever is in a hurry, what has begun is committed or given up, and nothing is left."""
    first = spawn(drain__delay=0)
    token = first.client.token("cat")
    with wire.Wire(first.port) as connection:
        head = wire.request(
            "/cat",
            "POST",
            X_Token=token,
            Content_Type="image/jpeg",
            Content_Length=str(len(NOISE)),
        )
        connection.send(head + NOISE)
        servers.until(lambda: busy(first))
        for _ in range(2):
            first.process.terminate()
        assert first.process.communicate(timeout=servers.PATIENCE)[0] == b""
    assert first.process.returncode == 0
    assert list((first.folder / "data" / "originals" / "_staging").iterdir()) == []
    second = spawn()
    assert second.client.get("/cat.jpg").status_code in (200, 404)
    assert second.client.upload("cat", NOISE, token).status_code in (200, 403)


@pytest.mark.long
def test_what_was_finished_while_stopping_is_kept(spawn: Spawn) -> None:
    """The next start redirects to it, and does not doubt it."""
    first = spawn(drain__delay=0)
    data = first.folder / "data"
    first.client.put_in("cat", pictures.jpeg())
    assert first.client.get("/cat_20_0.jpg").status_code == 200
    assert (data / "running").exists()
    first.process.terminate()
    assert first.process.wait(servers.PATIENCE) == 0
    assert not (data / "running").exists()
    assert not (data / "unclean").exists()
    second = spawn()
    servers.until(lambda: second.client.get("/cat_20_0.jpg").status_code == 303)


def test_a_second_sigterm_does_not_wait(spawn: Spawn) -> None:
    """Whoever asks twice means it."""
    process = spawn(drain__delay=60)
    process.process.terminate()
    servers.until(lambda: process.client.get("/_ready").status_code == 503)
    process.process.terminate()
    assert process.process.wait(servers.PATIENCE) == 0


def test_a_port_in_use_is_one_sentence(spawn: Spawn) -> None:
    """Exit code 1, the address and why; no traceback."""
    process = spawn()
    process.environ["LIVERESIZE_LISTEN_PORT"] = str(process.port)
    ran = command(process, "serve")
    assert ran.returncode == 1
    assert f":{process.port}" in ran.stderr
    assert "Traceback" not in ran.stderr + ran.stdout


@pytest.mark.parametrize(
    "key", tiers.rows(["DATA_DIR", "ORIGINALS_DIR", "DATABASE__PATH"], "DATABASE__PATH")
)
def test_a_place_that_cannot_be_written_is_one_sentence(spawn: Spawn, key: str) -> None:
    """Exit code 1 and the place; no traceback, and no worker is left."""
    process = spawn()
    blocked = process.folder / "file"
    blocked.touch()
    process.environ |= {"LIVERESIZE_LISTEN_PORT": "0", f"LIVERESIZE_{key}": str(blocked / "x")}
    before = process.family
    ran = command(process, "serve")
    assert ran.returncode == 1
    assert ran.stderr.startswith("liveresize: ")
    assert "Traceback" not in ran.stderr + ran.stdout
    assert process.family == before


def test_an_upload_that_is_too_large_is_told_so(spawn: Spawn) -> None:
    """The command asks before it sends, and is not cut off in the middle."""
    process = spawn(constraints__max_upload_bytes=1 << 20)
    (process.folder / "large.png").write_bytes(bytes(20 << 20))
    ran = command(process, "upload", "large.png", "--url", process.url)
    assert ran.returncode == 1
    allowed = "`constraints.max_upload_bytes` allows 1,048,576."
    assert f"said 413: The image has 20,971,520 bytes; {allowed}" in ran.stderr


@pytest.mark.long
def test_the_first_steps_work_as_they_are_written(spawn: Spawn) -> None:
    """A token, a form, a small picture; then the same with one command."""
    process = spawn(secret=servers.SECRET)
    token = command(process, "token", "sample", "--url", process.url).stdout.strip()
    with SAMPLE.open("rb") as file:
        sent = process.client.post("/sample", files={"image": file}, headers={"X-Token": token})
    assert sent.json()["status"] == "OK"
    small = process.client.get("/sample_400_0.jpg", follow_redirects=True)
    assert pictures.opened(small.content).width == 400
    ran = command(process, "upload", str(SAMPLE), "--id", "beach", "--url", process.url)
    assert (ran.returncode, ran.stderr) == (0, "")
    receipt, *addresses = ran.stdout.splitlines()
    assert json.loads(receipt)["id"] == "beach"
    assert [httpx.get(address).status_code for address in addresses] == [200] * 3
    again = command(process, "upload", str(SAMPLE), "--id", "beach", "--url", process.url)
    assert again.returncode == 1
    assert "403" in again.stderr
    over = command(
        process, "upload", str(SAMPLE), "--id", "beach", "--overwrite", "--url", process.url
    )
    assert over.returncode == 0
