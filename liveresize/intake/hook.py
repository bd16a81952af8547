"""What a hook is given, and what it says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from liveresize.core.originals import Original


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An upload that is inspected and not stored yet.

    `body` is the file as it was uploaded, `cleaned` the one that will be stored as `original`.
    `client` is the key of the client.
    """

    body: Path
    cleaned: Path
    original: Original
    client: str


class HookFailed(Exception):
    """The hook did not say whether the upload is fine. The argument is the reason, for the log."""


class Hook(Protocol):
    """Somebody who is asked."""

    name: str

    async def check(self, upload: Upload) -> str:
        """Return why the upload is refused; empty if it is not. Raises HookFailed, and Overload if
        this server has too much to do."""

    async def close(self) -> None:
        """Close every connection."""
