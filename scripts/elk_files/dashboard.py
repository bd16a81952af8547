"""The dashboard of Kibana, as saved objects: a data view, panels, and what holds them.

The panels are aggregation-based visualisations, which every Kibana since 7 imports.
"""

import json
from dataclasses import dataclass
from typing import Any

from liveresize.observe.log import render
from liveresize.observe.metrics import requests

Aggregation = dict[str, Any]

_HIT, _ALL = '("HIT" or "HIT-MEMORY")', '("MISS" or "COALESCED" or "HIT" or "HIT-MEMORY")'
_RATIO = "Hit ratio"
"""What its panel is called; hits among all renditions that were asked for and there were."""

_ALL_OF_THEM = 200
"""More than there are statuses, codes of errors or events: such panels leave none out."""

_ACROSS, _HIGH = 24, 12
"""Units of the grid, of which a row has 48."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One visualisation: what it is called, its kind, what it counts, and by what."""

    title: str
    kind: str
    query: str
    metrics: tuple[Aggregation, ...]
    buckets: tuple[Aggregation, ...] = ()


def ndjson(form: str) -> str:
    """The saved objects of the dashboard for lines of that format, one a line."""
    view = f"liveresize-{form}"
    panels = _panels(form)
    objects = [_view(view, form), *(_visualisation(view, each) for each in panels)]
    objects.append(_ratio(view, form))
    titles = [panels[0].title, _RATIO, *(each.title for each in panels[1:])]
    objects.append(_dashboard(view, form, titles))
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in objects)


def _panels(form: str) -> list[Panel]:
    def name(field: str) -> str:
        return field if form == "logstash" else render.ecs_name(field)

    access = f"{name('event')} : access"
    time = {"type": "date_histogram", "params": {"field": "@timestamp", "interval": "auto"}}
    count = {"type": "count", "params": {}}

    def top(field: str, size: int, **more: object) -> Aggregation:
        params = {"field": name(field), "size": size, "order": "desc", "orderBy": "1", **more}
        return {"type": "terms", "params": params}

    def average(field: str) -> Aggregation:
        return {"type": "avg", "params": {"field": name(field)}}

    slow = {"type": "percentiles", "params": {"field": name("duration_ms"), "percents": [50, 95]}}
    steps = tuple(map(average, ("queue_ms", "decode_ms", "resize_ms", "encode_ms")))
    status = name("http.status")
    failed = f"{access} and {status} >= 400 and not {status} : {requests.GONE}"
    # Fallbacks and probes fail without a code.
    codes = top("error", _ALL_OF_THEM, missingBucket=True, missingBucketLabel="none")
    trouble = f"{name('level')} : (warning or error or critical)"
    return [
        Panel(title="Requests by status", kind="histogram", query=access, metrics=(count,),
              buckets=(time, top("http.status", _ALL_OF_THEM))),
        Panel(title="Duration: median and p95", kind="line", query=access, metrics=(slow,),
              buckets=(time,)),
        Panel(title="Parts of a render, ms", kind="area",
              query=f"{access} and {name('encode_ms')} : *", metrics=steps, buckets=(time,)),
        Panel(title="Errors that clients saw", kind="table", query=failed, metrics=(count,),
              buckets=(codes, top("http.status", _ALL_OF_THEM))),
        Panel(title="Warnings and errors of the server", kind="table", query=trouble,
              metrics=(count,), buckets=(top("event", _ALL_OF_THEM), top("level", 3))),
        Panel(title="Pictures asked for most", kind="table", query=access, metrics=(count,),
              buckets=(top("image_id", 20),)),
        Panel(title="Clients that ask most", kind="table", query=access, metrics=(count,),
              buckets=(top("client.ip", 20),)),
    ]  # fmt: skip


def _view(view: str, form: str) -> dict[str, Any]:
    pattern = f"logs-liveresize.{form}-*"
    return {
        "type": "index-pattern",
        "id": view,
        "attributes": {"title": pattern, "name": view, "timeFieldName": "@timestamp"},
        "references": [],
    }


