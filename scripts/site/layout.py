"""The part of docs/architecture.md that says who may import whom, from the test that holds it."""

import ast
from pathlib import Path

import test_imports

from scripts.site import marked

WHAT = {
    "": "The version",
    "errors": "Everything that liveresize raises on purpose, as one tree",
}
"""What docstrings do not say in a line; of every other layer it is the first sentence."""


def parts() -> dict[str, str]:
    """Every part of the page by its name."""
    rows = [
        (_name(layer), _what(layer), _those(used), _those(test_imports.FOREIGN[layer]))
        for layer, used in test_imports.ALLOWED.items()
    ]
    head = ("`liveresize.`", "what it is", "imports", "from outside")
    return {"layers": marked.table(head, rows)}


def _name(layer: str) -> str:
    return f"`{layer}`" if layer else "(the package itself)"


def _those(names: set[str] | None) -> str:
    if names is None:
        return "anything"
    return ", ".join(f"`{name}`" for name in sorted(names)) or "–"


def _what(layer: str) -> str:
    if layer in WHAT:
        return WHAT[layer]
    folder: Path = test_imports.PACKAGE / layer.replace(".", "/")
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    paragraph = text.partition("\n\n")[0].replace("\n", " ")
    return paragraph.partition(". ")[0].rstrip(".")
