"""The results: told on the terminal, kept as JSON, and written to docs/benchmarks.md."""

import contextlib
import datetime
import json
import os
import platform
import re
import shutil
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import PIL
import tornado
from PIL import features

from scripts.benchmarks import process

PAGE = process.ROOT / "docs" / "benchmarks.md"
KEPT = process.ROOT / "scratch" / "results"

SECTIONS = {
    "hits": "Hits",
    "tls": "Hits and handshakes over TLS",
    "http2": "HTTP/2 beside HTTP/1.1",
    "cold": "Cold renders",
    "page": "A cold page of twelve images",
    "mixed": "Hits while the pool is saturated",
    "deaths": "Deaths of workers",
    "buckets": "Cold renders and a slow bucket",
    "lists": "Lists of a million originals",
    "lookups": "The index with five million links",
    "memory": "Memory of large pictures",
    "vip": "Hits on vip's addresses",
    "visual": "Quality visual against one quality for all",
    "engine": "The engine against sharp, pyvips and Pillow",
    "server": "The server against others",
    "knees": "Where the knees are",
}
"""In the order in which they stand on the page."""

Row = tuple[str, str]

_CHART = re.compile(r"!\[[^]]*\]\(charts/([\w-]+\.svg)\)\n*")


@dataclass(frozen=True)
class Place:
    """Where results go on the page: in place of the last ones, or under a machine's name."""

    machine: str = ""


IN_PLACE = Place()


def rows(name: str, found: Iterable[Row], *, place: Place | None) -> None:
    """Report a section that is one table of what was measured."""
    section(name, table(("what", "measured"), found), place=place)


def section(name: str, text: str, *, place: Place | None) -> None:
    """Print a section; with a place, put it on the page too, its charts only without a machine."""
    body = f"{stamp()}\n\n{text.strip()}\n"
    click.echo(f"\n## {SECTIONS[name]}\n\n{body}")
    if place is not None and place.machine:
        body = _CHART.sub("", body)
    if place is not None:
        shown = PAGE.parent / "charts"
        shown.mkdir(exist_ok=True)
        for chart in _CHART.findall(body):
            shutil.copyfile(KEPT / "charts" / chart, shown / chart)
        PAGE.write_text(placed(PAGE.read_text() if PAGE.exists() else "", name, body, place))


def placed(page: str, name: str, body: str, place: Place = IN_PLACE) -> str:
    """`page` with the section `name` replaced; whatever stands between sections stays."""
    begin, end = _markers(name, place.machine)
    if _markers(name)[0] not in page:
        page = _with_room(page or "# Benchmarks\n", name)
    if begin not in page:
        page = _with_room_beside(page, name, place.machine)
    head, _, rest = page.partition(begin)
    return f"{head}{begin}\n{body}{end}{rest.partition(end)[2]}"


def _with_room(page: str, name: str) -> str:
    """`page` with an empty section `name`, before the first of those that follow it."""
    room = "## {}\n\n{}\n{}\n".format(SECTIONS[name], *_markers(name))
    names = list(SECTIONS)
    for later in names[names.index(name) + 1 :]:
        title = f"## {SECTIONS[later]}\n"
        if title in page:
            head, _, tail = page.partition(title)
            return f"{head}{room}\n{title}{tail}"
    return f"{page.rstrip()}\n\n{room}"


def _with_room_beside(page: str, name: str, machine: str) -> str:
    """`page` with an empty section for `machine`, below what `name` found on the first one."""
    end = _markers(name)[1]
    head, _, tail = page.partition(end)
    room = "### {}: {}\n\n{}\n{}".format(SECTIONS[name], machine, *_markers(name, machine))
    return f"{head}{end}\n\n{room}{tail}"


def _markers(name: str, machine: str = "") -> tuple[str, str]:
    mark = f"scripts/bench {name}" + (f" on {machine}" if machine else "")
    return f"<!-- {mark} begins -->", f"<!-- {mark} ends -->"


def keep(name: str, found: Any) -> None:
    """Keep the numbers behind a section, to compare or draw again without measuring."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{name}.json").write_text(json.dumps({"stamp": stamp(), "found": found}, indent=1))


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; all columns but the first stand to the right, if more than two."""
    rule = ["---"] + (["---:"] * (len(head) - 1) if len(head) > 2 else ["---"])
    lines = [head, rule, *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def stamp() -> str:
    """Date, machine and versions, in one line."""
    model = processor(Path("/proc/cpuinfo").read_text())
    cores = len(os.sched_getaffinity(0))
    versions = {
        "Python": platform.python_version(),
        "Tornado": tornado.version,
        "Pillow": PIL.__version__,
        "libjpeg-turbo": features.version("libjpeg_turbo"),
        "libwebp": features.version("webp"),
        "libavif": features.version("avif"),
        # What it was built with may be another one.
        "zlib of Pillow": features.version("zlib"),
    }
    for name in ("isal", "zlib-ng"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    told = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    return (
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {cores} cores of {model}, "
        f"load {os.getloadavg()[0]:.1f} when written; {told}."
    )


def processor(cpuinfo: str) -> str:
    """The processor by name, and by the numbers that tell it where a host hides its name."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    fields = {key.strip(): value.strip() for key, _, value in lines}
    name = fields.get("model name", "unknown processor")
    if "cpu family" in fields and "model" in fields:
        return f"{name} (family {fields['cpu family']}, model {fields['model']})"
    return name


def latencies(found: list[float]) -> str:
    """Percentiles of sorted latencies in ms."""
    p50, p99 = statistics.median(found), found[int(len(found) * 0.99)]
    return f"{len(found)} requests, p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {found[-1]:.0f} ms"
