"""Check of where the log goes."""

import os
import socket
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from liveresize.maintenance.doctor.findings import Finding, ok, problem

_PART = "log.output"

_BUDGET = 3.0
"""Seconds for a receiver to accept a connection."""


def look(output: str) -> Iterator[Finding]:
    """Check that lines can be written there. Nothing is written or made."""
    if output == "stdout":
        yield ok(_PART, "The log goes to standard output.")
    elif output.startswith("tcp:"):
        yield _receiver(output)
    else:
        yield _file(Path(output).absolute())


def _receiver(output: str) -> Finding:
    place = urllib.parse.urlsplit(output)
    try:
        with socket.create_connection((place.hostname, place.port or 0), timeout=_BUDGET):
            return ok(_PART, f"{output} accepts connections.")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return problem(
            _PART,
            f"{output} accepts no connection ({reason}): lines are kept for a while, then dropped.",
            "Start the receiver, or correct log.output.",
        )


def _file(path: Path) -> Finding:
    folder = path.parent
    if path.is_dir():
        return problem(_PART, f"{path} is a folder.", "Set log.output to the path of a file.")
    if not folder.is_dir():
        return problem(
            _PART,
            f"The folder {folder} is not there, or not visible to this user.",
            f"Make it (install -d -o liveresize -g liveresize {folder}), or correct log.output.",
        )
    if not os.access(path if path.exists() else folder, os.W_OK):
        return problem(
            _PART,
            f"{path} cannot be written by this user.",
            "Give it to the user of the server, and run doctor as that user.",
        )
    return ok(_PART, f"{path} can be written.")
