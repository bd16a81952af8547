"""Lines of the log against deploy/elk: schemas, index templates, dashboards."""

import json
import logging
import os
import re
import signal
import warnings
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from web import pictures, servers, wire

from liveresize import errors
from liveresize.observe import log
from liveresize.settings.server import Log
from scripts.elk_files import written
from scripts.elk_files.fields import FOLDER, FORMATS, read

from . import elk

formats = pytest.mark.parametrize("form", FORMATS)


def leaves(properties: dict[str, Any], above: str = "") -> dict[str, dict[str, Any]]:
    """The fields of a mapping of Elasticsearch, by their whole names."""
    found: dict[str, dict[str, Any]] = {}
    for name, what in properties.items():
        if "properties" in what:
            assert "type" not in what, f"{name} is a value and an object at once"
            found |= leaves(what["properties"], f"{above}{name}.")
        else:
            found[above + name] = what
    return found


def template(form: str) -> dict[str, dict[str, Any]]:
    """The fields of the index template for that format."""
    text = (FOLDER / f"index-template-{form}.json").read_text()
    return leaves(json.loads(text)["template"]["mappings"]["properties"])


def test_the_files_follow_from_the_list_of_fields() -> None:
    """`scripts/elk` writes them anew when fields.tsv changes."""
    for name, text in written.files().items():
        assert (FOLDER / name).read_text() == text, "run scripts/elk"


def test_every_field_of_the_code_is_on_the_list_and_none_is_dead() -> None:
    """What any module may log is what fields.tsv has; add a row there for a new one."""
    listed = {field.name for field in read()}
    logged = elk.inventory()
    assert {name: sorted(logged[name]) for name in logged.keys() - listed} == {}
    assert listed - logged.keys() == set()


@formats
def test_schema_and_template_have_the_same_fields(form: str) -> None:
    """Under names that no two fields share, and none of them value and object at once."""
    schema = json.loads((FOLDER / "schema" / f"{form}.json").read_text())
    names = [field.name for field in read(form)]
    assert len(names) == len(set(names))
    assert template(form).keys() == set(names) == schema["properties"].keys()


@formats
def test_every_line_of_a_server_is_as_the_schema_has_it(form: str, tmp_path: Path) -> None:
    """Start, uploads, hits, misses, errors, odd requests, a worker's death, a rotation, stop."""
    kind = Ecs if form == "ecs" else servers.Process
    with kind(tmp_path, log__format=form, log__debug=True, **_FEW) as process:
        visit(process)
        process.process.send_signal(signal.SIGHUP)
        process.process.send_signal(signal.SIGTERM)
        process.process.wait(servers.PATIENCE)
    found = elk.check(process.log, form)
    event = "event" if form == "logstash" else "event.action"
    events = {line[event] for line in found}
    assert {"server_started", "server_stopped", "access", "worker_died", "configuration"} <= events
    assert "library_record" in events
    assert {field for line in found for field in line} <= template(form).keys()


_FEW: dict[str, object] = {"drain__delay": 0, "colour": "red", "admin__secrets": [servers.ADMIN]}
"""Settings of a server that stops at once, and has something to warn of."""


class Ecs(servers.Process):
    """A server that logs in Elastic's names, by which its start is waited for."""

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """The lines of its log, in our own names as far as the start goes."""
        if not self.log.exists():
            return []
        found = [json.loads(line) for line in self.log.read_bytes().split(b"\n")[:-1]]
        ours = [
            {"event": line["event.action"], **{
                name.removeprefix("liveresize."): value for name, value in line.items()
            }}
            for line in found
        ]  # fmt: skip
        return [line for line in ours if not event or line["event"] == event]


