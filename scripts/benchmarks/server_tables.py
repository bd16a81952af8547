"""What `scripts/bench server` says of its findings: tables and a chart."""

import statistics

from scripts.benchmarks import charts, report, work
from scripts.benchmarks.peers import engines, servers

METHOD = f"""
The 6 MP photo (PNG, WebP and AVIF: re-encoded from it), cold, concurrency 8, wrk on the same
cores. There are two shapes of cold renders, of the same widths:

- *{work.ONE}*: each request asks the same picture for another width. A server that keeps
  decoded pixels decodes it once.
- *{work.MANY}*: each request asks another one of {work.PICTURES:,} copies of the photo, which
  differ in name and in their last bytes. Pixels that are kept help nobody.

All servers stay up, and take turns, each when the others rest: a warm-up of 2 s, then
{{rounds}} rounds of {{seconds}} s; the rate is the median round's. Widths come in an order that is
the same for all. CPU is processor time of the process tree for each answer, which other loads on
the machine hardly move; they do move rates, ours first, since our workers are nice. Memory is the
peak of the proportional set size of the whole process tree during that work. Bytes and SSIM are
means over ten widths from 250 to 1150 (the published shape: of its one picture). "liveresize ÷"
and "÷ liveresize" compare progressive JPEG with progressive JPEG, and baseline with baseline.

The floor is processor time too: decoding, resizing and encoding as our engine does them, with
Pillow in one process without a server, for a hundred of the same widths, between the loads of the
same run. Its renders/s are what that allows on all cores.
"""


def text(
    shapes: list[work.Shape],
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
    widths = {shape.title: found[shape.name] for shape in shapes if shape.side is None}
    if widths:
        parts += ["### Both shapes side by side", side_by_side(widths, floor), _chart(widths)]
    for shape in shapes:
        parts += [f"### {shape.title[0].upper()}{shape.title[1:]}", _table(found[shape.name])]
    return "\n\n".join(parts)


def side_by_side(shapes: dict[str, list[work.Finding]], floor: float) -> str:
    """A row for each server and one for the floor, in ms; some columns for each shape."""
    cores = engines.cores()
    head = ["server"]
    body = [[one.server] for one in next(iter(shapes.values()))]
    last = ["decode, resize, encode alone"]
    for title, findings in shapes.items():
        head += [f"{title.partition(':')[0]}: renders/s", "liveresize ÷", "CPU ms", "÷ floor"]
        for row, one in zip(body, findings, strict=True):
            ours, cpu_ms = _ours(findings, one), statistics.median(one.cpu_ms)
            row += [
                f"{one.load.rate:.1f}",
                f"{ours.load.rate / one.load.rate:.2f}" if one.load.rate else "–",
                f"{cpu_ms:.1f}",
                f"{cpu_ms / floor:.2f}",
            ]
        last += [f"{cores * 1000 / floor:.1f}", "–", f"{floor:.1f}", "1.00"]
    return report.table(head, [*body, last])


def _ours(findings: list[work.Finding], other: work.Finding) -> work.Finding:
    """What `other` is held against: ours with the same kind of JPEG, where there is one."""
    baseline = {one.title for one in servers.all_servers() if one.baseline}
    ours = [one for one in findings if one.server.startswith(engines.OURS)]
    alike = [one for one in ours if (one.server in baseline) == (other.server in baseline)]
    return (alike or ours)[0]


def _table(findings: list[work.Finding]) -> str:
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
        for ours in [_ours(findings, one)]
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


def _chart(shapes: dict[str, list[work.Finding]]) -> str:
    names = [one.server for one in next(iter(shapes.values()))]
    labels = [name.replace(", ", "\n").replace(" image", "\nimage") for name in names]
    rates = {
        title.partition(":")[0]: [one.load.rate for one in findings]
        for title, findings in shapes.items()
    }
    title = "Cold renders through HTTP, 6 MP JPEG, widths 200–1200, concurrency 8"
    return charts.bars("server-cold", title, "renders/s", labels, rates)
