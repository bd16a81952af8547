"""What the code may put into a line of its log, read from the code itself; and whether the
lines of a log are as their schema has them."""

import ast
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

from liveresize.observe.log import bounds
from scripts.elk_files.fields import FOLDER

PACKAGE = Path(__file__).parents[2] / "liveresize"

COMMON = {"@timestamp", "@version", "level", "logger_name", "message", "event", "host", "pid"}

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}

LOGGERS = {"_log", "log", "logger"}
"""What modules call their loggers."""

ACCESS = {
    "method": "http.method",
    "path": "url.path",
    "status": "http.status",
    "client": "client.ip",
    "size": "bytes",
    "route": "",
    "trace": "",
}
"""Arguments of the access line → its fields; the route is for the metrics alone, and what the log
has of the trace is in BESIDE."""

EXCEPTION = {f"exception.{part}" for part in ("type", "message", "stack_trace", "detail")}

SPREAD = {
    "http/access.py": set[str](),  # its callers are looked at
    "workers/pool.py": {"job", "path", "variant"},
    "http/transport/clients.py": {"client.ip"},
    "http/transport/http2.py": {"client.ip"},
    "http/transport/listener.py": {"client.ip"},
    "storage/bucket_health.py": {"hint"},
    "app/stats.py": {"hits", "misses", "uploads", "generations"},
}
"""Modules that log a mapping → the fields in it."""

BESIDE = {"count", "sample", "trace.id", "span.id"}
"""What the log itself adds: to the line about dropped ones, to thinned hits, to traced requests."""


def inventory() -> dict[str, set[str]]:
    """Every field → the modules that may set it."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in COMMON | EXCEPTION | BESIDE:
        found[name].add("log")
    for module, _, names in events():
        for name in names:
            found[name].add(module)
    return found


def events() -> Iterator[tuple[str, str, set[str]]]:
    """Each call that logs: its module, its event where the call says it, and its fields."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = str(path.relative_to(PACKAGE))
        for call, fields in _calls(ast.parse(path.read_text())):
            names: set[str] = set()
            for keyword in call.keywords:
                names |= {fields.get(keyword.arg, keyword.arg)} if keyword.arg else SPREAD[module]
            said = call.args[0] if call.args else None
            event = str(said.value) if isinstance(said, ast.Constant) else ""
            yield module, event, names - {""}


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, dict[str, str]]]:
    """Calls that log, with what their keywords are called in a line where that differs."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner, method = node.func.value, node.func.attr
        named = owner.id if isinstance(owner, ast.Name) else ""
        if (named, method) in (("log", "access"), ("access", "note")):
            yield node, ACCESS
        elif named in LOGGERS and method in LEVELS | {"bind"}:
            yield node, {"exc_info": ""}


def validator(form: str) -> jsonschema.Draft202012Validator:
    """Of one line in that format."""
    schema = json.loads((FOLDER / "schema" / f"{form}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Every line of a log, each of them a JSON object in ASCII, and bounded in length."""
    text = path.read_bytes()
    assert text.endswith(b"\n")
    for line in text.split(b"\n")[:-1]:
        assert len(line) <= bounds.LINE
        assert line.isascii()
        assert line.decode().isprintable()
        yield json.loads(line)


def check(path: Path, form: str) -> list[dict[str, Any]]:
    """The lines of a log, all of them as the schema has it."""
    schema = validator(form)
    found = list(lines_of(path))
    for line in found:
        wrong = [f"{each.json_path}: {each.message}" for each in schema.iter_errors(line)]
        assert wrong == [], line
    return found