def visit(process: servers.Process) -> None:
    """What clients and fate do to a server."""
    client = process.client
    client.put_in("cat", pictures.jpeg())
    for _ in range(2):
        client.get("/cat_20_0.jpg")
    client.get("/cat_20_0.webp?proxy=true")
    client.get("/cat.json")
    client.head("/cat_20_0.jpg")
    for path in ("/nobody_1_1.jpg", "/cat_0_0.jpg", "/cat_1_1.xyz", "/cat_9000_0.jpg", "/%ff"):
        client.get(path)
    client.upload("dog", b"this is no picture", client.token("dog"))
    client.upload("dog", pictures.jpeg(), "no token")
    client.delete("/cat")
    wire.ask(process.port, "/cat", "BREW")
    with wire.Wire(process.port) as connection:
        connection.send(b"\x00\x01\x02 what is this\r\n\r\n")
        connection.rest()
    workers = set(process.family) - {process.process.pid}
    for pid in workers:
        if _is_worker(pid):
            os.kill(pid, signal.SIGKILL)
    servers.until(lambda: process.lines("worker_died"))
    servers.until(lambda: client.get("/_ready").json()["parts"]["workers"]["slots"])
    client.delete("/cat", headers={"Authorization": f"Bearer {servers.ADMIN}"})


def _is_worker(pid: int) -> bool:
    """Whether a process holds no other: the forkserver and the tracker are left alone."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        siblings = Path(f"/proc/{parent}/cmdline").read_bytes()
    except OSError:
        return False
    return b"forkserver" in command and not children and b"forkserver" in siblings


@formats
def test_records_of_libraries_and_exceptions_are_as_the_schema_has_it(
    form: str, tmp_path: Path
) -> None:
    """Warnings of Python, a library's own records, broken ones, ours with a traceback."""
    path = tmp_path / "log"
    handle = log.configure(Log(output=str(path), format=form, debug=True))
    try:
        logging.getLogger("tornado.general").warning("Malformed %s", "thing")
        logging.getLogger("asyncio").error("lost", exc_info=ValueError("x"))
        details = {
            "name": "x",
            "msg": "%d pictures",
            "args": ("many",),
            "levelno": 30,
            "levelname": "WARNING",
        }
        logging.getLogger().handlers[-1].handle(logging.makeLogRecord(details))
        warnings.showwarning("old", DeprecationWarning, __file__, 1)
        for error in (errors.DiskFull("", "no room"), ValueError("\ud800\0" * 9)):
            structlog.get_logger("liveresize.web").error("unexpected_error", exc_info=error)
        structlog.get_logger("x").error("job_raised", worker_pid=None, error="x", traceback="y")
    finally:
        handle.close()
    found = elk.check(path, form)
    assert len(found) == 7
    assert {field for line in found for field in line} <= template(form).keys()


@formats
def test_a_dashboard_asks_for_fields_that_there_are(form: str) -> None:
    """Each panel is on it, refers to what the file has, and counts fields of the template."""
    text = (FOLDER / f"dashboard-{form}.ndjson").read_text()
    objects = [json.loads(line) for line in text.splitlines()]
    there = {(each["type"], each["id"]) for each in objects}
    assert len(there) == len(objects)
    known = template(form)
    for each in objects:
        for reference in each["references"]:
            assert (reference["type"], reference["id"]) in there
        if each["type"] != "visualization":
            continue
        state = json.loads(each["attributes"]["visState"])
        asked = {
            aggregation["params"]["field"]
            for aggregation in state["aggs"]
            if "field" in aggregation["params"]
        }
        source = json.loads(each["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        queries = source["query"]["query"] + json.dumps(state["params"])
        asked |= set(re.findall(r"([a-z_.]+) (?::|>=) ", queries))
        assert asked <= known.keys()
        for field in asked:
            assert known[field]["type"] != "text", "text cannot be counted"
    panels = [each for each in objects if each["type"] == "visualization"]
    (dashboard,) = [each for each in objects if each["type"] == "dashboard"]
    assert len(json.loads(dashboard["attributes"]["panelsJSON"])) == len(panels) >= 6


def test_the_other_files_are_whole() -> None:
    """Filebeat's configuration is YAML, Logstash's has its braces, and both agree on a port."""
    filebeat = yaml.safe_load((FOLDER / "filebeat.yml").read_text())
    (port,) = {host.rpartition(":")[2] for host in filebeat["output.logstash"]["hosts"]}
    logstash = (FOLDER / "logstash.conf").read_text()
    assert f"port => {port}" in logstash
    bare = re.sub(r'#.*|"[^"]*"', "", logstash)
    assert bare.count("{") == bare.count("}")
    assert bare.count("[") == bare.count("]")
    for form in FORMATS:
        assert f"liveresize.{form}" in logstash