def _visualisation(view: str, panel: Panel) -> dict[str, Any]:
    aggregations = [
        {"id": str(number), "enabled": True, "schema": _place(panel, each, number), **each}
        for number, each in enumerate((*panel.metrics, *panel.buckets), start=1)
    ]
    state = {"title": panel.title, "type": panel.kind, "aggs": aggregations, "params": {}}
    source = {
        "query": {"query": panel.query, "language": "kuery"},
        "filter": [],
        "indexRefName": "kibanaSavedObjectMeta.searchSourceJSON.index",
    }
    return {
        "type": "visualization",
        "id": _id(view, panel.title),
        "attributes": {
            "title": f"{panel.title} ({view})",
            "visState": json.dumps(state),
            "uiStateJSON": "{}",
            "description": "",
            "version": 1,
            "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)},
        },
        "references": [{"type": "index-pattern", "id": view, "name": source["indexRefName"]}],
    }


def _ratio(view: str, form: str) -> dict[str, Any]:
    """The share of hits over time, which takes a visualisation of the kind TSVB."""
    cache = "cache" if form == "logstash" else render.ecs_name("cache")
    ratio = {
        "id": "hits",
        "type": "filter_ratio",
        "metric_agg": "count",
        "numerator": {"query": f"{cache} : {_HIT}", "language": "kuery"},
        "denominator": {"query": f"{cache} : {_ALL}", "language": "kuery"},
    }
    series = {
        "id": "ratio",
        "label": "hits",
        "split_mode": "everything",
        "metrics": [ratio],
        "formatter": "percent",
        "chart_type": "line",
        "line_width": 1,
        "point_size": 1,
        "fill": 0.3,
        "stacked": "none",
        "axis_position": "left",
        "color": "#54B399",
    }
    params = {
        "id": "hit-ratio",
        "type": "timeseries",
        "series": [series],
        "time_field": "@timestamp",
        "index_pattern": f"logs-liveresize.{form}-*",
        "use_kibana_indexes": False,
        "interval": "auto",
        "axis_position": "left",
        "axis_formatter": "number",
        "axis_scale": "normal",
        "show_legend": 1,
        "show_grid": 1,
    }
    state = {"title": _RATIO, "type": "metrics", "aggs": [], "params": params}
    source = {"query": {"query": "", "language": "kuery"}, "filter": []}
    return {
        "type": "visualization",
        "id": _id(view, _RATIO),
        "attributes": {
            "title": f"{_RATIO} ({view})",
            "visState": json.dumps(state),
            "uiStateJSON": "{}",
            "description": "",
            "version": 1,
            "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)},
        },
        "references": [],
    }


def _place(panel: Panel, aggregation: Aggregation, number: int) -> str:
    """What Kibana calls the part that an aggregation has in its panel."""
    if number <= len(panel.metrics):
        return "metric"
    if panel.kind == "table":
        return "bucket"
    return "segment" if aggregation["type"] == "date_histogram" else "group"


def _dashboard(view: str, form: str, titles: list[str]) -> dict[str, Any]:
    laid = [
        {
            "type": "visualization",
            "panelIndex": str(number),
            "panelRefName": f"panel_{number}",
            "embeddableConfig": {},
            "gridData": {
                "x": number % 2 * _ACROSS,
                "y": number // 2 * _HIGH,
                "w": _ACROSS,
                "h": _HIGH,
                "i": str(number),
            },
        }
        for number in range(len(titles))
    ]
    empty = {"query": {"query": "", "language": "kuery"}, "filter": []}
    return {
        "type": "dashboard",
        "id": f"{view}-dashboard",
        "attributes": {
            "title": f"liveresize ({form})",
            "description": "Requests, hits, durations, renders and errors of liveresize",
            "panelsJSON": json.dumps(laid),
            "optionsJSON": json.dumps({"useMargins": True}),
            "timeRestore": True,
            "timeFrom": "now-24h",
            "timeTo": "now",
            "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(empty)},
        },
        "references": [
            {"type": "visualization", "id": _id(view, title), "name": f"panel_{number}"}
            for number, title in enumerate(titles)
        ],
    }


def _id(view: str, title: str) -> str:
    words = "".join(each if each.isalnum() else " " for each in title.lower()).split()
    return "-".join([view, *words])
