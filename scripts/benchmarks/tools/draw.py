"""Draws one chart as SVG; its description is JSON on the input, its path the argument."""

import json
import sys
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found]

mpl.use("svg")
# Text stays text, and the same numbers give the same file.
mpl.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "liveresize",
        "font.family": "sans-serif",
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)

from matplotlib import pyplot  # noqa: E402 - after `use`

COLOURS = ("#0b6e4f", "#c8553d", "#588b8b", "#8d99ae", "#f2c14e", "#5f4b8b", "#222222")
"""One a series, in the order they come; the first is ours."""


def bars(axes: Any, chart: dict[str, Any]) -> None:
    """Bars side by side, their values on top."""
    labels, series = chart["labels"], chart["series"]
    width = 0.8 / len(series)
    for place, (name, values) in enumerate(series.items()):
        left = [at + (place - (len(series) - 1) / 2) * width for at in range(len(labels))]
        drawn = axes.bar(left, values, width, label=name, color=COLOURS[place % len(COLOURS)])
        axes.bar_label(drawn, fmt="{:.3g}", fontsize=7, padding=1)
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylabel(chart["unit"])
    if chart["goal"] is not None:
        axes.axhline(chart["goal"], color="#444444", linewidth=0.8, linestyle="--")
    if len(series) > 1:
        axes.legend(frameon=False)


def curves(axes: Any, chart: dict[str, Any]) -> None:
    """Points joined by lines, each with its label."""
    for place, (name, points) in enumerate(chart["series"].items()):
        xs, ys, texts = zip(*points, strict=True)
        axes.plot(xs, ys, "o-", label=name, color=COLOURS[place % len(COLOURS)], markersize=4)
        for x, y, text in zip(xs, ys, texts, strict=True):
            axes.annotate(text, (x, y), textcoords="offset points", xytext=(4, 4), fontsize=7)
    axes.set_xlabel(chart["axes"][0])
    axes.set_ylabel(chart["axes"][1])
    axes.grid(alpha=0.2)
    axes.legend(frameon=False)


if __name__ == "__main__":
    chart = json.load(sys.stdin)
    figure, axes = pyplot.subplots(figsize=(9, 4.2), layout="constrained")
    {"bars": bars, "curves": curves}[chart["kind"]](axes, chart)
    axes.set_title(chart["title"], loc="left", fontsize=11)
    figure.savefig(sys.argv[1], metadata={"Date": None, "Creator": None})
