"""`scripts/bench server`: through HTTP on all cores, nothing cached, against others."""

import contextlib
import dataclasses
import statistics
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.benchmarks import corpus, process, report, server_tables, work, wrk
from scripts.benchmarks.peers import engines, install, servers

CONNECTIONS = 8
WARM_UP = 2

FLOOR_WIDTHS = 100
"""Widths of the floor in each round, the first of those that the servers are asked for."""


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


def run(shapes: list[work.Shape], seconds: int, rounds: int, *, place: report.Place | None) -> None:
    """Measure shapes on every server and report."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        with (
            started(pictures) as (running, missing),
            engines.started(engines.FLOOR) as (children, _),
            engines.scorer() as scorer,
        ):
            found = {}
            floors = [alone(children[engines.FLOOR])]
            for shape in shapes:
                found[shape.name] = measure(shape, running, scorer, pictures, seconds, rounds)
                if shape.side is None:
                    floors.append(alone(children[engines.FLOOR]))
    floor = statistics.median(floors)
    report.keep(
        "server",
        {
            "floor_ms": floor,
            **{name: [dataclasses.asdict(one) for one in each] for name, each in found.items()},
        },
    )
    report.section(
        "server", server_tables.text(shapes, found, missing, floor, seconds, rounds), place=place
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
    files = []
    for name, data in shape.copies(rounds):
        files.append(pictures / f"{name}.{servers.EXTENSIONS[shape.format]}")
        files[-1].write_bytes(data)
    able = {
        title: (pattern, one)
        for title, (server, one) in running.items()
        if (pattern := shape.pattern(server)) is not None
    }
    for title, (_, one) in able.items():
        one.peak_kib, one.watched = 0, False
        if title.startswith(engines.OURS):
            with ThreadPoolExecutor(CONNECTIONS) as clients:
                list(clients.map(lambda file, to=one: to.upload(file.stem, file), files))
            one.settle()
    loads: dict[str, list[wrk.Load]] = {title: [] for title in able}
    spent: dict[str, list[float]] = {title: [] for title in able}
    for turn in range(rounds + 1):
        for title, (pattern, one) in able.items():
            script = shape.script(pattern, turn)
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


def alone(child: engines.Child) -> float:
    """Mean ms of processor time that decoding, resizing and encoding alone take."""
    request = {"source": str(corpus.PHOTO), "settings": {"quality": 80}}
    answers = [child.ask({**request, "width": width}) for width in wrk.widths(FLOOR_WIDTHS)]
    return float(statistics.mean(one["cpu_ms"] for one in answers))
