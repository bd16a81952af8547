"""One installation and the servers that live and die on it."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from storage import s3worlds, worlds
from web import servers, wire

from scripts.soaking import audit, backends

PATIENCE = 60.0
"""Seconds for everything to be in order again."""

KEYS: dict[str, object] = {
    "upload__lease": 2,
    "secret": servers.SECRET,
    "admin__secrets": [servers.ADMIN],
}

ADMIN = {"Authorization": f"Bearer {servers.ADMIN}"}


class Scene:
    """Backends, and folders of servers that share them."""

    def __init__(self, stack: contextlib.ExitStack, folder: Path, shared: bool) -> None:
        self._stack = stack
        self.folders = [folder / "one", folder / "two"] if shared else [folder / "one"]
        self.shared = shared
        self.backends = (
            stack.enter_context(backends.cloud()) if shared else backends.disk(self.folders[0])
        )

    def server(self, step: str = "none", number: int = 0, **keys: object) -> servers.Process:
        """A server that dies at `step`, on the data of that number."""
        # Written by a rename at the first start, which is not the one that a step is about.
        name = self.folders[number] / "data" / "instance"
        if not name.exists():
            name.parent.mkdir(parents=True, exist_ok=True)
            name.write_text(f"here/{number:08x}")
        program = ("tests.crashes.program", step)
        wanted = KEYS | self.backends.keys | keys
        process = servers.Process(self.folders[number], program=program, **wanted)
        return self._stack.enter_context(process)

    @property
    def rows(self) -> audit.Rows:
        """What the index holds now."""
        return audit.rows(self.backends.database)

    def in_order(self) -> None:
        """Return when nothing is left over anywhere; fails with what is."""
        found: Sequence[str] = ()

        def nothing() -> bool:
            nonlocal found
            found = audit.findings(self.backends, self.folders)
            return not found

        try:
            servers.until(nothing, PATIENCE)
        except AssertionError:
            raise AssertionError(found) from None


def died(process: servers.Process, *, within: float = servers.PATIENCE) -> None:
    """Return when the server has killed itself and no process of its own is left."""
    assert process.process.wait(within) == -9
    servers.until(lambda: not process.family)


def while_it_dies(ask: Callable[[], httpx.Response]) -> httpx.Response | None:
    """The answer, if the server lived long enough to give one."""
    with contextlib.suppress(httpx.TransportError):
        return ask()
    return None


def picture(client: servers.Client, path: str) -> httpx.Response:
    """What is at the end of every redirect: a picture. Asks again while it is 503."""

    def answered() -> list[httpx.Response]:
        answer = client.get(path, follow_redirects=True)
        return [] if answer.status_code == 503 else [answer]

    (answer,) = servers.until(answered)
    assert answer.status_code == 200, answer.text
    return answer


@contextlib.contextmanager
def half_sent(process: servers.Process, name: str, data: bytes, token: str) -> Iterator[wire.Wire]:
    """A connection on which half of an upload has come, and some of it been written."""
    staging = process.folder / "data" / "originals" / "_staging"
    with wire.Wire(process.port) as connection:
        head = wire.request(
            f"/{name}",
            "POST",
            X_Token=token,
            Content_Type="image/jpeg",
            Content_Length=str(len(data)),
        )
        connection.send(head + data[: len(data) // 2])
        servers.until(lambda: any(path.stat().st_size for path in staging.iterdir()))
        yield connection


@contextlib.contextmanager
def scene(folder: Path, *, shared: bool) -> Iterator[Scene]:
    """An empty installation; its servers end with it."""
    with contextlib.ExitStack() as stack:
        yield Scene(stack, folder, shared)


needs_cloud = (worlds.needs_postgresql, s3worlds.needs_moto)

ON_DISK = pytest.param(False, id="sqlite+disk")
SHARED = pytest.param(True, id="postgresql+s3", marks=needs_cloud)
