"""Copies what writes URLs out of the server into `liveresize_client/_shared`.

Both packages have the same modules, from one source: what an application writes is parsed by what
the server parses it with. The copies have names of their own, so that both packages can be
installed together, in different versions.
"""

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
SERVER = HERE.parents[1] / "liveresize"
SHARED = HERE / "liveresize_client" / "_shared"

_NAME = re.compile(r"^(\s*(?:from|import) )liveresize\b", re.MULTILINE)


def write(package: Path = HERE / "liveresize_client") -> None:
    """Replace the copies in `package`."""
    shared = package / SHARED.name
    shutil.rmtree(shared, ignore_errors=True)
    for path in sorted(closure("urls/__init__.py")):
        text = (SERVER / path).read_text(encoding="utf-8")
        target = shared / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_NAME.sub(r"\1liveresize_client._shared", text), encoding="utf-8")


def version() -> str:
    """Return the version of the server that the copies are of."""
    text = (SHARED / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    assert found is not None
    return found[1]


def closure(first: str) -> set[str]:
    """Return the files that `first` needs, itself among them, as paths below `liveresize/`."""
    found: set[str] = set()
    left = [first]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += _needed(path)
    return found


def _needed(path: str) -> Iterator[str]:
    """Yield the files of the server that a file imports, and the packages that hold it."""
    for parent in Path(path).parents:
        yield (parent / "__init__.py").as_posix()
    for node in ast.walk(ast.parse((SERVER / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            yield from _files(name.split("."))


def _files(parts: list[str]) -> Iterator[str]:
    """Yield the file of the module that a dotted name begins with, if it is one of the server."""
    if parts[0] != "liveresize":
        return
    below = "/".join(parts[1:])
    for candidate in (f"{below}.py", f"{below}/__init__.py" if below else "__init__.py"):
        if (SERVER / candidate).is_file():
            yield candidate
            return
    yield from _files(parts[:-1])


if __name__ == "__main__":
    write()
