"""Real servers for the tests: one in a thread of this process, one as a process."""

import asyncio
import contextlib
import functools
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Self, TypeVar

import httpx
import preloaded

from liveresize import config
from liveresize.app import container, server

from . import certificates

ROOT = Path(__file__).parents[2]

PATIENCE = 60.0
"""Seconds after which a test gives up on something that must happen, under load too."""

SECRET = "open sesame"
ADMIN = "the very admin"
FRESHNESS = "as of now"

DEFAULTS: dict[str, object] = {
    "listen_port": 0,
    "workers__slots": 1,
    "disk__reserve": 1 << 20,
    "disk__reserve_inodes": 0,
    "limits__client_renders": 0,
    "limits__failed_secrets": 0,
}
"""A small server that does not mind a machine that is nearly full."""

T = TypeVar("T")


def environ(folder: Path, **keys: object) -> dict[str, str]:
    """The environment that sets `keys` (`a__b` is `a.b`) and keeps all data in `folder`."""
    wanted = {**DEFAULTS, "data_dir": str(folder / "data"), **keys}
    return {
        f"LIVERESIZE_{key.upper()}": value if isinstance(value, str) else json.dumps(value)
        for key, value in wanted.items()
    }


def until(condition: Callable[[], T], patience: float = PATIENCE) -> T:
    """The first true result of `condition`; fails after `patience` seconds.

    Whoever waits long asks less and less often, and leaves the processor to what is waited for.
    """
    end = time.monotonic() + patience
    pause = 0.005
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(pause)
        pause = min(1.3 * pause, 0.1)


_patient = functools.partial(container.make_database, lookup_budget=PATIENCE)
"""An index that may take its time: a busy machine is not a database that is away."""


@functools.cache
def _usual() -> ssl.SSLContext:
    """What any client trusts: reading that takes it 40 ms, also where nothing is encrypted."""
    return ssl.create_default_context()


class Client(httpx.Client):
    """A client of one server: follows no redirect, and knows how to put a picture in."""

    def __init__(self, url: str, secret: str = "", certificate: str = "") -> None:
        """`certificate` is the file of the one that an encrypted server has."""
        verify = certificates.trusting(Path(certificate)) if certificate else _usual()
        super().__init__(base_url=url, timeout=PATIENCE, trust_env=False, verify=verify)
        self.secret = secret

    def token(self, name: str, **fields: object) -> str:
        """A token for `name`."""
        wanted = {"id": name, **({"secret": self.secret} if self.secret else {}), **fields}
        answer = self.post("/token", json=wanted)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["token"]
        return token

    def upload(
        self, name: str, data: bytes, token: str, kind: str = "image/png", query: str = ""
    ) -> httpx.Response:
        """The answer to the raw bytes `data`."""
        return self.post(
            f"/{name}{query}", content=data, headers={"X-Token": token, "Content-Type": kind}
        )

    def put_in(self, name: str, data: bytes, **fields: object) -> dict[str, Any]:
        """Upload `data` as `name`; returns the receipt."""
        answer = self.upload(name, data, self.token(name, **fields))
        assert answer.status_code == 200, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt


