"""Charts of the results, drawn as SVG by matplotlib of the peers.

They lie beside the results in scratch/ until a section that shows them is written.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.benchmarks import process
from scripts.benchmarks.peers import install

FOLDER = process.ROOT / "scratch" / "results" / "charts"


def bars(
    name: str,
    title: str,
    unit: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    goal: float | None = None,
) -> str:
    """Bars side by side, one group a label; `goal` is a line across. Returns Markdown."""
    spec = {"kind": "bars", "labels": labels, "series": series, "goal": goal}
    return _draw(name, title, spec | {"unit": unit})


def curves(
    name: str,
    title: str,
    axes: tuple[str, str],
    series: Mapping[str, Sequence[tuple[float, float, str]]],
) -> str:
    """Points joined by lines; each is (x, y, what stands beside it). Returns Markdown."""
    return _draw(name, title, {"kind": "curves", "axes": axes, "series": series})


def _draw(name: str, title: str, spec: dict[str, Any]) -> str:
    """Draw one chart; returns the Markdown that shows it, empty where nothing can draw."""
    try:
        python = install.tools()
    except install.Missing as reason:
        return f"*{title}: no chart, {reason}.*"
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.svg"
    subprocess.run(
        [str(python), "-m", "scripts.benchmarks.tools.draw", str(path)],
        input=json.dumps({"title": title, **spec}),
        text=True,
        check=True,
        cwd=process.ROOT,
    )
    return f"![{title}](charts/{name}.svg)"
