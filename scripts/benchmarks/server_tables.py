"""What `scripts/bench server` says of its findings: tables and a chart."""

import statistics

from scripts.benchmarks import charts, report, work
from scripts.benchmarks.peers import engines, servers

METHOD = """
The 6 MP photo (PNG, WebP and AVIF: re-encoded from it), cold, concurrency 8, wrk on the same
cores. All servers stay up, and take turns, each when the others rest: a warm-up of 2 s, then
{rounds} rounds of {seconds} s; the rate is the median round's. Widths come in an order that is
the same for all. CPU is processor time of the process tree for each answer, which other loads on
the machine hardly move; they do move rates, ours first, since our workers are nice. Memory is the
peak of the proportional set size of the whole process tree during that work. Bytes and SSIM are
means over ten widths from 250 to 1150 (the published shape: of its one picture).
"""


def text(
    found: dict[str, list[work.Finding]],
    missing: dict[str, str],
    floor: float,
    seconds: int,
    rounds: int,
) -> str:
    """The whole section."""
    parts = [METHOD.format(seconds=seconds, rounds=rounds).strip()]
    parts += [f"**{name} is missing: {reason}.**" for name, reason in missing.items()]
    remarks = [f"- {one.title}: {one.remark}." for one in servers.all_servers()]
    parts.append("\n".join(remarks))
    for shape in work.shapes():
        parts += [f"### {shape.title[0].upper()}{shape.title[1:]}", _table(found[shape.name])]
        if shape.side is None:
            parts += [_floor(found[shape.name], floor), _chart(found[shape.name])]
    return "\n\n".join(parts)


def _table(findings: list[work.Finding]) -> str:
    ours = next(one for one in findings if one.server == engines.OURS)
    body = [
        [
            one.server,
            f"{one.load.rate:.1f}",
            f"{ours.load.rate / one.load.rate:.2f}" if one.load.rate else "–",
            f"{statistics.median(one.cpu_ms):.1f}",
            f"{statistics.median(one.cpu_ms) / statistics.median(ours.cpu_ms):.2f}",
            f"{one.load.p50:.0f}",
            f"{one.load.p99:.0f}",
            str(sum(load.failed for load in one.loads)),
            f"{one.peak_kib / 1024:.0f}",
            f"{one.bytes:,.0f}" if one.bytes else "failed",
            f"{one.ssim:.4f}" if one.bytes else "failed",
        ]
        for one in findings
    ]
    head = (
        *(
            "server",
            "renders/s",
            "liveresize ÷",
            "CPU ms",
            "÷ liveresize",
            "p50, ms",
            "p99, ms",
            "failed",
        ),
        *("memory, MB", "bytes", "SSIM"),
    )
    return report.table(head, body)


def _floor(findings: list[work.Finding], floor: float) -> str:
    ours = next(one for one in findings if one.server == engines.OURS)
    cores = engines.cores()
    best = cores * 1000 / floor
    spent = statistics.median(ours.cpu_ms)
    return (
        f"Decoding and encoding alone take {floor:.1f} ms a picture in one process, which is "
        f"{best:.1f}/s on {cores} cores: the whole request takes {best / ours.load.rate:.2f} times "
        f"that by the clock, and {spent / floor:.2f} times in processor time (goal: 1.25)."
    )


def _chart(findings: list[work.Finding]) -> str:
    labels = [one.server.replace(", ", "\n").replace(" image", "\nimage") for one in findings]
    rates = {"renders/s": [one.load.rate for one in findings]}
    title = "Cold renders through HTTP, 6 MP JPEG, widths 200–1200, concurrency 8"
    return charts.bars("server-cold", title, "renders/s", labels, rates)
