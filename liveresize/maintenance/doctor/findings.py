"""The findings of the doctor."""

import enum
import os
import pwd
from dataclasses import dataclass


class Level(enum.StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: a sentence about the state, and one about the fix."""

    level: Level
    part: str
    what: str
    do: str = ""

    def text(self) -> str:
        """Format the finding as text: a line, and another one with the fix."""
        line = f"{self.level.value:8} {self.part}: {printable(self.what)}"
        return f"{line}\n{'':8} → {printable(self.do)}" if self.do else line

    def as_json(self) -> dict[str, str]:
        """Return the finding as a JSON object."""
        return {"level": self.level.value, "part": self.part, "what": self.what, "do": self.do}


def ok(part: str, what: str) -> Finding:
    """Return a finding without a problem."""
    return Finding(Level.OK, part, what)


def warning(part: str, what: str, do: str) -> Finding:
    """Return a finding that the server works, but not as well as it could."""
    return Finding(Level.WARNING, part, what, do)


def problem(part: str, what: str, do: str) -> Finding:
    """Return a finding that the server does not work, or only in part."""
    return Finding(Level.PROBLEM, part, what, do)


def user() -> str:
    """Return the name of the user of this process, or its number."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def printable(text: str) -> str:
    """Return `text` as one line of printable characters."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in plain)


def amount(size: float) -> str:
    """Format a number of bytes with a unit."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
