"""A clamd that says what it is told to, and speaks its protocol to the letter; and a real one."""

import contextlib
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
FOUND = "stream: Win.Test.EICAR_HDB-1 FOUND"

PATIENCE = 60.0


class Scripted:
    """Listens at a socket, or at a port of this machine; `received` has the bodies.

    `behaviour` is `scan`, `silent` (never answers), `garbage`, or `hangs up`. Above `limit`
    bytes it answers with an error at once, and hangs up with the rest unread.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.behaviour = "scan"
        self.limit = 1 << 20
        self.received: list[bytes] = []
        if path is None:
            self._socket = socket.create_server(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        else:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.bind(str(path))
            self._socket.listen()
            self.address = str(path)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Refuse connections from now on."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(PATIENCE)
                with contextlib.suppress(OSError, EOFError):
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        command = b""
        while not command.endswith(b"\0"):
            command += _exactly(reader, 1)
        if command == b"zPING\0":
            answer = "PONG"
        else:
            assert command == b"zINSTREAM\0"
            answer = self._scan(reader)
        if self.behaviour == "silent":
            connection.recv(1)  # until the client leaves
            return
        if self.behaviour == "garbage":
            answer = "no idea"
        if self.behaviour != "hangs up":
            connection.sendall(answer.encode() + b"\0")

    def _scan(self, reader: object) -> str:
        body = b""
        while size := struct.unpack("!I", _exactly(reader, 4))[0]:
            if len(body) + size > self.limit:
                return "INSTREAM size limit exceeded. ERROR"
            body += _exactly(reader, size)
        self.received.append(body)
        return FOUND if EICAR in body else "stream: OK"


def _exactly(reader, size: int) -> bytes:  # type: ignore[no-untyped-def]
    data: bytes = reader.read(size)
    if len(data) < size:
        raise EOFError
    return data


@contextlib.contextmanager
def scripted(path: Path | None = None) -> Iterator[Scripted]:
    """A clamd of ours until the end of the block."""
    clamd = Scripted(path)
    try:
        yield clamd
    finally:
        clamd.close()


PROGRAM = shutil.which("clamd") or "/usr/sbin/clamd"


@contextlib.contextmanager
def real(folder: Path, limit: str = "1M") -> Iterator[str]:
    """ClamAV with one signature, that of EICAR at any place of a file; yields its socket."""
    folder.mkdir()
    signatures = folder / "signatures"
    signatures.mkdir()
    (signatures / "eicar.ndb").write_text(f"Eicar-Test:0:*:{EICAR.hex()}\n")
    path = folder / "clamd.sock"
    config = folder / "clamd.conf"
    config.write_text(
        f"LocalSocket {path}\nDatabaseDirectory {signatures}\nForeground yes\n"
        f"StreamMaxLength {limit}\nMaxThreads 2\n"
    )
    process = subprocess.Popen([PROGRAM, "-c", str(config)], stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + PATIENCE
        while not path.exists():
            assert process.poll() is None, "clamd has ended"
            assert time.monotonic() < end, "clamd does not listen"
            time.sleep(0.05)
        yield str(path)
    finally:
        process.terminate()
        process.wait(PATIENCE)
