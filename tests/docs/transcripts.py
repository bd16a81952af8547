"""Sessions on a terminal, as pages show them: each `$ ` line is run, and its output compared."""

import re
import subprocess
from collections.abc import Iterator, Mapping
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
    (re.compile(r'"version": "[0-9a-f]{8}"'), '"version": "VERSION"'),
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


class Shell:
    """One shell, as a reader has one: variables stay from one command to the next."""

    def __init__(
        self,
        folder: Path,
        shown: Mapping[str, str],
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`folder` is where commands run; what pages show as a key of `shown` is its value."""
        self.shown = shown
        self.status = 0
        self._shell = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, command: Command) -> str:
        """What the command prints, as pages show it; `status` is how it ends."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        text = command.text
        for page, here in self.shown.items():
            text = text.replace(page, here)
        # The next command finds the status of this one in `$?`.
        ending = f"_status=$?; echo; echo {_END} $_status; (exit $_status)"
        self._shell.stdin.write(f"{text}\n{ending}\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(_END):
                self.status = int(line.split()[1])
                break
            lines.append(line)
        printed = "".join(lines)
        for page, here in self.shown.items():
            printed = printed.replace(here, page)
        return printed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.kill()
        self._shell.communicate()


class Terminal(Shell):
    """A shell beside a server, which commands know as ADDRESS."""

    def __init__(self, server: servers.Running, folder: Path) -> None:
        """`folder` gets the `docs` of the project; commands leave files there."""
        self._server = server
        (folder / "docs").symlink_to(servers.ROOT / "docs")
        super().__init__(folder, {ADDRESS: f"127.0.0.1:{server.port}"})

    def run(self, command: Command) -> str:
        """What the command prints, once every rendition is where it is kept."""
        printed = super().run(command)
        assert self.status == 0, command.text
        self._server.published()
        return printed
