"""Who may import whom, layer by layer; imports run downwards only."""

import ast
import functools
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "liveresize"

EVERYTHING = None
"""The composition root and the commands put everything together."""

ANY_LAYER = {"errors", "observe", "settings"}
"""Any layer may raise our errors, log, count, and take the sections of settings it reads."""

ALLOWED: dict[str, set[str] | None] = {
    "": set(),
    "errors": set(),
    "settings": set(),
    "config": {"errors", "settings"},
    "observe": {"errors", "settings"},
    "observe.tracing.otlp": {"errors", "settings", "observe"},
    "core": {"errors", "compat.vip.requests"},
    "imaging": {"errors", "core", "settings"},
    "workers": ANY_LAYER | {"core", "imaging"},
    "storage": ANY_LAYER | {"core"},
    "storage.mirroring": ANY_LAYER | {"core"},
    "delivery": ANY_LAYER
    | {"core", "storage.mirroring", "compat.vip.requests", "compat.vip.importer"},
    "notifications": ANY_LAYER | {"core"},
    "intake": ANY_LAYER | {"core", "notifications"},
    "uploads": ANY_LAYER | {"core", "storage.mirroring", "delivery", "notifications", "intake"},
    "http.transport": ANY_LAYER | {"core"},
    "http": ANY_LAYER
    | {"core", "delivery", "uploads", "maintenance", "http.transport"}
    | {"compat.vip.requests", "compat.vip.uploads"},
    "maintenance": ANY_LAYER | {"core", "delivery", "uploads"},
    "maintenance.compare": {"errors", "core", "imaging", "maintenance"},
    "maintenance.doctor": {"errors", "settings", "core", "imaging", "storage", "workers"}
    | {"http.transport", "notifications", "intake"},
    "compat": set(),
    "compat.vip.requests": {"errors", "core"},
    "compat.vip.importer": ANY_LAYER | {"core", "storage.mirroring"},
    "compat.vip.buckets": ANY_LAYER | {"core", "storage", "compat.vip.requests"},
    "compat.vip.routed": {"errors", "core", "storage", "compat.vip.buckets"},
    "compat.vip.uploads": {"errors", "core", "settings", "uploads"},
    "compat.vip.handlers": {"errors", "settings", "core", "delivery", "http", "http.transport"}
    | {"compat.vip.requests", "compat.vip.uploads"},
    "compat.iaas": ANY_LAYER | {"core", "storage", "storage.mirroring"},
    "urls": {"errors", "core"},
    "app": EVERYTHING,
    "cli": EVERYTHING,
    "__main__": EVERYTHING,
}
"""Layers by the start of their modules' names; the longest that fits counts."""

LOGGING = {"structlog"}

FOREIGN: dict[str, set[str] | None] = {
    "": set(),
    "errors": set(),
    "settings": set(),
    "config": {"json5", "yaml"},
    "observe": LOGGING | {"prometheus_client", "tqdm"},
    "observe.tracing.otlp": LOGGING | {"opentelemetry", "requests"},
    "core": set(),
    "imaging": LOGGING | {"PIL", "cykooz_resizer", "isal", "zlib_ng"},
    "workers": LOGGING,
    "storage": LOGGING
    | {"aiobotocore", "aiohttp", "alembic", "asyncpg", "botocore", "greenlet", "sqlalchemy"},
    "storage.mirroring": LOGGING,
    "delivery": LOGGING,
    "notifications": LOGGING | {"aiohttp", "yarl"},
    "intake": LOGGING | {"aiohttp"},
    "uploads": LOGGING,
    "http.transport": LOGGING | {"h2", "hpack", "hyperframe", "tornado"},
    "http": LOGGING | {"prometheus_client", "python_multipart", "tornado", "yaml"},
    "maintenance": LOGGING | {"tornado"},
    "maintenance.compare": {"PIL", "tornado"},
    "maintenance.doctor": {"PIL", "aiohttp"},
    "compat": set(),
    "compat.vip.requests": set(),
    "compat.vip.importer": LOGGING,
    "compat.vip.buckets": LOGGING,
    "compat.vip.routed": set(),
    "compat.vip.uploads": set(),
    "compat.vip.handlers": {"tornado"},
    "compat.iaas": LOGGING | {"sqlalchemy"},
    "urls": set(),
    "app": EVERYTHING,
    "cli": {"click", "tornado"},
    "__main__": set(),
}
"""What each layer may use from outside the standard library."""

HEAVY = ("PIL", "aiobotocore", "alembic", "asyncio", "sqlalchemy", "structlog", "tornado")
"""What a spawned worker must not carry because it imports the main module again."""


def layer(module: str) -> str:
    """The longest entry of the table that `module` begins with; of another package its name."""
    top, _, within = module.partition(".")
    if top != "liveresize":
        return top
    fits = [each for each in ALLOWED if within == each or within.startswith(f"{each}.")]
    return max(fits, key=len, default=within)


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@functools.cache
def imported(module: str, path: Path) -> tuple[str, ...]:
    """The modules that `module` names in any import statement, wherever it stands."""
    return tuple(_imported(module, path))


def _imported(module: str, path: Path) -> Iterator[str]:
    own = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = own[: len(own) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            full = [f"{base}.{alias.name}" for alias in node.names]
            yield from (name if name in PATHS else base for name in full)


MODULES = list(modules())

PATHS = dict(MODULES)


def allowed(own: str, name: str) -> bool:
    """Whether a module of the layer `own` may import that one."""
    used = layer(name)
    if not name.startswith("liveresize"):
        foreign = FOREIGN[own]
        return foreign is None or used in foreign or used in sys.stdlib_module_names
    ours = ALLOWED[own]
    return used in (own, "") or ours is None or used in ours


def test_a_module_imports_only_what_its_layer_may() -> None:
    """The two tables hold, for our own layers and for packages from outside."""
    assert {layer(module) for module, _ in MODULES} <= ALLOWED.keys()
    assert [
        f"{module} imports {name}"
        for module, path in MODULES
        for name in imported(module, path)
        if not allowed(layer(module), name)
    ] == []


def test_only_the_root_reads_the_whole_configuration() -> None:
    """A component takes the sections that it reads, never all of them."""
    readers = {
        layer(module)
        for module, path in MODULES
        if any(layer(name) == "config" for name in imported(module, path))
    }
    assert readers <= {"config", "app", "cli"}


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    """Not for types alone, either: what two modules need of each other belongs into a third."""
    uses = {module: set(imported(module, path)) & PATHS.keys() for module, path in MODULES}
    graph = graphlib.TopologicalSorter(uses)
    graph.prepare()  # raises CycleError, which names them


def test_both_tables_know_the_same_layers() -> None:
    """A new layer must say what it may import, of ours and of others'."""
    assert ALLOWED.keys() == FOREIGN.keys()


@pytest.mark.parametrize("module", ["liveresize.cli", "liveresize.__main__", "liveresize.config"])
def test_the_main_module_is_light(module: str) -> None:
    """Importing the command line brings none of the heavy packages with it."""
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
