"""Whether the links of the built site hold: pages, anchors, pictures and other files."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from scripts.site import crawl

AT_ONCE = 8
"""External addresses that are asked at the same time."""

PATIENCE = 20.0
"""Seconds for one of them."""

AGENT = "liveresize-docs (checks its links)"

EXAMPLES = ("localhost", "127.0.0.1")
"""Hosts of addresses that are examples, as are all that end in `example.com`."""


@dataclass(slots=True)
class Report:
    """What was found. `external` counts how often each address outside is linked to."""

    pages: int = 0
    links: int = 0
    anchors: int = 0
    files: int = 0
    external: Counter[str] = field(default_factory=Counter)
    loaded: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def lines(self) -> list[tuple[str, int]]:
        """Each count with what it counts."""
        return [
            ("pages", self.pages),
            ("links within the site", self.links),
            ("of them to an anchor", self.anchors),
            ("of them to files that are no pages", self.files),
            ("links outside", self.external.total()),
            ("addresses outside", len(self.external)),
            ("loaded from outside", len(self.loaded)),
            ("broken", len(self.broken)),
        ]


def check(site: Path) -> Report:
    """Look at every link of the site; addresses outside are only counted."""
    found = {page.path: page for page in crawl.pages(site)}
    report = Report(pages=sum(path.suffix == ".html" for path in found))
    for page in found.values():
        for reference in page.references:
            _look(reference, site, found, report)
    return report


def _look(
    reference: crawl.Reference, site: Path, found: dict[Path, crawl.Page], report: Report
) -> None:
    parts = urlsplit(reference.address)
    if parts.scheme == "data":
        return
    if parts.scheme or parts.netloc:
        report.external[reference.address] += 1
        if reference.loaded:
            report.loaded.append(_told(reference, site))
        return
    report.links += 1
    target = _target(reference.page, unquote(parts.path), site)
    if target is None or not target.is_file():
        report.broken.append(_told(reference, site))
        return
    report.files += target.suffix not in (".html", ".css")
    if parts.fragment and target in found:
        report.anchors += 1
        if unquote(parts.fragment) not in found[target].ids:
            report.broken.append(_told(reference, site))


def _target(page: Path, path: str, site: Path) -> Path | None:
    """The file that `path` leads to from `page`; None where that is out of the site."""
    if not path:
        return page
    start = site if path.startswith("/") else page.parent
    target = (start / path.lstrip("/")).resolve()
    if path.endswith("/"):
        target /= "index.html"
    return target if target.is_relative_to(site.resolve()) else None


def _told(reference: crawl.Reference, site: Path) -> str:
    return f"{reference.page.relative_to(site)}: {reference.address}"


def is_example(address: str) -> bool:
    """Whether an address stands for one of the reader's own."""
    host = urlsplit(address).hostname or ""
    return host in EXAMPLES or host == "example.com" or host.endswith((".example.com", ".internal"))


async def ask(addresses: list[str]) -> list[str]:
    """Ask for addresses outside; returns those that do not answer, each with the reason."""
    gate = asyncio.Semaphore(AT_ONCE)
    wanted = [each for each in addresses if each.startswith("http") and not is_example(each)]
    agent = {"User-Agent": AGENT}
    async with httpx.AsyncClient(timeout=PATIENCE, follow_redirects=True, headers=agent) as client:

        async def one(address: str) -> str | None:
            async with gate:
                try:
                    async with client.stream("GET", address) as answer:
                        status = answer.status_code
                except httpx.HTTPError as error:
                    return f"{address}: {type(error).__name__}"
            return None if status < 400 else f"{address}: {status}"

        answers = await asyncio.gather(*map(one, wanted))
    return [answer for answer in answers if answer is not None]
