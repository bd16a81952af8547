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


@dataclass(frozen=True)
class Load:
    """What came of a run: requests a second, latencies in ms, answers that were wrong."""

    rate: float
    p50: float
    p99: float
    longest: float
    requests: int
    failed: int


def run(url: str, *, connections: int, seconds: int, script: str = "", cpus: str = "") -> Load:
    """Load `url` for some seconds; `cpus` as taskset takes them."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script + _REPORT)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", file.name, url]
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
