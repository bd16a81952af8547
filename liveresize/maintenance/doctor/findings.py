"""What an examination has found."""

import enum
from dataclasses import dataclass


class Level(enum.StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: a sentence what is so, and one what to do about it."""

    level: Level
    part: str
    what: str
    do: str = ""

    def text(self) -> str:
        """It as people read it: a line, and one below where there is something to do."""
        line = f"{self.level.value:8} {self.part}: {printable(self.what)}"
        return f"{line}\n{'':8} → {printable(self.do)}" if self.do else line

    def as_json(self) -> dict[str, str]:
        """It as programs read it."""
        return {"level": self.level.value, "part": self.part, "what": self.what, "do": self.do}


def ok(part: str, what: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, part, what)


def warning(part: str, what: str, do: str) -> Finding:
    """The server works, and less well than it could."""
    return Finding(Level.WARNING, part, what, do)


def problem(part: str, what: str, do: str) -> Finding:
    """The server does not work, or not wholly."""
    return Finding(Level.PROBLEM, part, what, do)


def printable(text: str) -> str:
    """`text` on one line that any terminal takes."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in plain)


def amount(size: float) -> str:
    """Bytes as people say them."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