class Running:
    """A server in this process, its event loop in a thread of its own."""

    def __init__(self, folder: Path, **keys: object) -> None:
        self.folder = folder
        self.settings = config.load(environ(folder, **keys), directory=folder)
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="server")
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            raise self._failed
        self.port = self.server.addresses[0][1]
        self.url = self.server.urls[0]
        self.client = Client(self.url, self.settings.secret, self.settings.tls.certificate)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._told = asyncio.Event()
        try:
            with replaced(container, "make_database", _patient):
                self.server = server.Server(self.settings)
            self.components = self.server.components
            await self.server.start()
        except BaseException as error:  # noqa: BLE001 (the thread that waits raises it)
            self._failed = error
            return
        finally:
            self._ready.set()
        await self._told.wait()
        await self.server.stop()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, done in the loop of the server."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    @staticmethod
    async def waiting(gate: threading.Event) -> None:
        """Return, in the loop of the server, when a test opens `gate`."""
        await asyncio.to_thread(gate.wait, PATIENCE)

    @property
    def data(self) -> Path:
        """Where it keeps everything."""
        return self.folder / "data"

    @property
    def staged(self) -> list[str]:
        """What uploads have left in the staging folder."""
        return sorted(path.name for path in (self.data / "originals" / "_staging").iterdir())

    @property
    def originals(self) -> list[Path]:
        """Every original on disk."""
        main = self.data / "originals" / "_main"
        return sorted(path for path in main.rglob("*") if path.is_file())

    @property
    def renders(self) -> int:
        """How often something was rendered."""
        return self.components.renditions.renders

    def let_go(self) -> None:
        """Drop the bytes that memory holds, as if others had needed the room."""
        self.components.memory._images.clear()

    def published(self) -> None:
        """Return when every rendition is where it is kept."""
        until(lambda: not self.components.publisher.backlog)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self.client.close()
            self._loop.call_soon_threadsafe(self._told.set)
            self._thread.join(PATIENCE)


class Process:
    """`python -m liveresize serve` as an operator starts it, its log in a file.

    With `log__output="stdout"` the same file is its standard output and error. `warnings` is
    what Python does with them. Another `program` is a module with a `main`, and arguments.
    """

    def __init__(
        self,
        folder: Path,
        *prefix: str,
        warnings: str = "error",
        program: Sequence[str] = ("liveresize", "serve"),
        **keys: object,
    ) -> None:
        self.folder = folder
        self.log = folder / "log"
        self._seen = self.log.stat().st_size if self.log.exists() else 0
        folder.mkdir(exist_ok=True)
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "NODE_CONFIG_DIR": str(folder),
            **environ(folder, **{"log__output": str(self.log), **keys}),
        }
        with contextlib.ExitStack() as opened:
            output: int | IO[bytes] = subprocess.PIPE
            if keys.get("log__output") == "stdout":
                output = opened.enter_context(self.log.open("ab"))
            options: dict[str, Any] = {
                "cwd": folder,
                "env": self.environ,
                "stdout": output,
                "stderr": subprocess.STDOUT,
                "start_new_session": True,
            }
            command = [*prefix, sys.executable, "-W", warnings, "-m", *program]
            self.process: subprocess.Popen[bytes] = (
                subprocess.Popen(command, **options)
                if prefix
                else preloaded.Command(program[1:], module=program[0], warnings=warnings, **options)
            )
        try:
            (started,) = until(self._started)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            raise
        self.port: int = started["port"]
        self.url: str = started["urls"][0]
        self.client = Client(
            self.url, str(keys.get("secret", "")), str(keys.get("tls__certificate", ""))
        )

    def _started(self) -> list[dict[str, Any]]:
        if self.process.poll() is not None:
            raise AssertionError((self.process.communicate()[0] or b"").decode())
        return self.lines("server_started")

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """The lines of its log, of one event if that is given."""
        if not self.log.exists():
            return []
        text = self.log.read_bytes()[self._seen :].decode()
        lines = [json.loads(line) for line in text.split("\n")[:-1]]
        return [line for line in lines if not event or line["event"] == event]

    def line_of(self, request_id: str) -> dict[str, Any]:
        """The access line of the request with that id; there is exactly one."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines("access") if line["request_id"] == request_id]

        (line,) = until(found)
        return line

    @property
    def family(self) -> list[int]:
        """Every living process of its session."""
        members = []
        for entry in os.listdir("/proc"):
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            if int(fields[3]) == self.process.pid and fields[0] != "Z":
                members.append(int(entry))
        return members

    @property
    def resident(self) -> int:
        """Bytes of memory that the server itself has, its workers not counted."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
        raise AssertionError("the server is gone")

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        for pid in self.family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.communicate()


@contextlib.contextmanager
def replaced(owner: object, name: str, stand_in: object) -> Iterator[None]:
    """`owner.name` is `stand_in` for a while; it must be there to begin with."""
    before = getattr(owner, name)
    setattr(owner, name, stand_in)
    try:
        yield
    finally:
        setattr(owner, name, before)
