"""`scripts/scaling`: the figures and charts of docs/scaling.md."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from scripts.simulation import chart, day, traffic
from scripts.simulation.instance import Answer, Caches
from scripts.simulation.ring import Ring

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "scaling.md"

SAMPLE = 400
SMALL = traffic.Traffic(pictures=10**6, rate=1_000, uploads=1_000, sample=SAMPLE)
LOST, BACK, ADDED = 20 * 3600, 21 * 3600, 22 * 3600
INTERVAL = 1800.0


@click.group()
def main() -> None:
    """Simulate several instances behind nginx, or hold the simulator against real ones."""


@main.command("day")
@click.option("--write", is_flag=True, help="Put the figures and charts into docs/.")
def simulate(write: bool) -> None:
    """A day of 1,000,000 pictures and 1,000 requests a second; takes a minute or two."""
    parts = []
    for name, text, svg in (*_days(), _ring(), _links()):
        click.echo(text)
        parts.append(f"![{text.partition(chr(10))[0]}](charts/scaling-{name}.svg)\n\n{text}")
        if write:
            (DOCS / "charts" / f"scaling-{name}.svg").write_text(svg)
    if write:
        PAGE.write_text(_placed(PAGE.read_text(), "\n\n".join(parts)))


def _placed(page: str, body: str) -> str:
    begin, end = "<!-- scripts/scaling day begins -->", "<!-- scripts/scaling day ends -->"
    head, _, rest = page.partition(begin)
    return f"{head}{begin}\n{body}\n{end}{rest.partition(end)[2]}"


def _days() -> Iterator[tuple[str, str, str]]:
    """A day in which one of three instances is lost for an hour, and a fourth is added later."""
    three, four = day.servers(3), day.servers(4)
    changes = [
        day.Change(0, three),
        day.Change(LOST, three, frozenset(three[:1])),
        day.Change(BACK, three),
        day.Change(ADDED, four),
    ]
    curves = {}
    rows = []
    for title, bucket in (("with a bucket", True), ("each its own disk", False)):
        caches = Caches(bucket=bucket).sampled(SAMPLE)
        tallies = day.run(day.Day(caches, changes), SMALL, interval=INTERVAL)
        if not bucket:  # renditions on disks: the first hours fill them
            curves["renders/s, each its own disk"] = _hours(tallies, _renders)
            curves["lookups/s ÷ 10"] = [(x, y / 10) for x, y in _hours(tallies, _lookups)]
            tallies = tallies[24:]
        else:
            curves["requests/s ÷ 10"] = [(x, y / 10) for x, y in _hours(tallies, _requests)]
            curves["renders/s, with a bucket"] = _hours(tallies, _renders)
        rows.append((title, tallies))
    lines = [
        "Three instances; one is lost from 20:00 to 21:00, a fourth is added at 22:00",
        "",
        "| | 12:00–20:00 | 20:00–21:00, one lost | 21:00–22:00, back, empty | 22:00–24:00, four |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for title, tallies in rows:
        late = tallies[-24:]
        spans = [late[:16], late[16:18], late[18:20], late[20:]]
        for what, count in (("lookups/s", _lookups), ("renders/s", _renders)):
            cells = [f"{sum(map(count, span)) / len(span):,.1f}" for span in spans]
            lines.append(f"| {what}, {title} | {' | '.join(cells)} |")
        cells = [f"{day.together(span).share(Answer.LINK):.3f}" for span in spans]
        lines.append(f"| answered by links in memory, {title} | {' | '.join(cells)} |")
    ticks = [(float(hour), f"{hour}:00") for hour in range(0, 25, 4)]
    title = "A day of 1,000,000 pictures, 1,000 requests a second"
    yield (
        "day",
        "\n".join(lines),
        chart.curves(title, ("time of day", "a second"), curves, ticks=ticks, dots=False),
    )


def _hours(tallies: Sequence[day.Tally], count: object) -> list[tuple[float, float]]:
    return [
        ((number + 0.5) * INTERVAL / 3600, count(tally))  # type: ignore[operator]
        for number, tally in enumerate(tallies)
    ]


def _requests(tally: day.Tally) -> float:
    return tally.requests * SAMPLE / INTERVAL


def _lookups(tally: day.Tally) -> float:
    return tally.asked["lookups"] * SAMPLE / INTERVAL


def _renders(tally: day.Tally) -> float:
    return tally.answers[Answer.MISS] * SAMPLE / INTERVAL


def _ring() -> tuple[str, str, str]:
    """What moves when one of n is lost, and how even the shares are."""
    names = [f"picture-{number}" for number in range(20_000)]
    lines = [
        "The ring: pictures that move when one of n instances is lost",
        "",
        "| instances | move, mean | move, most | largest share ÷ mean |",
        "| ---: | ---: | ---: | ---: |",
    ]
    curves: dict[str, list[tuple[float, float]]] = {"largest share ÷ mean": [], "1 ÷ n": []}
    for count in (2, 3, 5, 10, 20, 50, 100):
        servers = day.servers(count)
        ring = Ring(servers)
        shares = dict.fromkeys(servers, 0)
        for name in names:
            shares[ring.home(name)] += 1
        most = max(shares.values()) / len(names)
        lines.append(f"| {count} | {1 / count:.3f} | {most:.3f} | {most * count:.2f} |")
        curves["largest share ÷ mean"].append((count, most * count))
        curves["1 ÷ n"].append((count, 1 / count))
    title = "What the ring of nginx gives each of n instances (20,000 names)"
    return "ring", "\n".join(lines), chart.curves(title, ("instances", ""), curves, log_x=True)


def _links() -> tuple[str, str, str]:
    """Answers from memory, by how much of it there is: links, or bytes with `proxy`."""
    lines = [
        "Three instances in their second hour: what memory answers, and what is asked elsewhere",
        "",
        "| links, or MiB | by links | lookups/request | `proxy`: by bytes | store reads/request |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    curves: dict[str, list[tuple[float, float]]] = {"links": [], "bytes (proxy)": []}
    part = replace(SMALL, uploads=0)
    for links, room in ((12_500, 64), (50_000, 256), (200_000, 1024), (800_000, 4096)):
        changes = [day.Change(0, day.servers(3))]
        caches = Caches(links=links, memory_bytes=room << 20)
        by_link = day.run(day.Day(caches.sampled(SAMPLE), changes), part, 7200, 3600)[1]
        proxy = replace(caches.sampled(SAMPLE), redirect=False)
        by_bytes = day.run(day.Day(proxy, changes), part, 7200, 3600)[1]
        answered = by_link.share(Answer.LINK), by_bytes.share(Answer.MEMORY)
        lines.append(
            f"| {links:,}, {room} | {answered[0]:.3f} | {by_link.each('lookups'):.3f} "
            f"| {answered[1]:.3f} | {by_bytes.each('reads'):.3f} |"
        )
        curves["links"].append((room, answered[0]))
        curves["bytes (proxy)"].append((room, answered[1]))
    title = "Share of answers from memory"
    axes = ("MiB of cache.memory_bytes; cache.links is 195 times as many", "share")
    return "memory", "\n".join(lines), chart.curves(title, axes, curves, log_x=True)


@main.command("estimate")
def estimated() -> None:
    """Lookups of the database at sizes that are too large to simulate, beside one that is not."""
    from scripts.simulation.estimate import estimate

    steps = ((10**6, 1_000, 3), (10**8, 50_000, 150), (10**10, 1_000_000, 3_400))
    for pictures, rate, instances in steps:
        for link_ttl in (60, 3600):
            found = estimate(pictures, rate, instances, link_ttl=link_ttl)
            click.echo(
                f"| {pictures:,} | {rate:,} | {instances:,} | {link_ttl} s | {found.by_link:.2f} "
                f"| {found.by_original:.2f} | {found.lookups:,.0f} |"
            )


@main.command("replay")
def replayed() -> None:
    """The same requests to 1 and 3 real instances and to the simulator; takes four minutes."""
    from scripts.simulation import replay

    runs = [
        replay.compare(count, redirect=redirect) for count in (1, 3) for redirect in (True, False)
    ]
    click.echo(replay.table(runs))


@main.command()
def costs() -> None:
    """Memory of a picture and a link, and what lookups take of PostgreSQL and an instance."""
    from scripts.simulation import costs as measured

    for what, value in measured.measure():
        click.echo(f"| {what} | {value} |")


if __name__ == "__main__":
    main()
