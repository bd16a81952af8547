"""How memory is had: the C library's thresholds and Pillow's blocks."""

import statistics

from scripts.benchmarks import cases, corpus, engine, report
from scripts.benchmarks.peers import engines

KEPT = str(64 * 1024 * 1024)

C_LIBRARY = {
    "MALLOC_TRIM_THRESHOLD_": KEPT,
    "MALLOC_MMAP_THRESHOLD_": KEPT,
    "MALLOC_TOP_PAD_": KEPT,
}
PILLOW = {"PILLOW_BLOCK_SIZE": "1m", "PILLOW_BLOCKS_MAX": "64"}

WAYS: dict[str, dict[str, str]] = {
    "as the system has it": {},
    "MALLOC_ARENA_MAX=2": {"MALLOC_ARENA_MAX": "2"},
    "the C library keeps 64 MiB": C_LIBRARY,
    "Pillow keeps 64 blocks of 1 MiB": PILLOW,
    "both": C_LIBRARY | PILLOW,
}
"""Environments of the process; all variables are read as it starts."""


def tables(rounds: int) -> list[str]:
    """What JPEG at 720 takes, by format of the source, and what the process weighs after it."""
    size = next(one for one in cases.SIZES if one.title == "fit 720")
    sources = [one for one in corpus.sources() if not one.title.startswith("0")]
    kinds = list(dict.fromkeys(source.format for source in sources))
    rows = []
    for name, environment in WAYS.items():
        spent: dict[str, list[float]] = {kind: [] for kind in kinds}
        child = engines.Child(engines.command(engines.OURS), engines.core(), environment)
        for source in sources:
            request = {
                **engine.request(cases.Case(source, size, "jpeg")),
                "settings": cases.EQUAL["jpeg"],
            }
            answers = [child.ask(request) for _ in range(rounds + 1)][1:]
            spent[source.format].append(
                float(statistics.median([answer["cpu_ms"] for answer in answers]))
            )
        weight = child.memory_kib() / 1024
        child.close()
        means = [f"{statistics.geometric_mean(spent[kind]):.1f}" for kind in kinds]
        rows.append([name, *means, f"{weight:.0f}"])
    head = ["memory", *(f"{kind}, ms" for kind in kinds), "MB after"]
    return ["### How memory is had (to JPEG, fit 720)", report.table(head, rows)]
