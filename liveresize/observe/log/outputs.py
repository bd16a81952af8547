"""Where lines go: standard output, a file, or a Logstash input over TCP.

Outputs block, and are only used by the channel's own thread. Every failure is an
OSError: the lines are kept by the channel and come again.
"""

import errno
import os
import select
import socket
import threading
import urllib.parse
from collections.abc import Callable
from typing import Protocol

from liveresize import errors

_STDOUT = 1


class Output(Protocol):
    """Takes whole lines."""

    name: str

    def write(self, lines: bytes) -> None:
        """Write all of `lines`; OSError when that cannot be done now."""

    def reopen(self) -> None:
        """Forget what is open; the next write opens it again."""

    def close(self) -> None:
        """Let go of everything."""


class Stdout:
    """Standard output as it is now, whatever its descriptor is given to later.

    Python's own stream is not used: its lock, held by a thread that is stuck in a full
    pipe, would abort the interpreter at exit.
    """

    name = "stdout"

    def __init__(self) -> None:
        """Raises SettingsError where there is no standard output."""
        try:
            self._descriptor = os.dup(_STDOUT)
        except OSError as exc:
            raise errors.SettingsError(
                "log.output is stdout, but standard output is closed."
            ) from exc

    def write(self, lines: bytes) -> None:
        """Write all of `lines`, waiting while a pipe is full."""
        left = memoryview(lines)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                # Someone who shares the pipe made it non-blocking.
                select.select([], [self._descriptor], [])

    def reopen(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Close the copy of the descriptor."""
        os.close(self._descriptor)


class File:
    """A file that is appended to, and opened anew when its name is given to another."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._descriptor: int | None = None
        self._stale = threading.Event()
        self._torn = False
        try:
            self._open()
        except OSError as exc:
            raise errors.SettingsError(
                f"log.output is {path}, which cannot be opened: {exc}."
            ) from exc

    def write(self, lines: bytes) -> None:
        """Append `lines`, to the file that has the name now."""
        if self._stale.is_set() or self._moved():
            self._stale.clear()
            self.close()
        descriptor = self._open()
        # After half a line (a full disk), the next must not be glued to it.
        text = b"\n" + lines if self._torn else lines
        left = memoryview(text)
        try:
            while left:
                left = left[os.write(descriptor, left) :]
        finally:
            written = len(text) - len(left)
            if written:
                self._torn = text[written - 1 : written] != b"\n"

    def reopen(self) -> None:
        """Open the file again before the next write; safe in any thread."""
        self._stale.set()

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self.name, flags, 0o640)
            self._torn = False
        return self._descriptor

    def _moved(self) -> bool:
        """Whether the name now belongs to another file, or to none."""
        if self._descriptor is None:
            return False
        try:
            named = os.stat(self.name)
        except FileNotFoundError:
            return True
        return not os.path.samestat(named, os.fstat(self._descriptor))


class Tcp:
    """A Logstash TCP input (codec json_lines). Connects when there is something to say.

    Lines that were on their way when a connection broke are sent again: they arrive at
    least once, except those that a peer which died had taken and not read to their end. A
    peer that is merely slow, or stands still for a while, gets each line once.
    """

    connecting = 5.0
    """Seconds for a connection to come about."""

    patience = 30.0
    """Seconds in which a peer that is there may take not a single byte."""

    def __init__(self, url: str) -> None:
        self.name = url
        parts = urllib.parse.urlsplit(url)
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host or not port:
            raise errors.SettingsError(f"log.output is {url}, but must be tcp://host:port.")
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._stale = threading.Event()
        self._sent = b""
        self._unread = b""

    def write(self, lines: bytes) -> None:
        """Send all of `lines`, over a new connection where the old one has ended."""
        if self._stale.is_set():
            self._stale.clear()
            self.close()
        try:
            if self._ended():
                self.close()
            connection = self._socket or self._connect()
            # A peer that resets has not read all: what it took last may be among that.
            _send(connection, self._unread + lines)
        except OSError as error:
            gone = isinstance(error, ConnectionError) or error.errno == errno.ETIMEDOUT
            if gone and self._socket is not None:
                self._unread, self._sent = self._sent or self._unread, b""
            self.close()
            raise
        self._sent, self._unread = lines, b""

    def _connect(self) -> socket.socket:
        self._socket = socket.create_connection(self._address, self.connecting)
        self._socket.settimeout(self.patience)
        # A machine that is gone without a word would look as if it took everything.
        milliseconds = int(self.patience * 1000)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        self._sent = b""
        return self._socket

    def reopen(self) -> None:
        """Connect again before the next write; safe in any thread."""
        self._stale.set()

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ended(self) -> bool:
        """Whether the peer has closed, having read everything: sending would still seem to
        work, once. Raises OSError where it has not."""
        if self._socket is None:
            return False
        # With a time-out, even MSG_DONTWAIT would first wait for something to be there.
        self._socket.settimeout(0)
        try:
            while self._socket.recv(4096):
                pass  # nothing that it could say means anything to us
        except BlockingIOError:
            self._socket.settimeout(self.patience)
            return False
        return True


def _send(connection: socket.socket, data: bytes) -> None:
    """Send all of it; the time-out of the connection is one for each part that it takes."""
    left = memoryview(data)
    while left:
        left = left[connection.send(left) :]


def open_output(output: str) -> Output:
    """The output of that name; SettingsError where it cannot be opened."""
    if output == "stdout":
        return Stdout()
    opener: Callable[[str], Output] = Tcp if output.startswith("tcp:") else File
    return opener(output)
