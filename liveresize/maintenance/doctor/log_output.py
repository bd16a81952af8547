"""Check of where the log goes."""

import os
import socket
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from liveresize.maintenance.doctor.findings import Finding, ok, problem, user

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
    if os.path.isdir(path):
        return problem(_PART, f"{path} is a folder.", "Set log.output to the path of a file.")
    if not os.path.isdir(folder):
        return problem(
            _PART,
            f"The folder {folder} is not there, or out of reach for the user {user()}.",
            f"As root: install -d -o {user()} {folder}; or correct log.output. (The systemd unit "
            "makes /var/log/liveresize.)",
        )
    if not os.access(folder, os.X_OK):
        return problem(
            _PART,
            f"The user {user()} may not enter {folder}.",
            f"Set log.output to a file in another folder, or let that user enter {folder}.",
        )
    if not os.path.exists(path) and not os.access(folder, os.W_OK):
        return problem(
            _PART,
            f"{path} cannot be made by the user {user()}.",
            "Set log.output to a file in a folder of that user, such as /var/log/liveresize.",
        )
    if os.path.exists(path) and not os.access(path, os.W_OK):
        return problem(
            _PART,
            f"{path} cannot be written by the user {user()}.",
            f"As root: chown {user()}: {path}"
            if os.path.isfile(path)
            else "Set log.output to stdout, or to the path of a file.",
        )
    return ok(_PART, f"{path} can be written.")
