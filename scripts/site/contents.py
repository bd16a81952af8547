"""The contents of the site, as a Sphinx extension: made of the lists of docs/index.md.

That page reads as plain Markdown on a code host, where a `toctree` would be a block of code.
Here every heading with a list of pages becomes a part of the contents.
"""

import re

from sphinx.application import Sphinx

INDEX = "docs/index"

_HEADING = re.compile(r"## (?P<title>.+)")
_PAGE = re.compile(r"- \[(?P<title>[^\]]+)\]\((?P<path>[^)#:]+)\.md\)")


def toctrees(text: str) -> str:
    """Hidden toctrees in MyST, one for each heading of the Markdown `text` that has pages."""
    parts: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if heading := _HEADING.fullmatch(line):
            parts.append((heading["title"], []))
        elif parts and (page := _PAGE.match(line)):
            parts[-1][1].append(f"{page['title']} <{page['path']}>")
    return "\n".join(
        "\n".join(["```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```", ""])
        for title, pages in parts
        if pages
    )


def _append(app: Sphinx, docname: str, source: list[str]) -> None:
    """Add the contents to the page that lists them, as Sphinx reads it."""
    if docname == INDEX:
        source[0] += "\n" + toctrees(source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("source-read", _append)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
