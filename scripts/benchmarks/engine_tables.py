"""What `scripts/bench engine` says of its outcomes: tables and charts."""

import statistics
from collections.abc import Iterable, Sequence

from scripts.benchmarks import cases, charts, report
from scripts.benchmarks.peers import engines, install

PEERS = (engines.SHARP, engines.VIPS, engines.PILLOW)

GOAL_JPEG = 1.4
GOAL = 1.0
"""How many times as fast as sharp: from JPEG to JPEG, and from anything to anything else."""

WORST = 25

Outcomes = Sequence[cases.Outcome]

METHOD = f"""
One process an engine, all on the same core, one picture at a time, engines taking turns; the
median of {{rounds}} rounds after one to warm up. Times are processor time of the whole process,
which on a core of its own is what the clock shows, and which other loads hardly move (the ratio by
the clock stands beside it); the stages are by the clock. A path goes in, bytes come out. sharp
{install.SHARP} (`concurrency(1)`, no cache, `autoOrient().resize()`), pyvips {install.PYVIPS} on
libvips {install.LIBVIPS} (`thumbnail`, `VIPS_CONCURRENCY=1`), Pillow as most people use it (decode
all, `exif_transpose`, Lanczos, no colour management). liveresize, sharp and pyvips turn profiles
into sRGB. Pictures are never enlarged. *Equal settings*: JPEG q80, 4:2:0, baseline with optimised
Huffman tables; PNG level 6, adaptive filters (Pillow with the system's zlib, the others with
zlib-ng); WebP q80, method 4; AVIF q65, 4:2:0, aom speed 8 (effort 1 of sharp), one thread. The
24 MP JPEG is the 18 MP one scaled up; the 6 MP PNG, WebP and AVIF are the 6 MP JPEG re-encoded;
the others are the corpus's own.

SSIM (of luma) and PSNR (of RGB) are held against the whole picture decoded, turned to sRGB and
resized in one step by Pillow's Lanczos. That reference decodes with the libraries of Pillow, as
liveresize does; a peer that widens chroma otherwise loses some dB by that alone.
"""


def text(equal: Outcomes, own: Outcomes, missing: dict[str, str], rounds: int) -> str:
    """The whole section."""
    parts = [METHOD.format(rounds=rounds).strip()]
    parts += [f"**{name} is missing: {reason}.**" for name, reason in missing.items()]
    parts += [*_charts(equal), "### Equal settings, geometric means", groups(equal)]
    parts += ["### Each at its defaults, fit 720, geometric means", groups(own)]
    parts += ["### Where sharp is faster", slower(equal)]
    parts += [f"<details><summary>All cases at equal settings</summary>\n\n{details(equal)}"]
    parts += ["</details>"]
    parts += [f"<details><summary>All cases at defaults</summary>\n\n{details(own)}", "</details>"]
    return "\n\n".join(parts)


def pairs(outcomes: Outcomes) -> dict[str, list[cases.Outcome]]:
    """The outcomes by source and output format, those from JPEG to JPEG without `crop` first.

    The goal for JPEG is about fitting; its small crops stand apart.
    """
    found: dict[str, list[cases.Outcome]] = {}
    for outcome in outcomes:
        pair = outcome.case.pair
        if pair == "jpeg → jpeg":
            pair += ", crop" if outcome.case.size.crop else ", fit"
        found.setdefault(pair, []).append(outcome)
    return found


def mean(found: Iterable[float | None]) -> float | None:
    """The geometric mean of what is there."""
    there = [each for each in found if each is not None]
    return statistics.geometric_mean(there) if there else None


def groups(outcomes: Outcomes) -> str:
    """One row a pair of formats: our speed against each peer's, bytes and SSIM against sharp's."""
    body = []
    for pair, found in pairs(outcomes).items():
        speeds = [mean(outcome.speed(peer) for outcome in found) for peer in PEERS]
        wall = mean(outcome.wall_speed(engines.SHARP) for outcome in found)
        goal = GOAL_JPEG if pair == "jpeg → jpeg, fit" else GOAL
        met = "" if speeds[0] is None else ("yes" if speeds[0] >= goal else "**no**")
        body.append(
            [
                pair,
                str(len(found)),
                *(_times(speed) for speed in speeds),
                _times(wall),
                f"{goal:.1f}",
                met,
                *_against_sharp(found),
            ]
        )
    heads = [f"× {peer}" for peer in PEERS]
    return report.table(
        (
            *("from → to", "cases", *heads, "× sharp, wall", "goal", "met"),
            *("bytes ÷ sharp", "SSIM", "SSIM sharp", "PSNR", "PSNR sharp"),
        ),
        body,
    )


