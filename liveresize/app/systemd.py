"""What systemd and the service tell each other: sockets, readiness, signs of life.

The protocols are those of sd_notify(3), sd_watchdog_enabled(3) and sd_listen_fds(3). Where
systemd is not, nothing is said and nothing is taken.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable
from itertools import chain, repeat

from liveresize import errors

HTTP, HTTPS = "http", "https"
"""What `FileDescriptorName=` may call a socket."""

_FIRST = 3
"""The first descriptor that is handed over; those before it are the standard ones."""

_EVERY = 10.0
"""Seconds between signs of life where systemd wants none more often."""

_START_PATIENCE = 60.0
"""Seconds that a start may take from its last sign of life on: a migration can be long."""


def notify(*states: str) -> None:
    """Tell systemd these `NAME=value` in one note.

    Never waits and raises nothing: a note is lost where systemd has too many to read.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return
    if address[0] == "@":  # an abstract one has no place in the file system
        address = "\0" + address[1:]
    with (
        contextlib.suppress(OSError, ValueError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told,
    ):
        told.setblocking(False)
        told.connect(address)
        told.sendall("\n".join(states).encode())


def watchdog_interval() -> float | None:
    """Seconds within which systemd wants a `WATCHDOG=1` of this process; None: it does not."""
    try:
        wanted = int(os.environ.get("WATCHDOG_USEC", ""))
        watched = int(os.environ.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    return wanted / 1e6 if wanted > 0 and watched == os.getpid() else None


def take_sockets() -> dict[str, list[socket.socket]]:
    """The listening sockets that systemd has opened for this process, by HTTP and HTTPS.

    They do not block, and no process that is started later has them, nor finds the variables
    that tell of them. Raises SettingsError for what is no listening TCP socket, or has a
    name that means nothing here.
    """
    told = {name: os.environ.pop(f"LISTEN_{name}", "") for name in ("PID", "FDS", "FDNAMES")}
    taken: dict[str, list[socket.socket]] = {}
    try:
        count = int(told["FDS"]) if int(told["PID"]) == os.getpid() else 0
    except ValueError:
        return taken
    descriptors = range(_FIRST, _FIRST + count)
    for descriptor in descriptors:
        with contextlib.suppress(OSError):  # what is not open is said below
            os.set_inheritable(descriptor, False)
    names = chain(told["FDNAMES"].split(":"), repeat(""))
    for descriptor, name in zip(descriptors, names, strict=False):
        taken.setdefault(_kind(name), []).append(_listening(descriptor))
    return taken


def _kind(name: str) -> str:
    """HTTP or HTTPS; a socket without a name of its own has that of its unit."""
    if name in ("", HTTP, "unknown") or name.endswith(".socket"):
        return HTTP
    if name == HTTPS:
        return HTTPS
    raise errors.SettingsError(
        f"systemd has handed over a socket with FileDescriptorName={name!r}; it may be "
        f"{HTTP} or {HTTPS}."
    )


def _listening(descriptor: int) -> socket.socket:
    """The socket behind `descriptor`. Raises SettingsError where it cannot be accepted on."""
    try:
        taken = socket.socket(fileno=descriptor)
    except OSError as error:
        raise _useless(descriptor) from error
    if (
        taken.family not in (socket.AF_INET, socket.AF_INET6)
        or taken.type != socket.SOCK_STREAM
        or not taken.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    ):
        taken.close()
        raise _useless(descriptor)
    taken.setblocking(False)
    return taken


def _useless(descriptor: int) -> errors.SettingsError:
    return errors.SettingsError(
        f"Descriptor {descriptor}, which systemd has handed over, is no listening TCP socket: "
        "its unit wants a ListenStream= with a port, and no Accept=yes."
    )


class SystemdNotifier:
    """Tells systemd how a server fares: starting, ready, reloading, stopping, and alive.

    Signs of life come from the event loop, so that systemd ends a process whose loop is
    blocked; each repeats what systemd should know, in case a note was lost.
    """

    def __init__(self, status: Callable[[], str]) -> None:
        """`status` is one line for whoever asks `systemctl status`, once it serves."""
        self._status = status
        self._phase = ["STATUS=Starting.", f"EXTEND_TIMEOUT_USEC={_usec(_START_PATIENCE)}"]
        self._serving = self._stopping = False
        self._beats = asyncio.create_task(self._beat())

    def ready(self) -> None:
        """It serves, or has read anew what it was told to."""
        self._enter("READY=1")

    def reloading(self) -> None:
        """It reads its files again, and says `ready` when it has."""
        self._enter("RELOADING=1", f"MONOTONIC_USEC={_usec(time.monotonic())}")

    def stopping(self, patience: float) -> None:
        """It finishes what it is at, which may take `patience` seconds."""
        self._serving, self._stopping = False, True
        self._phase = ["STOPPING=1", "STATUS=Finishing what is under way."]
        notify(*self._phase, f"EXTEND_TIMEOUT_USEC={_usec(patience)}")

    def close(self) -> None:
        """Give no more signs of life."""
        self._beats.cancel()

    def _enter(self, *phase: str) -> None:
        if not self._stopping:  # there is no way back from that
            self._serving, self._phase = True, list(phase)
            self._tell()

    def _tell(self) -> None:
        status = [f"STATUS={self._status()}"] if self._serving else []
        notify("WATCHDOG=1", *self._phase, *status)

    async def _beat(self) -> None:
        wanted = watchdog_interval()
        every = _EVERY if wanted is None else min(_EVERY, wanted / 2)
        while True:
            self._tell()
            await asyncio.sleep(every)


def _usec(seconds: float) -> int:
    return int(seconds * 1e6)
