"""The three shapes of a line: Logstash's JSON, Elastic's JSON, and one for people."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Renderer = Callable[[Mapping[str, Any]], str]
"""Turns the fields of a record into text that ends in a newline."""

_ECS_VERSION = "8.11.0"

_ECS = {
    "level": "log.level",
    "logger_name": "log.logger",
    "event": "event.action",
    "host": "host.name",
    "pid": "process.pid",
    "request_id": "http.request.id",
    "http.method": "http.request.method",
    "http.status": "http.response.status_code",
    "bytes": "http.response.body.bytes",
}

_ECS_OWN = frozenset({"message", "tags", "labels"})
"""Names without a dot that Elastic gives a meaning; others go under our own name."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_UNSEEN = frozenset(
    {"@timestamp", "@version", "level", "logger_name", "message", "event", "host", "pid"}
    | {"error.stack_trace"}
)
"""Fields that a line for people says elsewhere, or not at all."""

_encode = json.JSONEncoder(default=repr, allow_nan=False, separators=(",", ":")).encode


def logstash(fields: Mapping[str, Any]) -> str:
    """One line of JSON; control and non-ASCII characters are escaped.

    What cannot be JSON is put in as its `repr`.
    """
    try:
        return _encode(fields) + "\n"
    except (ValueError, TypeError, RecursionError):
        safe = {str(name): _safe(value) for name, value in fields.items()}
        return _encode(safe) + "\n"


def ecs(fields: Mapping[str, Any]) -> str:
    """The same under Elastic's names; `duration_ms` becomes `event.duration` in ns."""
    named: dict[str, Any] = {"@timestamp": fields["@timestamp"], "ecs.version": _ECS_VERSION}
    for name, value in fields.items():
        if name.startswith("@"):
            continue
        if name == "duration_ms":
            named["event.duration"] = int(value * 1_000_000)
        elif name in _ECS:
            named[_ECS[name]] = value
        elif "." in name or name in _ECS_OWN:
            named[name] = value
        else:
            named[f"liveresize.{name}"] = value
    return logstash(named)


def console(fields: Mapping[str, Any]) -> str:
    """Time, level, message and what else there is; a traceback below.

    Control characters are spelled out, so that no request can drive the terminal.
    """
    rest = " ".join(
        f"{name}={_visible(str(value))}" for name, value in fields.items() if name not in _UNSEEN
    )
    clock = fields["@timestamp"][11:23]
    message = _visible(fields["message"])
    head = f"{clock} {fields['level']:8} {message}  {rest}".rstrip() + "\n"
    trace = fields.get("error.stack_trace", "")
    return head + "".join(f"    {_visible(line)}\n" for line in trace.splitlines())


def _visible(text: str) -> str:
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _safe(value: object) -> object:
    try:
        _encode(value)
    except (ValueError, TypeError, RecursionError):
        return repr(value)
    return value
