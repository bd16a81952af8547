"""Dashboard, alerts, Telegraf and the runbook speak of metrics that there are."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from web import metering, servers

from liveresize.observe.metrics import intake, registry, renders, requests, stores

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
SCRAPE = DEPLOY / "prometheus" / "scrape.yml"
DASHBOARD = DEPLOY / "grafana" / "liveresize.json"
TELEGRAF = DEPLOY / "telegraf" / "liveresize.conf"
RUNBOOK = ROOT / "docs" / "runbook.md"

NAME = re.compile(r"\bliveresize_[a-z0-9_]+")
MATCHER = re.compile(r'\b(\w+)(=~|=)"([^"]*)"')

LABELS = {
    "route": set(requests.ROUTES),
    "status": set(requests.STATUSES),
    "cache": set(requests.CACHES),
    "outcome": registry.OUTCOMES | set(intake.OUTCOMES),
    "hook": set(intake.HOOKS),
    "format": set(renders.FORMATS),
    "operation": set(stores.OPERATIONS),
    "kind": set(stores.KINDS),
    "part": {"index", "store"},
    "folder": {"originals", "spool", "renditions"},
}

needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not installed"
)


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[str]]:
    """The names of all samples that a server has."""
    caches = [{"driver": "varnish", "urls": ["http://127.0.0.1:9"]}]
    with servers.Running(tmp_path_factory.mktemp("scraped"), cdn__purge=caches) as running:
        yield metering.Reading.of(running.client).names


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def charted() -> list[str]:
    """Every expression of the dashboard."""
    return [target["expr"] for panel in panels() for target in panel.get("targets", [])]


def alerts() -> list[tuple[str, str]]:
    """(name, all of its text) of every alert."""
    _, *parts = re.split(r"- alert: ", ALERTS.read_text())
    return [(part.split("\n")[0], part) for part in parts]


@pytest.mark.parametrize("text", [ALERTS.read_text(), "\n".join(charted())])
def test_every_metric_that_is_named_exists(text: str, names: set[str]) -> None:
    """In alerts and dashboard, to the suffix."""
    used = set(NAME.findall(text))
    assert len(used) > 20
    assert used <= names


@pytest.mark.parametrize("text", [ALERTS.read_text(), "\n".join(charted())])
def test_every_label_that_is_asked_for_may_occur(text: str) -> None:
    """A misspelt status or outcome would be an alert that never rings."""
    asked = [each for each in MATCHER.findall(text) if each[0] in LABELS]
    assert asked
    for label, _, pattern in asked:
        for choice in pattern.split("|"):
            assert any(re.fullmatch(choice, known) for known in LABELS[label]), (label, choice)


def test_the_dashboard_shows_every_metric(names: set[str]) -> None:
    """What is not worth a chart is not worth counting; facts that never change aside."""
    shown = set(NAME.findall("\n".join(charted())))
    shown = {re.sub("_(bucket|sum|count|total)$", "", name) for name in shown}
    known = {re.sub("_(bucket|sum|count|total)$", "", name) for name in names}
    assert known - shown == {
        "liveresize_process_max_fds",
        "liveresize_process_start_time_seconds",
        "liveresize_process_virtual_memory_bytes",
    }


def test_the_panels_fit_together() -> None:
    """No id twice, no panel over another, each with what it is measured in."""
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (place["x"] + across, place["y"] + down)
            for across in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        if panel["type"] == "timeseries":
            assert panel["fieldConfig"]["defaults"]["unit"]


@pytest.mark.parametrize(("name", "text"), alerts(), ids=[name for name, _ in alerts()])
def test_every_alert_has_its_paragraph(name: str, text: str) -> None:
    """Its annotation leads to a heading of the runbook, below which something stands."""
    (anchor,) = re.findall(r"runbook: docs/runbook\.md#(\S+)\n", text)
    assert anchor == name.lower()
    (paragraph,) = re.findall(rf"^## {name}\n(.+?)(?=^## |\Z)", RUNBOOK.read_text(), re.M | re.S)
    assert len(paragraph) > 150
    assert re.search(r"severity: (page|ticket)\b", text)
    assert "summary: " in text


def test_the_runbook_has_no_paragraph_without_an_alert() -> None:
    """An alert that went takes its paragraph along."""
    headings = re.findall(r"^## (\w+)$", RUNBOOK.read_text(), re.M)
    assert headings == [name for name, _ in alerts()]


def test_the_runbook_names_events_that_are_logged() -> None:
    """What it tells people to look for in the log is there to be found."""
    source = "\n".join(path.read_text() for path in (ROOT / "liveresize").rglob("*.py"))
    logged = set(re.findall(r'\.(?:debug|info|warning|error|exception)\(\s*"(\w+)"', source))
    families = set(re.findall(r'^    family = "(\w+)"', source, re.M))
    logged |= {f"{each}_{what}" for each in families for what in ("failing", "given_up")}
    named = set(re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)`", RUNBOOK.read_text()))
    named |= {"log_dropped"} & named
    fields = {"request_id", "image_id", "data_dir", "trusted_proxies", "keep_until", "claim_until"}
    known = logged | registry.OUTCOMES | fields | {"redirect_cache_timeout"}
    assert named - known <= {"log_dropped"}  # the log says that of itself


def test_telegraf_reads_what_there_is(names: set[str]) -> None:
    """Its file is TOML, asks /_metrics, and lets our metrics through."""
    told = tomllib.loads(TELEGRAF.read_text())
    (source,) = told["inputs"]["prometheus"]
    assert all(url.endswith("/_metrics") for url in source["urls"])
    (passed,) = source["namepass"]
    assert all(fnmatch(name, passed) for name in names)
    assert set(source["namedrop"]) <= names
    assert "${" in told["outputs"]["influxdb_v2"][0]["token"]  # no secret in a file


@needs_promtool
def test_prometheus_takes_configuration_and_alerts() -> None:
    """Its own tool reads both, and finds the one by the other."""
    ran = subprocess.run(
        ["promtool", "check", "config", str(SCRAPE)], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(alerts())} rules found" in ran.stdout


@needs_promtool
def test_prometheus_understands_what_is_charted(tmp_path: Path) -> None:
    """Every expression of the dashboard, with Grafana's variables filled in."""
    filled = [
        each.replace("$__rate_interval", "1m").replace("$instance", ".*") for each in charted()
    ]
    rules = [{"record": f"charted:n{index}", "expr": each} for index, each in enumerate(filled)]
    file = tmp_path / "rules.yml"  # JSON is YAML too
    file.write_text(json.dumps({"groups": [{"name": "charted", "rules": rules}]}))
    ran = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


