"""The same requests to real instances and to the simulator, and what both counted."""

import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.simulation import day, traffic
from scripts.simulation.instance import Answer, Caches
from scripts.simulation.ring import Ring

if TYPE_CHECKING:
    from web import servers

PICTURES, RATE, SECONDS = 300, 80.0, 40
WIDTHS = (80, 120, 160, 220, 300)
CACHES = Caches(memory_bytes=800_000, links=200, link_ttl=10.0, largest=100_000)
SOURCE = Path(__file__).parents[2] / "docs" / "sample.jpg"

_LOOKUPS = re.compile(
    r'^liveresize_index_query_duration_seconds_count\{[^}]*kind="lookup"[^}]*\} (\S+)', re.M
)


@dataclass(frozen=True)
class Counted:
    """What was counted of one run: shares of the answers, and lookups for one request."""

    requests: int
    memory: float
    found: float
    renders: float
    lookups: float


@dataclass(frozen=True)
class Both:
    """A run of real instances, and the simulator's of the same requests."""

    instances: int
    redirect: bool
    real: Counted
    simulated: Counted


def compare(instances: int, *, redirect: bool) -> Both:
    """Send a few thousand requests to so many real instances, then to simulated ones."""
    caches = replace(CACHES, redirect=redirect)
    wanted = traffic.Traffic(pictures=PICTURES, rate=RATE, seed=instances).requests(SECONDS)
    sent, sizes, real = _replay(list(wanted), instances, caches)
    ring = day.Change(0, tuple(f"instance:{number}" for number in range(instances)))
    simulated = day.Day(caches, [ring], made=False, size=lambda one: sizes[one.variant])
    tally = day.Tally()
    for request in sent:
        simulated.send(request, tally)
    answers = Counter(
        {
            "HIT-MEMORY": tally.answers[Answer.MEMORY],
            "HIT": tally.answers[Answer.LINK] + tally.answers[Answer.INDEX],
            "MISS": tally.answers[Answer.MISS],
        }
    )
    return Both(instances, redirect, real, _counted(answers, tally.asked["lookups"]))


def _replay(
    requests: list[traffic.Request], count: int, caches: Caches
) -> tuple[list[traffic.Request], dict[int, int], Counted]:
    """Send `requests` at their times; returns them with the times when they were sent, the bytes
    of each rendition, and what the instances say."""
    from deploy import fleet  # of the tests: only here, the simulator needs none

    ring = Ring([f"instance:{number}" for number in range(count)])
    with (
        tempfile.TemporaryDirectory() as folder,
        fleet.instances(
            Path(folder),
            count,
            originals_dir=str(Path(folder) / "originals"),
            delivery="redirect" if caches.redirect else "proxy",
            cache__memory_bytes=caches.memory_bytes,
            cache__links=caches.links,
            cache__link_ttl=caches.link_ttl,
        ) as found,
    ):
        homes = {f"instance:{number}": each for number, each in enumerate(found)}
        for picture in range(PICTURES):
            name = f"picture-{picture}"
            homes[ring.home(name)].client.put_in(name, SOURCE.read_bytes())
        before = sum(map(_lookups, found))
        sent, sizes, answers = [], {}, Counter[str]()
        begin = time.monotonic()
        for request in requests:
            time.sleep(max(0.0, request.at - (time.monotonic() - begin)))
            name = f"picture-{request.picture}"
            sent.append(replace(request, at=time.monotonic() - begin))
            path = f"/{name}_{WIDTHS[request.variant]}_0.jpg"
            answer = homes[ring.home(name)].client.get(path)
            if answer.status_code not in (200, 303):
                raise SystemExit(f"{path}: {answer.status_code} {answer.text}")
            answers[answer.headers["X-Cache"]] += 1
            if answer.status_code == 200:
                sizes[request.variant] = len(answer.content)
        return sent, sizes, _counted(answers, sum(map(_lookups, found)) - before)


def _lookups(instance: "servers.Process") -> float:
    """How many lookups the index of an instance has been asked so far."""
    text = instance.client.get("/_metrics").text
    return sum(float(each) for each in _LOOKUPS.findall(text))


def _counted(answers: Counter[str], lookups: float) -> Counted:
    requests = sum(answers.values())
    return Counted(
        requests,
        answers["HIT-MEMORY"] / requests,
        answers["HIT"] / requests,
        answers["MISS"] / requests,
        lookups / requests,
    )


def table(runs: Iterable[Both]) -> str:
    """The comparison in Markdown; in brackets the simulator ÷ the real instances."""
    rows = [
        "| instances, delivery | requests | memory | link or store | rendered | lookups/request |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for run in runs:
        pairs = [
            (run.real.memory, run.simulated.memory),
            (run.real.found, run.simulated.found),
            (run.real.renders, run.simulated.renders),
            (run.real.lookups, run.simulated.lookups),
        ]
        cells = " | ".join(f"{real:.3f}, {ours:.3f} ({_ratio(ours, real)})" for real, ours in pairs)
        title = f"{run.instances}, {'redirect' if run.redirect else 'proxy'}"
        rows.append(f"| {title} | {run.real.requests:,} | {cells} |")
    return "\n".join(rows)


def _ratio(ours: float, real: float) -> str:
    return f"{ours / real:.2f}" if real else "–"
