"""What the workers of these tests do: the path of a job names a deed.

A deed is `verb` or `verb:argument`; several are joined by `;` and done in order, and the
last one answers. A worker imports this module, so it imports nothing of the tests.
"""

import ctypes
import importlib
import json
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from liveresize import errors
from liveresize.core.formats import Format
from liveresize.core.jobs import Facts, Job, ProbeJob, Rendered, RenderJob
from liveresize.core.rendition import Rendition
from liveresize.imaging.settings import EngineSettings


class Stubborn(Exception):
    """Cannot be rebuilt from its arguments, so it never arrives on the other side."""

    def __init__(self, *, reason: str) -> None:
        super().__init__()
        self.reason = reason


class PrivateMemory(errors.MemoryExceeded):
    """A class that the server may not know, holding what does not pickle."""


def job(*deeds: str, width: int = 8) -> RenderJob:
    """A job that does `deeds`; its result's `data` is the answer of the last."""
    return RenderJob(
        path=";".join(deeds), rendition=Rendition(format=Format.PNG, width=width, height=8)
    )


def probe(*deeds: str) -> ProbeJob:
    """A job of another kind that does `deeds`; its Facts hold the answer as `format`."""
    return ProbeJob(path=";".join(deeds))


def perform(job: Job, settings: EngineSettings) -> Rendered | Facts:
    """Do what the path of `job` says."""
    path = job.path if isinstance(job, RenderJob | ProbeJob) else job.source
    answer = b""
    for deed in path.split(";"):
        verb, _, argument = deed.partition(":")
        answer = _DEEDS[verb](argument) or b""
    if not isinstance(job, RenderJob):
        return Facts(
            format=answer.decode(),
            width=1,
            height=1,
            bytes=0,
            sha256="",
            frames=1,
            has_alpha=False,
            clean=True,
            dominant_color="",
            thumbhash="",
        )
    return Rendered(data=answer, etag="", format=Format.PNG)


def _pid(_: str) -> bytes:
    return str(os.getpid()).encode()


def _note(path: str) -> None:
    """Append this process's id to a file, so that a test sees who came by."""
    with open(path, "a") as file:
        file.write(f"{os.getpid()}\n")


def _gate(path: str) -> None:
    """Wait until `path` exists."""
    while not Path(path).exists():
        time.sleep(0.001)


def _once(path: str) -> None:
    """Die by SIGSEGV the first time, do nothing from then on."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    ctypes.string_at(0)


def _signal(name: str) -> None:
    os.kill(os.getpid(), signal.Signals[name])


def _null(_: str) -> None:
    ctypes.string_at(0)


def _exit(status: str) -> None:
    os._exit(int(status))


def _hang(_: str) -> None:
    while True:
        signal.pause()


def _swallow(_: str) -> None:
    """Allocate without end, touching every page."""
    hoard = []
    while True:
        hoard.append(b"\xff" * 2**24)


def _bytes(count: str) -> bytes:
    return b"\xff" * int(count)


def _burst(path: str) -> bytes:
    """Note who came by, then answer more than a pipe holds, dying while it is sent."""
    _note(path)
    threading.Timer(0.0, _die_in_put).start()
    return b"\xff" * 2**28


def _die_in_put() -> None:
    """Kill this process as soon as its main thread is sending its result."""
    main = threading.main_thread().ident
    while True:
        frame = sys._current_frames().get(main or 0)
        while frame is not None:
            if frame.f_code.co_name == "_send":
                os.kill(os.getpid(), signal.SIGKILL)
            frame = frame.f_back


def _raise(name: str) -> None:
    raise getattr(errors, name)("for the client", "for the log")


def _foreign(_: str) -> None:
    raise Stubborn(reason="spite")


def _leave(_: str) -> None:
    raise SystemExit(3)


def _odd(_: str) -> None:
    raise PrivateMemory("for the client", threading.Lock())


def _unpicklable(_: str) -> bytes:
    return threading.Lock()  # type: ignore[return-value]


def _limits(_: str) -> bytes:
    return json.dumps(
        {
            "address_space": resource.getrlimit(resource.RLIMIT_AS),
            "core": resource.getrlimit(resource.RLIMIT_CORE),
            "nice": os.nice(0),
            "arenas": os.environ.get("MALLOC_ARENA_MAX"),
            "ignored": [
                name
                for name in ("SIGINT", "SIGTERM")
                if signal.getsignal(signal.Signals[name]) is signal.SIG_IGN
            ],
        }
    ).encode()


def _modules(_: str) -> bytes:
    return json.dumps(sorted(sys.modules)).encode()


def _import(name: str) -> None:
    importlib.import_module(name)


def _status(_: str) -> bytes:
    return Path("/proc/self/status").read_bytes()


_DEEDS = {
    "": lambda _: b"done",
    "pid": _pid,
    "note": _note,
    "gate": _gate,
    "once": _once,
    "signal": _signal,
    "null": _null,
    "exit": _exit,
    "hang": _hang,
    "swallow": _swallow,
    "bytes": _bytes,
    "burst": _burst,
    "raise": _raise,
    "foreign": _foreign,
    "leave": _leave,
    "odd": _odd,
    "unpicklable": _unpicklable,
    "limits": _limits,
    "modules": _modules,
    "import": _import,
    "status": _status,
}