RINGING = """
rule_files: [{alerts}]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: 'liveresize_mirror_backlog_oldest_seconds{{instance="one"}}'
        values: '0+60x60'
      - series: 'liveresize_requests_total{{instance="one",status="200"}}'
        values: '0+90x60'
      - series: 'liveresize_requests_total{{instance="one",status="504"}}'
        values: '0+10x60'
      - series: 'liveresize_uploads_total{{instance="one",route="upload",outcome="disk_full"}}'
        values: '0x30 1x30'
      - series: 'liveresize_worker_deaths_total{{instance="one"}}'
        values: '0x60'
      - series: 'liveresize_disk_free_inodes{{instance="one"}}'
        values: '0x60'
      - series: 'liveresize_disk_inodes{{instance="one"}}'
        values: '0x60'
    alert_rule_test:
{expected}
"""

FAILED_UPLOAD = "1 uploads to one failed through no fault of theirs."

EXPECTED = """
      - alertname: {name}
        eval_time: {minutes}m
        exp_alerts: {alerts}
"""


@needs_promtool
def test_alerts_ring_when_they_should(tmp_path: Path) -> None:
    """Played through by Prometheus' own tool: what rings, when, and what stays silent; a
    single failed upload is enough, and a disk that does not count inodes is not short of any."""

    def ringing(name: str, minutes: int, severity: str, summary: str) -> str:
        annotations = {"summary": summary, "runbook": f"docs/runbook.md#{name.lower()}"}
        alert = {
            "exp_labels": {"severity": severity, "instance": "one"},
            "exp_annotations": annotations,
        }
        return EXPECTED.format(name=name, minutes=minutes, alerts=json.dumps([alert]))

    def silent(name: str, minutes: int) -> str:
        return EXPECTED.format(name=name, minutes=minutes, alerts="[]")

    expected = [
        silent("LiveresizeMirrorBacklog", 10),
        ringing(
            "LiveresizeMirrorBacklog", 20, "page", "An original has been on one alone for 20m 0s."
        ),
        silent("LiveresizeErrors", 2),
        ringing("LiveresizeErrors", 30, "page", "10% of the answers of one are 5xx."),
        silent("LiveresizeUploadsFailing", 29),
        ringing("LiveresizeUploadsFailing", 35, "page", FAILED_UPLOAD),
        silent("LiveresizeWorkersDying", 50),
        silent("LiveresizeInodesFew", 50),
    ]
    file = tmp_path / "test.yml"
    file.write_text(RINGING.format(alerts=json.dumps(str(ALERTS)), expected="".join(expected)))
    ran = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
