"""`scripts/bench engine`: one picture at a time on one core, against others."""

import statistics
import tempfile
from pathlib import Path
from typing import Any

import click

from scripts.benchmarks import cases, engine_tables, report
from scripts.benchmarks.peers import engines

ENGINES = (engines.OURS, engines.SHARP, engines.VIPS, engines.PILLOW)


def run(wanted: list[cases.Case], rounds: int, *, place: report.Place | None) -> None:
    """Measure with equal settings and, at 720, with each engine's own; report both."""
    equal, missing = measure(wanted, cases.EQUAL, rounds)
    report.keep("engine", [outcome.plain() for outcome in equal])
    at_720 = [case for case in wanted if case.size.title == "fit 720"] or wanted
    own, _ = measure(at_720, cases.OWN, rounds)
    report.keep("engine-defaults", [outcome.plain() for outcome in own])
    report.section("engine", engine_tables.text(equal, own, missing, rounds), place=place)


def measure(
    wanted: list[cases.Case], settings: dict[str, dict[str, Any]], rounds: int
) -> tuple[list[cases.Outcome], dict[str, str]]:
    """Outcomes case by case, and the engines that are not installed with the reasons.

    In every round each engine has its turn; the first round warms up and does not count.
    """
    with (
        engines.started(*ENGINES) as (children, missing),
        engines.scorer() as scorer,
        tempfile.TemporaryDirectory() as folder,
        click.progressbar(wanted, label="Cases") as shown,
    ):
        found = [
            _outcome(case, settings[case.output], children, scorer, rounds, Path(folder))
            for case in shown
        ]
    return found, missing


def _outcome(
    case: cases.Case,
    settings: dict[str, Any],
    children: dict[str, engines.Child],
    scorer: engines.Child,
    rounds: int,
    folder: Path,
) -> cases.Outcome:
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in children}
    failures: dict[str, str] = {}
    for turn in range(rounds + 1):
        for name, child in children.items():
            if name in failures:
                continue
            out = str(folder / name) if turn == 0 else None
            answer = child.ask({**request(case), "settings": settings, "out": out})
            if "error" in answer:
                failures[name] = answer["error"]
            elif turn:
                answers[name].append(answer)
    done = [name for name in children if name not in failures]
    scores = scorer.ask(
        {
            "source": str(case.source.path),
            "crop": case.size.crop,
            "results": {name: str(folder / name) for name in done},
        }
    )
    return cases.Outcome(
        case, {name: _measured(answers[name], scores[name]) for name in done}, failures
    )


def request(case: cases.Case) -> dict[str, Any]:
    """What an engine is asked, but for the settings and where the result goes."""
    return {
        "source": str(case.source.path),
        "width": case.size.width,
        "height": case.size.height,
        "crop": case.size.crop,
        "format": case.output,
    }


def _measured(answers: list[dict[str, Any]], score: list[float]) -> cases.Measured:
    def median(key: str) -> float:
        return float(statistics.median(answer[key] for answer in answers))

    return cases.Measured(
        ms=median("cpu_ms"),
        wall_ms=median("ms"),
        bytes=answers[0]["bytes"],
        ssim=score[0],
        psnr=score[1],
        size=(int(score[2]), int(score[3])),
        stages={key: median(key) for key in answers[0].keys() - {"ms", "cpu_ms", "bytes"}},
    )