def _against_sharp(found: Outcomes) -> list[str]:
    """Bytes as a ratio; mean SSIM and PSNR, ours and sharp's."""
    both = [(one.results.get(engines.OURS), one.results.get(engines.SHARP)) for one in found]
    there = [(ours, theirs) for ours, theirs in both if ours and theirs]
    if not there:
        return ["–"] * 5
    ratio = mean(ours.bytes / theirs.bytes for ours, theirs in there)
    return [
        _times(ratio),
        f"{statistics.mean(ours.ssim for ours, _ in there):.4f}",
        f"{statistics.mean(theirs.ssim for _, theirs in there):.4f}",
        f"{statistics.mean(ours.psnr for ours, _ in there):.1f}",
        f"{statistics.mean(theirs.psnr for _, theirs in there):.1f}",
    ]


def slower(outcomes: Outcomes) -> str:
    """The cases in which sharp is ahead, worst first, with our own stages."""
    found = [(speed, one) for one in outcomes if (speed := one.speed(engines.SHARP)) is not None]
    behind = sorted((each for each in found if each[0] < 1), key=lambda each: each[0])
    if not behind:
        return "In no case."
    body = [
        [_named(one), _times(speed), *_stages(one), f"{one.results[engines.SHARP].ms:.1f}"]
        for speed, one in behind[:WORST]
    ]
    head = ("case", "× sharp", "ours, ms", "decode", "resize", "encode", "sharp, ms")
    told = f"In {len(behind)} of {len(found)} cases; the worst {len(body)}:"
    return f"{told}\n\n{report.table(head, body)}"


def details(outcomes: Outcomes) -> str:
    """One row a case."""
    body = []
    for one in outcomes:
        rivals = [one.results.get(peer) for peer in PEERS]
        ours, sharp = one.results.get(engines.OURS), one.results.get(engines.SHARP)
        speed = one.speed(engines.SHARP)
        body.append(
            [
                _named(one),
                *_stages(one),
                *(f"{each.ms:.1f}" if each else "failed" for each in rivals),
                _times(speed),
                *(f"{each.bytes:,}" if each else "–" for each in (ours, sharp)),
                *(f"{each.ssim:.4f}" if each else "–" for each in (ours, sharp)),
                *(f"{each.psnr:.1f}" if each else "–" for each in (ours, sharp)),
            ]
        )
    head = (
        *("case", "ours, ms", "decode", "resize", "encode", *PEERS, "× sharp"),
        *("bytes", "sharp", "SSIM", "sharp", "PSNR", "sharp"),
    )
    return report.table(head, body)


def _named(one: cases.Outcome) -> str:
    case = one.case
    return f"{case.source.title} {case.source.format}, {case.size.title}, {case.output}"


def _stages(one: cases.Outcome) -> list[str]:
    """Our ms in all and by stage."""
    ours = one.results.get(engines.OURS)
    if ours is None:
        return ["failed", "", "", ""]
    return [f"{ours.ms:.1f}"] + [
        f"{ours.stages[stage]:.1f}" for stage in ("decode", "resize", "encode")
    ]


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}"


def _charts(outcomes: Outcomes) -> list[str]:
    """Speed by pair of formats, and JPEG to JPEG in ms."""
    drawn = []
    speeds = {
        pair: speed
        for pair, found in pairs(outcomes).items()
        if (speed := mean(outcome.speed(engines.SHARP) for outcome in found)) is not None
    }
    if speeds:
        labels = [pair.replace(" → ", "\n→ ").replace(", ", "\n") for pair in speeds]
        title = "Speed against sharp at equal settings, one core (above 1 is faster)"
        series = {"liveresize": list(speeds.values())}
        drawn.append(charts.bars("engine-speed", title, "× sharp", labels, series, goal=1.0))
    shown = [
        one
        for one in outcomes
        if one.case.pair == "jpeg → jpeg" and one.case.size.title == "fit 720" and not one.failures
    ]
    if shown:
        series = {
            name: [one.results[name].ms for one in shown if name in one.results]
            for name in (engines.OURS, *PEERS)
            if all(name in one.results for one in shown)
        }
        labels = [one.case.source.title for one in shown]
        title = "JPEG to JPEG, fit 720, q80, one core, ms"
        drawn.append(charts.bars("engine-jpeg", title, "ms", labels, series))
    return drawn
