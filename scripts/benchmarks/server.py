"""`scripts/bench server`: through HTTP on all cores, nothing cached, against others."""

import contextlib
import dataclasses
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.benchmarks import cases, corpus, engine, process, report, server_tables, work, wrk
from scripts.benchmarks.peers import engines, install, servers

CONNECTIONS = 8
WARM_UP = 2


@contextlib.contextmanager
def started(
    folder: Path,
) -> Iterator[tuple[dict[str, tuple[servers.Server, process.Running]], dict[str, str]]]:
    """All servers that can be had, idle, and why the others cannot."""
    running: dict[str, tuple[servers.Server, process.Running]] = {}
    missing: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        for server in servers.all_servers():
            try:
                started_one = stack.enter_context(server.start(folder))
            except install.Missing as reason:
                missing[server.title] = str(reason)
            else:
                running[server.title] = (server, started_one)
        yield running, missing


def run(seconds: int, rounds: int, *, write: bool) -> None:
    """Measure every shape on every server and report."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        with started(pictures) as (running, missing), engines.scorer() as scorer:
            found = {
                shape.name: measure(shape, running, scorer, pictures, seconds, rounds)
                for shape in work.shapes()
            }
    floor = alone()
    report.keep(
        "server",
        {
            "floor_ms": floor,
            **{name: [dataclasses.asdict(one) for one in each] for name, each in found.items()},
        },
    )
    report.section(
        "server", server_tables.text(found, missing, floor, seconds, rounds), write=write
    )


def measure(
    shape: work.Shape,
    running: dict[str, tuple[servers.Server, process.Running]],
    scorer: engines.Child,
    pictures: Path,
    seconds: int,
    rounds: int,
) -> list[work.Finding]:
    """The findings of one shape; in every round each server has its turn."""
    names = [f"{shape.name}{turn}" for turn in range(rounds + 1)]
    for name in names:
        shutil.copyfile(shape.source, pictures / f"{name}.{servers.EXTENSIONS[shape.format]}")
    able = {
        title: (pattern, one)
        for title, (server, one) in running.items()
        if (pattern := shape.pattern(server)) is not None
    }
    for title, (_, one) in able.items():
        one.peak_kib, one.watched = 0, False
        if title.startswith(engines.OURS):
            for name in names:
                one.upload(name, shape.source)
    loads: dict[str, list[wrk.Load]] = {title: [] for title in able}
    spent: dict[str, list[float]] = {title: [] for title in able}
    for turn, name in enumerate(names):
        for title, (pattern, one) in able.items():
            script = wrk.distinct(pattern.replace("{name}", name), shape.quality, shape.side)
            length = seconds if turn else WARM_UP
            one.watched, before = True, one.cpu_ms()
            load = wrk.run(one.url, connections=CONNECTIONS, seconds=length, script=script)
            one.watched, cpu_ms = False, one.cpu_ms() - before
            one.settle()
            if turn:
                loads[title].append(load)
                spent[title].append(cpu_ms / max(1, load.requests))
    return [
        work.Finding(
            title, loads[title], spent[title], one.peak_kib, *_sampled(shape, pattern, one, scorer)
        )
        for title, (pattern, one) in able.items()
    ]


def _sampled(
    shape: work.Shape, pattern: str, one: process.Running, scorer: engines.Child
) -> tuple[float, float]:
    """Mean bytes and SSIM of the sample; 0 where the server failed."""
    with tempfile.TemporaryDirectory() as folder:
        results = {}
        for turn, path in enumerate(shape.paths(pattern, f"{shape.name}0")):
            results[str(turn)] = str(Path(folder) / str(turn))
            try:
                Path(results[str(turn)]).write_bytes(one.fetch(path))
            except OSError:
                return 0.0, 0.0
        scores = scorer.ask({"source": str(shape.source), "results": results})
        sizes = [Path(path).stat().st_size for path in results.values()]
    return statistics.mean(sizes), statistics.mean(score[0] for score in scores.values())


def alone() -> float:
    """Mean ms that our decoder and encoder alone take for the widths of the sample."""
    source = corpus.Source("6 MP", "jpeg", corpus.PHOTO)
    with engines.started(engines.OURS) as (children, _):
        spent = []
        for width in work.SAMPLE:
            case = cases.Case(source, cases.Size(f"{width}", width, 0), "jpeg")
            request: dict[str, Any] = {**engine.request(case), "settings": cases.OWN["jpeg"]}
            request["out"] = None
            answers = [children[engines.OURS].ask(request) for _ in range(6)]
            spent.append(min(one["decode"] + one["encode"] for one in answers))
    return float(statistics.mean(spent))
