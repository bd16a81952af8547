"""Links to folders, as a Sphinx extension: a code host shows what is in one, so do we.

One with a README leads to that page; any other to a page that lists its files.
"""

import shutil
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx


class Folders:
    """The folders that pages link to; every page has to be read for them to be known."""

    def __init__(self) -> None:
        self._listed: set[str] = set()

    def find(self, app: Sphinx, page: nodes.document) -> None:
        """Let the links of a page to folders lead to where those are shown."""
        root, name = Path(app.srcdir), app.env.docname
        for node in list(page.findall(pending_xref)):
            folder = (root / name).parent.joinpath(node["reftarget"]).resolve()
            if node.get("reftype") != "myst" or not folder.is_dir():
                continue
            target = folder.relative_to(root).as_posix()
            if f"{target}/README" in app.env.found_docs:
                node["refdomain"], node["reftarget"] = "doc", f"{target}/README"
                node["reftargetid"] = None
                continue
            self._listed.add(target)
            address = app.builder.get_relative_uri(name, f"{target}/index")
            reference = nodes.reference("", "", *node.children, internal=True, refuri=address)
            node.replace_self(reference)

    def pages(self, app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
        """A page for each folder without a README, its files beside it."""
        for name in sorted(self._listed):
            files = sorted(each for each in (Path(app.srcdir) / name).iterdir() if each.is_file())
            target = Path(app.outdir) / name
            target.mkdir(parents=True, exist_ok=True)
            for each in files:
                shutil.copyfile(each, target / each.name)
            items = "".join(
                f'<li><a href="{escape(each.name)}"><code>{escape(each.name)}</code></a></li>'
                for each in files
            )
            body = f"<h1><code>{escape(name)}</code></h1><ul>{items}</ul>"
            yield f"{name}/index", {"title": name, "body": body}, "page.html"


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    folders = Folders()
    app.connect("doctree-read", folders.find)
    app.connect("html-collect-pages", folders.pages)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
