"""What runs inside a worker process; the server only names these functions."""

import faulthandler
import importlib
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable, Sequence

from liveresize import errors
from liveresize.core.jobs import Job, Result
from liveresize.imaging.settings import EngineSettings

Perform = Callable[[Job, EngineSettings], Result]
"""What a worker does with a job; pickled by name, so it lives at the top of a module."""

ENGINE = "liveresize.imaging"
"""The module that does jobs, unless a test brings its own."""


class UnexpectedJobError(Exception):
    """A job raised what is not of `errors`: the class and its message, as one text."""


def engine(job: Job, settings: EngineSettings) -> Result:
    """Do `job` with the imaging engine.

    It is imported here, where it runs: the server only names this function.
    """
    result: Result = importlib.import_module(ENGINE).perform(job, settings)
    return result


def prepare(memory_bytes: int, nice: int, preload: Sequence[str]) -> None:
    """Bound and arm this process; runs once, before any job.

    The address space is bounded after loading, and core files are off: a picture that
    crashes the decoder must not fill the disk as well.
    """
    threading.Thread(target=_end_with_server, name="end-with-server", daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    faulthandler.disable()
    for module in preload:
        importlib.import_module(module)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    # Last, since whoever waits for a new worker is in a hurry.
    os.nice(nice)


def greet() -> int:
    """The warm-up job: the id of this process, once `prepare` is through."""
    return os.getpid()


def perform(act: Perform, job: Job, settings: EngineSettings) -> Result:
    """Do `job`; raises errors and Foreign with text arguments, nothing else.

    Whatever else a job raises might not survive the pipe, and an exception that cannot
    be rebuilt on the other side takes the whole executor with it.
    """
    try:
        return act(job, settings)
    except MemoryError:
        # Raised below: out here the frames that hold the memory are gone.
        pass
    except errors.LiveResizeError as error:
        raise _own_class(error)(*(str(part) for part in error.args)) from error
    except BaseException as error:
        raise UnexpectedJobError(f"{type(error).__name__}: {error}") from error
    raise errors.MemoryExceeded


def _own_class(error: errors.LiveResizeError) -> type[errors.LiveResizeError]:
    """The nearest class of `error` that `errors` itself defines."""
    return next(
        base
        for base in type(error).__mro__
        if base.__module__ == errors.__name__ and issubclass(base, errors.LiveResizeError)
    )


def _end_with_server() -> None:
    """Leave when the server does; after kill -9 nobody else would tell."""
    server = multiprocessing.parent_process()
    if server is not None:
        server.join()
        os._exit(1)
