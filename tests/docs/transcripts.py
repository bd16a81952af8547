"""Sessions on a terminal, as pages show them: each `$ ` line is run, and its output compared."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from web import servers

ROOT = servers.ROOT

ADDRESS = "localhost:1337"
"""Where the server is on the pages."""

_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)

_CHANGING = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f-]{22}\b"), "TOKEN"),
    (re.compile(r"/[0-9a-f]{28}/"), "/GENERATION/"),
    (re.compile(r'"request_id": "[0-9a-f]{16}"'), '"request_id": "ID"'),
    (re.compile(r"\b\d{4}-\d\d-\d\dT[0-9:.]+Z"), "TIME"),
)
"""What is another each time."""


@dataclass(frozen=True, slots=True)
class Command:
    """What stands behind `$ `, and the lines below it."""

    text: str
    output: str


_END = "end-of-the-command"


def commands(page: str) -> Iterator[Command]:
    """Every command of the sessions in the Markdown `page`."""
    for block in _CONSOLE.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            text, _, output = part.partition("\n")
            yield Command(text, output)


def steady(text: str) -> str:
    """`text` without what is another each time."""
    for pattern, stand_in in _CHANGING:
        text = pattern.sub(stand_in, text)
    return text.strip()


class Terminal:
    """One shell, as a reader has one: variables stay from one command to the next."""

    def __init__(self, server: servers.Running, folder: Path) -> None:
        """`folder` is where commands run and leave files; it gets the `docs` of the project."""
        self._server = server
        self._at = f"127.0.0.1:{server.port}"
        (folder / "docs").symlink_to(servers.ROOT / "docs")
        self._shell = subprocess.Popen(
            ["bash"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, command: Command) -> str:
        """What the command prints, as if the server were at ADDRESS."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        text = command.text.replace(ADDRESS, self._at)
        self._shell.stdin.write(f"{text}\necho; echo {_END} $?\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(_END):
                assert line.split()[1] == "0", command.text
                break
            lines.append(line)
        self._server.published()
        return "".join(lines).replace(self._at, ADDRESS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.kill()
        self._shell.communicate()
