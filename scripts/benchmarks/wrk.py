"""wrk, and what it says."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_REPORT = """
done = function(summary, latency, requests)
  io.write(string.format("@ %d %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency.max,
    summary.errors.status, summary.errors.connect + summary.errors.read
      + summary.errors.write + summary.errors.timeout))
end
"""

DISTINCT_WIDTHS = """
local width = 199
request = function()
  width = width + 1
  return wrk.format("GET", string.format("/%s_%d_0.jpg?quality=80", NAME, width))
end
"""
"""Every request asks for the next width: 200, 201, 202 …"""


PATIENCE = "20s"
"""An answer that takes longer counts as failed."""

STRIDE = 389
"""Prime to 1001: widths come in no order, so that fast servers get no harder ones."""


def widths(count: int) -> list[int]:
    """The first so many widths that PATTERN asks for."""
    return [200 + turn * STRIDE % 1001 for turn in range(count)]


PATTERN = """
local turn = START - 1
request = function()
  turn = turn + 1
  local path = PATTERN
  path = path:gsub("{w}", SIDE or 200 + turn * STRIDE % 1001)
  path = path:gsub("{h}", SIDE or 0)
  path = path:gsub("{n}", (SIDE or 0) + turn % 1400)
  path = path:gsub("{p}", turn % PICTURES)
  path = path:gsub("{q}", QUALITY - math.floor(turn / 1001 / PICTURES))
  return wrk.format("GET", path)
end
"""


def distinct(
    pattern: str, quality: int, side: int | None = None, *, pictures: int = 1, start: int = 0
) -> str:
    """A script that asks for `pattern` with every width 200–1200, or always with `side`.

    `{p}` is the number of the picture, each of `pictures` in turn; their count is prime to
    1001. No two requests are alike as long as the pattern shows one of their numbers. After
    1001 of each picture the quality falls by one. `start` is how many are left out.
    """
    values = {
        "PATTERN": f'"{pattern}"',
        "SIDE": "nil" if side is None else str(side),
        "STRIDE": str(STRIDE),
        "QUALITY": str(quality),
        "PICTURES": str(pictures),
        "START": str(start),
    }
    return "".join(f"local {name} = {value}\n" for name, value in values.items()) + PATTERN


@dataclass(frozen=True)
class Load:
    """What came of a run: requests a second, latencies in ms, answers that were wrong."""

    rate: float
    p50: float
    p99: float
    longest: float
    requests: int
    failed: int

    def percentiles(self) -> str:
        """Latencies in words, and what failed."""
        failed = f", {self.failed} FAILED" if self.failed else ""
        return f"p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms{failed}"


def run(url: str, *, connections: int, seconds: int, script: str = "", cpus: str = "") -> Load:
    """Load `url` for some seconds; `cpus` as taskset takes them."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script + _REPORT)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", PATIENCE]
        command += ["-s", file.name, url]
        if cpus:
            command = ["taskset", "-c", cpus, *command]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    match = re.search(r"^@ (\d+) (\d+) ([\d.]+) ([\d.]+) ([\d.]+) (\d+) (\d+)$", output, re.M)
    assert match is not None, output
    requests, micros, p50, p99, longest, status, broken = (float(each) for each in match.groups())
    return Load(
        rate=requests / (micros / 1e6),
        p50=p50 / 1000,
        p99=p99 / 1000,
        longest=longest / 1000,
        requests=int(requests),
        failed=int(status + broken),
    )


def available() -> bool:
    """Whether wrk is installed."""
    return any((Path(folder) / "wrk").exists() for folder in ("/usr/bin", "/usr/local/bin"))
