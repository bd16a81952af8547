"""What the tiles of the studio compute of /_metrics, run by Node."""

import json
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from .test_studio import FOLDER

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")

PAGE = """
globalThis.document = { documentElement: {} };
const calls = JSON.parse(require("fs").readFileSync(0, "utf8"));
const plain = (_, value) =>
  typeof value === "number" && !Number.isFinite(value) ? `${value}` : value;
import(`file://${process.argv[1]}/tiles.mjs`).then((tiles) => {
  const answer = ([name, ...given]) => {
    try {
      return tiles[name](...given);
    } catch (error) {
      return `${error}`;
    }
  };
  process.stdout.write(JSON.stringify(calls.map(answer), plain));
});
"""

Call = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Call:
    """Calls functions of tiles.js: `tiles([name, *arguments], …)` gives what they return."""
    folder = tmp_path_factory.mktemp("tiles")
    for name in ("tiles", "page"):
        text = re.sub(r'(from "\./\w+)\.js"', r'\1.mjs"', (FOLDER / f"{name}.js").read_text())
        (folder / f"{name}.mjs").write_text(text)

    def call(*calls: list[Any]) -> list[Any]:
        ran = subprocess.run(
            ["node", "-e", PAGE, str(folder)],
            input=json.dumps(calls),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        told: list[Any] = json.loads(ran.stdout)
        return told

    return call


def test_a_text_is_read_as_prometheus_reads_it(tiles: Call) -> None:
    """Whatever is in its labels; a line that is none is an error and not a guess."""
    registry = CollectorRegistry()
    odd = Gauge("odd", "With\nlines.", ("a", "b_2"), registry=registry)
    for value in (1.5, -2e-9, 3e300, float("inf"), float("-inf"), float("nan")):
        odd.labels('a "b" \\n {c="d"}, ', f"é\n{value}\\").set(value)
    Gauge("plain", "Without labels.", registry=registry).set(7)
    text = generate_latest(registry).decode()
    broken = ["x", "x 1 2 3", "x y", 'x{a="b} 1', 'x{a="b"c="d"} 1', 'x{a="\\x"} 1', "1x 2", "x{} "]
    told, stamped, *wrong = tiles(
        ["parse", text],
        ["parse", 'x{a="b",} 1e3 1395066363000\n'],
        *(["parse", each] for each in broken),
    )
    numbers = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
    assert told == [
        [each.name, each.labels, numbers.get(str(each.value), each.value)]
        for family in text_string_to_metric_families(text)
        for each in family.samples
    ]
    assert stamped == [["x", {"a": "b"}, 1000]]
    assert wrong == [f"SyntaxError: {each}" for each in broken]


def test_a_percentile_is_within_the_bucket_that_has_it(tiles: Call) -> None:
    """Against the values themselves; an empty histogram has none."""
    dice = random.Random(20)
    bounds = [0.001 * 2**each for each in range(12)]
    calls, expected = [], []
    for count in (1, 2, 19, 20, 500):
        registry = CollectorRegistry()
        histogram = Histogram("h", "H.", registry=registry, buckets=bounds)
        values = sorted(dice.expovariate(20) for _ in range(count))
        for value in values:
            histogram.observe(value)
        (family,) = registry.collect()
        buckets = {
            each.labels["le"]: each.value for each in family.samples if each.name == "h_bucket"
        }
        calls.append(["quantile", buckets, 0.95])
        expected.append(values[-1 - count // 20 if count >= 20 else -1])
    for told, value in zip(tiles(*calls), expected, strict=True):
        upper = min(bound for bound in bounds if bound >= value)
        assert upper / 2 <= told <= upper
    assert tiles(
        ["quantile", {}, 0.95],
        ["quantile", {"1": 0, "+Inf": 0}, 0.95],
        ["quantile", {"1": 0, "2.5": 0, "+Inf": 9}, 0.95],
        ["quantile", {"+Inf": 10, "10": 10, "9.0": 0}, 0.5],
    ) == [None, None, 2.5, 9.5]
    assert tiles(["increase", 3, 5], ["increase", 5, 3], ["increase", 0, 0]) == [2, 3, 0]


def metrics(began: int, hits: int, misses: int, slow: int) -> str:
    """A text with what the tiles use and what they leave out."""
    return "\n".join(
        [
            f"liveresize_process_start_time_seconds {began}",
            f'liveresize_requests_total{{cache="HIT-MEMORY",route="hit"}} {hits - 1}',
            'liveresize_requests_total{cache="HIT",route="rendition"} 1',
            f'liveresize_requests_total{{cache="MISS",route="rendition"}} {misses}',
            'liveresize_requests_total{cache="none",route="status"} 5000',
            f'liveresize_renders_total{{format="jpeg",outcome="ok"}} {misses}',
            'liveresize_renders_total{format="webp",outcome="queue_full"} 2',
            f'liveresize_request_duration_seconds_bucket{{le="0.1",route="hit"}} {hits}',
            f'liveresize_request_duration_seconds_bucket{{le="+Inf",route="hit"}} {hits + slow}',
            'liveresize_request_duration_seconds_bucket{le="+Inf",route="upload"} 999',
            "liveresize_jobs_queued 3",
            "liveresize_publish_backlog 4",
            "liveresize_mirror_backlog 5",
            "liveresize_webhook_backlog 6",
        ]
    )


def test_figures_are_of_the_time_between_two_readings(tiles: Call) -> None:
    """Of one process: after a restart, or from another instance, rates are not known."""
    first, second, restarted, idle = tiles(
        ["reading", metrics(7, 100, 10, 0), 1000],
        ["reading", metrics(7, 190, 20, 0), 1030],
        ["reading", metrics(8, 5, 1, 0), 1035],
        ["reading", metrics(7, 190, 20, 0), 1040],
    )
    states = {"queue": 3, "backlog": 9}
    unknown = {**states, "hits": None, "renders": None, "ratio": None, "p95": None}
    assert tiles(
        ["figures", None, first],
        ["figures", first, second],
        ["figures", second, restarted],
        ["figures", second, idle],
    ) == [
        unknown,
        {**states, "hits": 3, "renders": pytest.approx(1 / 3), "ratio": 0.9, "p95": 95},
        unknown,
        {**unknown, "hits": 0, "renders": 0},
    ]


def test_numbers_and_curves(tiles: Call) -> None:
    """Two digits; a curve is interrupted where nothing was read."""
    numbers = [None, 0, 0.0123, 3.14159, 9.96, 99.4, 12345.6]
    assert tiles(*(["shown", each] for each in numbers)) == [
        *("–", "0", "0.012", "3.1", "10", "99", "12,346")
    ]
    assert tiles(
        ["curve", [], 0],
        ["curve", [[0, 5]], 5],
        ["curve", [[600, 0], [595, 10], [300, 10], [295, 5]], 10],
    ) == ["", "M120.0 1.0h0", "M0.0 27.0h0L1.0 1.0M60.0 1.0h0L61.0 14.0"]


def test_the_metrics_that_tiles_use_are_there() -> None:
    """Each name in the script is one of those that the server has."""
    names = set(re.findall(r'"(liveresize_\w+)"', (FOLDER / "tiles.js").read_text()))
    source = "".join(
        path.read_text()
        for path in FOLDER.parents[1].rglob("*.py")
        if "__pycache__" not in path.parts
    )
    known = {re.sub("_(total|bucket)$", "", name) for name in names}
    assert len(known) == 7
    assert {name for name in known if f'"{name}"' not in source} == {
        "liveresize_process_start_time_seconds"  # of the client library
    }
