"""Who may import whom, layer by layer; imports run downwards only."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "liveresize"

EVERYTHING = None
"""The composition root and the commands put everything together."""

ANY_LAYER = {"errors", "log", "metrics"}
"""Any layer may raise our errors, log and count."""

ALLOWED: dict[str, set[str] | None] = {
    "": set(),
    "errors": set(),
    "settings": {"errors"},
    "log": {"errors"},
    "metrics": {"errors"},
    "domain": {"errors"},
    "ports": {"errors", "domain"},
    "imaging": {"errors", "domain"},
    "service": ANY_LAYER | {"domain", "ports"},
    "stores": ANY_LAYER | {"domain", "ports"},
    "workers": ANY_LAYER | {"domain", "ports", "imaging"},
    "web": ANY_LAYER | {"domain", "ports", "service"},
    "client": {"errors"},
    "progress": set(),
    "streams": set(),
    "systemd": {"errors"},
    "urls": {"errors", "domain"},
    "moving": ANY_LAYER | {"domain", "ports", "progress", "stores", "streams"},
    "upkeep": ANY_LAYER | {"domain", "ports", "progress", "service", "stores", "streams"},
    "warming": {"errors", "streams", "domain"},
    "doctor": {"errors", "domain", "imaging", "stores", "web", "workers"},
    "wiring": EVERYTHING,
    "sockets": EVERYTHING,
    "server": EVERYTHING,
    "cli": EVERYTHING,
    "cli_server": EVERYTHING,
    "cli_sign": EVERYTHING,
    "cli_checks": EVERYTHING,
    "cli_upkeep": EVERYTHING,
    "__main__": EVERYTHING,
}

LOGGING = {"structlog"}

FOREIGN: dict[str, set[str] | None] = {
    "": set(),
    "errors": set(),
    "settings": set(),
    "log": LOGGING,
    "metrics": {"prometheus_client"},
    "domain": set(),
    "ports": set(),
    "imaging": LOGGING | {"PIL", "cykooz_resizer", "isal", "zlib_ng"},
    "service": LOGGING,
    "stores": LOGGING
    | {"aiobotocore", "aiohttp", "alembic", "asyncpg", "botocore", "greenlet", "sqlalchemy"},
    "workers": LOGGING,
    "web": LOGGING
    | {"h2", "hpack", "hyperframe", "prometheus_client", "python_multipart", "tornado", "yaml"},
    "client": {"tornado"},
    "progress": {"tqdm"},
    "streams": set(),
    "systemd": set(),
    "urls": set(),
    "moving": LOGGING | {"sqlalchemy"},
    "upkeep": LOGGING,
    "warming": {"tornado"},
    "doctor": {"PIL", "aiohttp"},
    "wiring": EVERYTHING,
    "sockets": EVERYTHING,
    "server": EVERYTHING,
    "cli": {"click"},
    "cli_server": {"click"},
    "cli_sign": {"click"},
    "cli_checks": {"click"},
    "cli_upkeep": {"click"},
    "__main__": set(),
}
"""What each layer may use from outside the standard library."""

HEAVY = ("PIL", "aiobotocore", "alembic", "asyncio", "sqlalchemy", "structlog", "tornado")
"""What a spawned worker must not carry because it imports the main module again."""


def layer(module: str) -> str:
    """`liveresize.web.images` is of the layer `web`; the package itself of none."""
    return [*module.split("."), ""][1]


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imported(module: str, path: Path) -> Iterator[str]:
    """The modules that `module` names in any import statement, wherever it stands."""
    own = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = own[: len(own) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            if base == "liveresize":
                yield from (f"liveresize.{alias.name}" for alias in node.names)
            else:
                yield base


MODULES = list(modules())


def allowed(own: str, name: str) -> bool:
    """Whether a module of the layer `own` may import that one."""
    top, used = name.split(".")[0], layer(name)
    if top != "liveresize":
        foreign = FOREIGN[own]
        return foreign is None or top in foreign or top in sys.stdlib_module_names
    ours = ALLOWED[own]
    return used in (own, "__version__") or ours is None or used in ours


def test_a_module_imports_only_what_its_layer_may() -> None:
    """The two tables hold, for our own layers and for packages from outside."""
    assert {layer(module) for module, _ in MODULES} <= ALLOWED.keys()
    assert [
        f"{module} imports {name}"
        for module, path in MODULES
        for name in imported(module, path)
        if not allowed(layer(module), name)
    ] == []


def test_only_the_root_reads_settings() -> None:
    """A component takes its own options; it never sees the whole configuration."""
    readers = {
        layer(module)
        for module, path in MODULES
        if any(
            name.startswith("liveresize.") and layer(name) == "settings"
            for name in imported(module, path)
        )
    }
    assert readers <= {"settings", "wiring", "sockets", "server", "cli", "cli_server", "cli_upkeep"}


def test_both_tables_know_the_same_layers() -> None:
    """A new layer must say what it may import, of ours and of others'."""
    assert ALLOWED.keys() == FOREIGN.keys()


@pytest.mark.parametrize("module", ["liveresize.cli", "liveresize.__main__", "liveresize.settings"])
def test_the_main_module_is_light(module: str) -> None:
    """Importing the command line brings none of the heavy packages with it."""
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
