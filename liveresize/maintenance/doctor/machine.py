"""Check of the machine: acceleration, limits and clock."""

import ctypes
import importlib
import resource
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from liveresize.maintenance.doctor.findings import Finding, amount, ok, problem, warning
from liveresize.workers import sizing

_FASTER = {
    "isal": ("isal", "PNG is unpacked by zlib, more slowly"),
    "zlib_ng": ("zlib-ng", "PNG is packed by zlib, three times as slowly"),
    "uvloop": ("uvloop", "the event loop answers a fifth fewer hits"),
}
"""Optional modules → their package, and the effect if they are missing."""

_FEW_DESCRIPTORS = 4096

_TIME_ERROR = 5
"""The result of adjtimex if the clock is not synchronised; its structure has less than 256
bytes."""

_SIMD = ("avx2", "sse4_1", "asimd")


def acceleration() -> Iterator[Finding]:
    """Check the optional modules that make the server faster."""
    try:
        resizer = importlib.import_module("cykooz_resizer")
        used = resizer.Resizer().cpu_extensions.name
    except (ImportError, AttributeError):
        yield warning(
            "acceleration",
            "cykooz-resizer is not there: Pillow resizes, five times as slowly.",
            "Run on x86-64 or ARM64, where pip installs it.",
        )
    else:
        version = metadata.version("cykooz-resizer")
        if used == "none":
            yield warning(
                "acceleration",
                f"cykooz-resizer {version} finds no vector unit in this processor{_flags()}.",
                "Let the virtual machine show the processor as it is (CPU model `host`).",
            )
        else:
            yield ok("acceleration", f"cykooz-resizer {version} resizes with {used}{_flags()}.")
    for module, (package, without) in _FASTER.items():
        try:
            importlib.import_module(module)
        except ImportError:
            do = f"pip install {package}, where there is a wheel of it."
            yield warning("acceleration", f"{package} is not there: {without}.", do)
        else:
            yield ok("acceleration", f"{package} {metadata.version(package)} is there.")


def _flags(path: Path = Path("/proc/cpuinfo")) -> str:
    """Return the vector units of the processor, as text."""
    try:
        words = set(path.read_text().split())
    except OSError:
        return ""
    return f" (the processor has {', '.join(each for each in _SIMD if each in words) or 'none'})"


def limits(slots: int, per_worker: int, root: Path = Path("/")) -> Iterator[Finding]:
    """Check descriptors and memory; `slots` 0 means as many as fit. `root` has `proc` and `sys`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _FEW_DESCRIPTORS:
        yield warning(
            "limits",
            f"A process may have {hard} descriptors, and so about as many connections.",
            "Raise it: LimitNOFILE=65536 in systemd, nofile in limits.conf.",
        )
    else:
        count = "any number of" if hard == resource.RLIM_INFINITY else hard
        yield ok("limits", f"A process may have {count} descriptors.")
    workers = slots or sizing.detect(per_worker, root)
    memory = sizing.memory(root)
    if memory is None:
        return
    need = workers * per_worker
    sentence = (
        f"{workers} workers may take {amount(per_worker)} each, {amount(need)} in all, of "
        f"{amount(memory)}"
    )
    if need > memory:
        do = "Set workers.slots or workers.memory_bytes lower, or add memory."
        yield (problem if per_worker > memory else warning)("limits", f"{sentence}.", do)
    else:
        yield ok("limits", f"{sentence}.")


def clock() -> Iterator[Finding]:
    """Check that the clock is synchronised, as far as the kernel knows."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(256))
    except (OSError, AttributeError):
        state = -1
    if state == _TIME_ERROR:
        yield warning(
            "clock",
            "Nothing keeps this machine's clock right.",
            "Run systemd-timesyncd or chrony; in a container, on the machine below it.",
        )
    elif state >= 0:
        yield ok("clock", "This machine's clock is kept right.")
    else:
        yield ok("clock", "Whether this machine's clock is kept right cannot be told here.")
