"""Processes of liveresize that begin with everything loaded.

Loading takes a server a second or two of processor time, and tests start hundreds. Here one
process a test run loads it once, and forks for each `Command`; from there on it is
`python -m liveresize`, with a session, an environment and files of its own. What tests start
with something before it (`env`, `systemd-run`) is a process from scratch.
"""

import atexit
import ctypes
import functools
import gc
import importlib
import importlib.util
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import botocore.session
from botocore import hooks

ROOT = Path(__file__).parent.parent

_PR_SET_CHILD_SUBREAPER = 36

_HEAD = struct.Struct("!I")

_lock = threading.Lock()


class Command(subprocess.Popen[Any]):
    """`python -m liveresize ARGUMENTS`: a child of this process, as any Popen.

    Another `module` may have a `main` as well. `warnings` is what Python does with them.
    Further arguments are those of Popen, but for `preexec_fn`, `pass_fds` and `user`.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        module: str = "liveresize",
        warnings: str = "error",
        **options: Any,
    ) -> None:
        self._warnings = warnings
        command = [sys.executable, "-W", warnings, "-m", module, *arguments]
        super().__init__(command, **options)

    def _execute_child(self, args: Sequence[str], *given: Any) -> None:  # type: ignore[override]
        """Let the loaded process fork, where Popen would begin a new one."""
        _, _, _, _, cwd, env, _, _, _, *ends = given
        pairs = [(ends[0], ends[1]), (ends[3], ends[2]), (ends[5], ends[4])]
        order = {
            "module": args[4],
            "arguments": list(args[5:]),
            "warnings": self._warnings,
            "cwd": str(cwd or Path.cwd()),
            "environ": dict(os.environ if env is None else env),
        }
        try:
            self.pid = _fork(
                order, [fd if theirs == -1 else theirs for fd, (theirs, _) in enumerate(pairs)]
            )
            self._child_created = True
        finally:
            for theirs, ours in pairs:
                if -1 not in (theirs, ours):
                    os.close(theirs)
            self._closed_child_pipe_fds = True


def run(
    arguments: Sequence[str], *, timeout: float, **options: Any
) -> "subprocess.CompletedProcess[Any]":
    """What `subprocess.run` returns of that command, its output captured as text."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with Command(arguments, **{**pipes, **options}) as process:
        try:
            output, complaints = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, complaints)


def share_loader() -> None:
    """Let all S3 clients of this process read the descriptions of botocore once.

    Each has a loader of its own otherwise, and computes the same names of hundreds of events:
    that is most of what such a client costs a test.
    """
    if not hasattr(botocore.session.create_loader, "cache_info"):
        botocore.session.create_loader = functools.cache(botocore.session.create_loader)
        renamed = hooks.EventAliaser._alias_event_name
        names: dict[str, str] = {}

        def remembered(aliaser: hooks.EventAliaser, event: str) -> str:
            if event not in names:
                names[event] = renamed(aliaser, event)
            return names[event]

        hooks.EventAliaser._alias_event_name = remembered


def _fork(order: Mapping[str, object], files: list[int]) -> int:
    """The id of a new child of this process that does as ordered."""
    with _lock:
        zygote = _zygote()
        # The child's parent ends at once, and it becomes ours: Popen can wait for it.
        _subreaper(True)
        try:
            data = json.dumps(order, ensure_ascii=True).encode()
            socket.send_fds(zygote, [_HEAD.pack(len(data))], files)
            zygote.sendall(data)
            (pid,) = _HEAD.unpack(_exactly(zygote, _HEAD.size))
        finally:
            _subreaper(False)
    return int(pid)


def _subreaper(on: bool) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0)


@functools.cache
def _zygote() -> socket.socket:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.preloaded"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            stdin=theirs.fileno(),
            start_new_session=True,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _serve() -> None:
    """Fork as often as is asked for; returns in each command, and runs it, and at the end."""
    for module in ("cli", "app.server", "app.doctor", "app.maintenance", "maintenance.warm"):
        importlib.import_module(f"liveresize.{module}")
    share_loader()
    botocore.session.get_session().create_client("s3", region_name="us-east-1").close()
    gc.freeze()
    orders = socket.socket(fileno=os.dup(0))
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    with orders:
        _take(orders)


def _take(orders: socket.socket) -> None:
    while True:
        head, files, _, _ = socket.recv_fds(orders, _HEAD.size, 3)
        if not head:
            return
        order = json.loads(_exactly(orders, *_HEAD.unpack(head)))
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            pid = os.fork()
            if pid:
                os.write(writing, _HEAD.pack(pid))
                os._exit(0)
            orders.close()
            os.close(reading)
            os.close(writing)
            _become(order, files)
            sys.exit(importlib.import_module(_main_of(order["module"])).main())
        os.waitpid(child, 0)  # now the command is a child of whoever has ordered it
        orders.sendall(os.read(reading, _HEAD.size))
        for fd in (reading, writing, *files):
            os.close(fd)


def _become(order: Any, files: list[int]) -> None:
    """Be what Popen would have started."""
    os.setsid()
    for fd, given in enumerate(files):
        os.dup2(given, fd)
        os.close(given)
    os.environ.clear()
    os.environ.update(order["environ"])
    time.tzset()
    os.chdir(order["cwd"])
    sys.argv[1:] = order["arguments"]
    sys.warnoptions[:] = [order["warnings"]]
    warnings.resetwarnings()
    warnings.simplefilter(order["warnings"])
    # What its workers load, as those of `python -m` do.
    name = _main_of(order["module"])
    sys.modules["__main__"].__spec__ = importlib.util.find_spec(name)


def _main_of(module: str) -> str:
    return f"{module}.__main__" if module == "liveresize" else module


if __name__ == "__main__":
    _serve()
