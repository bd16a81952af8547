"""What the pages of a built site refer to: every address of every element that has one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

LOADED = {("link", "href"), ("object", "data"), ("video", "poster")}
"""What a browser fetches without being asked, beside all that is called `src` or `srcset`."""

NOT_LOADED = {"canonical", "next", "prev", "search", "index", "genindex", "author", "copyright"}
"""Values of `rel` of a `link` that only point somewhere."""

_CSS = re.compile(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""")


@dataclass(frozen=True, slots=True)
class Reference:
    """An address as it stands in a page; `loaded` tells that a browser fetches it by itself."""

    page: Path
    address: str
    loaded: bool = False


@dataclass(slots=True)
class Page:
    """One page: what it refers to, and the ids that a fragment may name."""

    path: Path
    references: list[Reference] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self._page = page
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._style = tag == "style"
        self._page.ids.update(given[name] for name in ("id", "name") if name in given)
        idle = bool(NOT_LOADED & set(given.get("rel", "").split()))
        for name in ("href", "src", "data", "poster", "action"):
            if given.get(name):
                loaded = name == "src" or ((tag, name) in LOADED and not idle)
                self._add(given[name], loaded=loaded)
        for candidate in given.get("srcset", "").split(", "):
            if candidate.strip():
                self._add(candidate.split()[0], loaded=True)
        for address in in_css(given.get("style", "")):
            self._add(address, loaded=True)

    def handle_data(self, data: str) -> None:
        if self._style:
            for address in in_css(data):
                self._add(address, loaded=True)

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def _add(self, address: str, *, loaded: bool) -> None:
        self._page.references.append(Reference(self._page.path, address.strip(), loaded))


def in_css(text: str) -> list[str]:
    """The addresses that a style sheet loads, but for those that are data themselves."""
    found = [first or second for first, second in _CSS.findall(text)]
    return [address.strip() for address in found if not address.startswith(("data:", "#"))]


def pages(site: Path) -> Iterator[Page]:
    """Every page of the site, and every style sheet as one that has no ids."""
    for path in sorted(site.rglob("*.html")):
        page = Page(path)
        reader = _Reader(page)
        reader.feed(path.read_text())
        reader.close()
        yield page
    for path in sorted(site.rglob("*.css")):
        yield Page(path, [Reference(path, each, True) for each in in_css(path.read_text())])
