"""The log of real runs in a real search engine, under the index templates of deploy/elk."""

import ipaddress
import json
import logging
import signal
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from web import pictures, servers, wire

from liveresize import errors
from liveresize.observe import log
from liveresize.observe.log import render
from liveresize.observe.metrics.requests import GONE
from liveresize.settings.server import Log
from scripts.elk_files.fields import FOLDER, FORMATS, Field, read

from . import elk
from .engine import Engine, Json, needs_engine
from .test_elk import Ecs, visit
from .test_hostile_lines import HOSTILE, unseen

pytestmark = [pytest.mark.long, needs_engine]

formats = pytest.mark.parametrize("form", FORMATS)


@pytest.fixture(scope="module")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that has the index templates as README.md installs them."""
    with Engine(tmp_path_factory.mktemp("engine")) as one:
        for form in FORMATS:
            template = json.loads((FOLDER / f"index-template-{form}.json").read_text())
            one.ask("PUT", f"/_index_template/liveresize-{form}", template)
        yield one


@pytest.fixture
def engine(shared_engine: Engine) -> Iterator[Engine]:
    """The same, without lines of other tests: the dashboard looks at every data stream."""
    yield shared_engine
    shared_engine.ask("DELETE", "/_data_stream/*")


SAMPLES: dict[str, Any] = {
    "date": "2026-01-31T09:15:00.123456+00:00",
    "keyword": "word",
    "text": "Some Words",
    "trace": "Traceback\n  line",
    "ip": "2001:db8::1",
    "long": 1 << 53,
    "float": 0.25,
    "boolean": True,
}
"""A value of each type of fields.tsv, as the code logs it."""


def every_call(path: Path, form: str) -> None:
    """Log once what each call in the code logs, with a value of its type for each field."""
    values = {
        field.name: [SAMPLES[field.type]] * 2 if field.many else SAMPLES[field.type]
        for field in read()
        if field.name not in elk.COMMON | elk.EXCEPTION
    }
    handle = log.configure(Log(output=str(path), format=form, debug=True))
    try:
        for module, event, names in elk.events():
            logged = {name: values[name] for name in names - elk.COMMON}
            structlog.get_logger(f"liveresize.{module}").warning(event or "access", **logged)
        error = errors.DiskFull("", "no room")
        structlog.get_logger("liveresize").error("failed", exc_info=error, **values)
    finally:
        handle.close()


def same(field: Field, value: Any) -> Any:
    """A value in a form in which the line's and the engine's are equal."""
    if field.type == "date":
        moment = datetime.fromisoformat(value)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    return ipaddress.ip_address(value) if field.type == "ip" else value


@formats
def test_no_field_of_any_line_is_lost(engine: Engine, form: str, tmp_path: Path) -> None:
    """Of a run from start to stop and of every call that logs: each field comes back from the
    index with its type and its value, and can be searched for."""
    kind = Ecs if form == "ecs" else servers.Process
    keys: dict[str, Any] = {"drain__delay": 0, "colour": "red", "admin__secrets": [servers.ADMIN]}
    with kind(tmp_path, log__format=form, log__debug=True, **keys) as process:
        visit(process)
        process.process.send_signal(signal.SIGTERM)
        process.process.wait(servers.PATIENCE)
    every_call(tmp_path / "calls", form)
    lines = [*elk.lines_of(process.log), *elk.lines_of(tmp_path / "calls")]
    stream = f"logs-liveresize.{form}-default"
    engine.fill(stream, lines)

    fields = {field.name: field for field in read(form)}
    found = engine.search(stream, size=10_000, fields=["*"], sort=["_doc"])["hits"]["hits"]
    assert [hit["_source"] for hit in found] == lines
    for hit, line in zip(found, lines, strict=True):
        assert "_ignored" not in hit
        assert {
            name: [same(fields[name], value) for value in values]
            for name, values in hit["fields"].items()
        } == {
            name: [same(fields[name], each) for each in (value if fields[name].many else [value])]
            for name, value in line.items()
            if value is not None
        }
    there = Counter(name for line in lines for name, value in line.items() if value is not None)
    assert there.keys() == fields.keys()
    searched = {name: field for name, field in fields.items() if field.type != "trace"}
    exists = {name: {"exists": {"field": name}} for name in searched}
    answer = engine.search(stream, size=0, aggs={"any": {"filters": {"filters": exists}}})
    indexed = answer["aggregations"]["any"]["buckets"]
    assert {name: indexed[name]["doc_count"] for name in searched} == {
        name: there[name] for name in searched
    }


@formats
def test_no_hostile_text_keeps_a_line_out(engine: Engine, form: str, tmp_path: Path) -> None:
    """A line is taken whole, and found by its event, whatever a request put into it."""
    path = tmp_path / "log"
    handle = log.configure(Log(output=str(path), format=form))
    try:
        for text in HOSTILE:
            log.access(
                method=text, path=text, status=200, client="unknown", duration_ms=1.0,
                size=1, request_id="r-1", cache=text, image_id=text, error=text,
                error_detail=text, notes=[text] * 50,
            )  # fmt: skip
            with unseen():
                logging.getLogger("lib").warning("%s", text)
    finally:
        handle.close()
    stream = f"logs-liveresize.{form}-default"
    engine.fill(stream, elk.lines_of(path))
    event = "event" if form == "logstash" else "event.action"
    for name in ("access", "library_record"):
        assert engine.count(stream, {"term": {event: name}}) == len(HOSTILE)


class Dashboard:
    """The saved objects of deploy/elk, asked as Kibana asks."""

    def __init__(self, engine: Engine, form: str) -> None:
        self._engine = engine
        text = (FOLDER / f"dashboard-{form}.ndjson").read_text()
        objects = [json.loads(line) for line in text.splitlines()]
        (view,) = [each for each in objects if each["type"] == "index-pattern"]
        self._stream: str = view["attributes"]["title"]
        self._panels: dict[str, Json] = {}
        for each in objects:
            if each["type"] == "visualization":
                state = json.loads(each["attributes"]["visState"])
                source = each["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"]
                query = json.loads(source)["query"]["query"]
                self._panels[state["title"]] = {"query": query, **state}

    @property
    def titles(self) -> set[str]:
        return set(self._panels)

    def rows(self, title: str) -> dict[tuple[Any, ...], list[Any]]:
        """The metrics of a panel by what it is split by, over all time."""
        panel = self._panels[title]
        metrics = [each for each in panel["aggs"] if each["schema"] == "metric"]
        inner = {
            each["id"]: {each["type"]: each["params"]}
            for each in metrics
            if each["type"] != "count"
        }
        splits = [each for each in panel["aggs"] if each["schema"] != "metric"]
        for each in reversed(splits):
            inner = {"split": {**_split(each), "aggs": inner}}
        answer = self._engine.search(self._stream, size=0, query=lucene(panel["query"]), aggs=inner)
        rows: dict[tuple[Any, ...], list[Any]] = {}
        for keys, bucket in _buckets(answer["aggregations"], len(splits)):
            row = [
                bucket["doc_count"] if each["type"] == "count"
                else bucket[each["id"]].get("values", bucket[each["id"]].get("value"))
                for each in metrics
            ]  # fmt: skip
            rows[keys[1:] if splits[0]["type"] == "date_histogram" else keys] = row
        return rows

    def ratio(self, title: str) -> float:
        """What a panel that divides two counts shows."""
        (series,) = self._panels[title]["params"]["series"]
        (metric,) = series["metrics"]
        above, below = (
            self._engine.count(self._stream, lucene(metric[part]["query"]))
            for part in ("numerator", "denominator")
        )
        return above / below


def lucene(kuery: str) -> Json:
    """A query in Kibana's language as the engine's, as far as the dashboards use that."""
    for theirs, ours in {" : ": ":", " >= ": ":>="}.items():
        kuery = kuery.replace(theirs, ours)
    for word in (" and ", " or ", " not "):
        kuery = kuery.replace(word, word.upper())
    return {"query_string": {"query": kuery}}


def _split(aggregation: Json) -> Json:
    params = aggregation["params"]
    if aggregation["type"] == "date_histogram":
        return {"auto_date_histogram": {"field": params["field"], "buckets": 1}}
    assert params["orderBy"] == "1"
    terms = {name: params[name] for name in ("field", "size")}
    if params.get("missingBucket"):
        terms["missing"] = params["missingBucketLabel"]
    return {"terms": {**terms, "order": {"_count": params["order"]}}}


def _buckets(answer: Json, depth: int) -> Iterator[tuple[tuple[Any, ...], Json]]:
    if not depth:
        yield (), answer
        return
    for bucket in answer["split"]["buckets"]:
        for keys, inner in _buckets(bucket, depth - 1):
            yield (bucket["key"], *keys), inner


@dataclass(frozen=True)
class Seen:
    """What a client saw of one answer."""

    status: int
    cache: str
    code: str


def known_run(process: servers.Process) -> list[Seen]:
    """Some of everything that the dashboard shows, and the end; nothing else is asked.

    The client of one request leaves before it is answered.
    """
    seen: list[Seen] = []
    client = process.client

    def see(answer: httpx.Response) -> None:
        code = ""
        if answer.status_code >= 400:
            document = answer.headers["Content-Type"].startswith("application/json")
            code = json.loads(answer.read()).get("code", "none") if document else "original_missing"
        elif answer.url.path == "/_ready":
            return  # a probe that succeeds is logged for debugging only
        seen.append(Seen(answer.status_code, answer.headers.get("X-Cache", ""), code))

    client.event_hooks["response"].append(see)
    client.put_in("cat", pictures.jpeg())
    client.upload("cat", pictures.jpeg(), "no token")
    for width in (20, 20, 30, 20):
        client.get(f"/cat_{width}_0.jpg")
    for path in ("/cat_9_0.xyz", "/dog_1_1.jpg", "/dog_2_2.jpg", "/nobody_20_0.jpg", "/_nothing"):
        client.get(path)
    client.put("/cat")
    with wire.Wire(process.port) as connection:
        connection.send(b"POST /cat HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
    seen.append(Seen(GONE, "", ""))
    process.process.send_signal(signal.SIGTERM)
    servers.until(lambda: client.get("/_ready").status_code == 503)
    process.process.wait(servers.PATIENCE)
    return seen


@formats
def test_the_dashboard_shows_what_clients_saw(engine: Engine, form: str, tmp_path: Path) -> None:
    """Counts and shares of every panel are those of the client; times are those of the lines."""
    kind = Ecs if form == "ecs" else servers.Process
    keys = {"colour": "red", "fallback": {"nobody": "cat"}, "drain__delay": 1}
    with kind(tmp_path, log__format=form, **keys) as process:
        seen = known_run(process)
    lines = list(elk.lines_of(process.log))
    engine.fill(f"logs-liveresize.{form}-default", lines)
    dashboard = Dashboard(engine, form)

    def name(field: str) -> str:
        return field if form == "logstash" else render.ecs_name(field)

    counts = {
        "Requests by status": Counter((each.status,) for each in seen),
        "Errors that clients saw": Counter((each.code, each.status) for each in seen if each.code),
        "Pictures asked for most": Counter(("cat",) for each in seen if each.cache),
        "Clients that ask most": Counter(("127.0.0.1",) for _ in seen),
        "Warnings and errors of the server": Counter(
            (line[name("event")], line[name("level")])
            for line in lines
            if line[name("level")] in ("warning", "error", "critical")
        ),
    }
    assert counts["Warnings and errors of the server"]["configuration", "warning"] == 1
    shown = {title: dashboard.rows(title) for title in dashboard.titles - {"Hit ratio"}}
    for title, expected in counts.items():
        assert shown.pop(title) == {keys: [count] for keys, count in expected.items()}, title

    caches = Counter(each.cache for each in seen if each.cache)
    hits = caches["HIT"] + caches["HIT-MEMORY"]
    assert 0 < hits < caches.total()
    assert dashboard.ratio("Hit ratio") == hits / caches.total()

    def logged(field: str) -> list[float]:
        known = [line for line in lines if line[name("event")] == "access"]
        return sorted(line[name(field)] for line in known if name(field) in line)

    ((times,),) = shown.pop("Duration: median and p95").values()
    durations = logged("duration_ms")
    middle = len(durations) // 2
    assert durations[middle - 1] <= times["50.0"] <= durations[middle + 1]
    assert durations[-2] <= times["95.0"] <= durations[-1]
    (averages,) = shown.pop("Parts of a render, ms").values()
    steps = [logged(step) for step in ("queue_ms", "decode_ms", "resize_ms", "encode_ms")]
    assert averages == pytest.approx([statistics.mean(each) for each in steps])
    assert shown == {}
