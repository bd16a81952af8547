"""The shapes of a line: the JSON of Logstash, Elastic and Live Image Resize, and one for people."""

import datetime
import json
from collections.abc import Callable, Mapping
from typing import Any

from liveresize.observe.log import bounds

Renderer = Callable[[Mapping[str, Any]], str]
"""Turns the fields of a record into text that ends in a newline."""

ECS_VERSION = "8.11.0"

_ECS = {
    "@timestamp": "@timestamp",
    "@version": "",
    "duration_ms": "event.duration",
    "level": "log.level",
    "logger_name": "log.logger",
    "event": "event.action",
    "host": "host.name",
    "pid": "process.pid",
    "request_id": "http.request.id",
    "http.method": "http.request.method",
    "http.status": "http.response.status_code",
    "bytes": "http.response.body.bytes",
    "exception.type": "error.type",
    "exception.message": "error.message",
    "exception.stack_trace": "error.stack_trace",
    "exception.detail": "error.detail",
}

_ECS_OWN = frozenset({"message", "tags", "labels"})
"""Names without a dot that Elastic gives a meaning; others go under our own name."""

_IAAS_SEVERITIES = {"warning": "warn", "critical": "error"}

_UNSEEN = frozenset(
    {"@timestamp", "@version", "level", "logger_name", "message", "event", "host", "pid"}
    | {"exception.stack_trace"}
)
"""Fields that a line for people says elsewhere, or not at all."""

_encode = json.JSONEncoder(default=repr, allow_nan=False, separators=(",", ":")).encode


def logstash(fields: Mapping[str, Any]) -> str:
    """One line of JSON, in ASCII and of less than `bounds.LINE` bytes.

    What cannot be JSON is put in as its `repr`.
    """
    try:
        line = _encode(fields)
    except (ValueError, TypeError, RecursionError):
        fields = {str(name): _safe(value) for name, value in fields.items()}
        line = _encode(fields)
    if not bounds.is_plain(line):
        line = bounds.fitted(json.loads(line))
    return line + "\n"


def ecs(fields: Mapping[str, Any]) -> str:
    """The same under Elastic's names; `duration_ms` becomes `event.duration` in ns."""
    named: dict[str, Any] = {"@timestamp": fields["@timestamp"], "ecs.version": ECS_VERSION}
    for name, value in fields.items():
        if name == "duration_ms":
            named[ecs_name(name)] = int(value * 1_000_000)
        elif not name.startswith("@"):
            named[ecs_name(name)] = value
    return logstash(named)


def ecs_name(name: str) -> str:
    """What `ecs` calls a field; `@version` is left out there, and its name empty."""
    if name in _ECS:
        return _ECS[name]
    if "." in name or name in _ECS_OWN:
        return name
    return f"liveresize.{name}"


def iaas(fields: Mapping[str, Any]) -> str:
    """The names of Live Image Resize for time (Unix ms), level and message, then ours."""
    severity = "stats" if fields["event"] == "stats" else fields["level"]
    moment = datetime.datetime.fromisoformat(fields["@timestamp"])
    named: dict[str, Any] = {
        "datetime": round(moment.timestamp() * 1000),
        "severity": _IAAS_SEVERITIES.get(severity, severity),
        "message": fields["message"],
    }
    for name, value in fields.items():
        if name not in ("@timestamp", "@version", "level"):
            named.setdefault(name, value)
    return logstash(named)


def console(fields: Mapping[str, Any]) -> str:
    """Time, level, message and what else there is; a traceback below.

    Whatever does not print is spelled out, so that no request can drive the terminal, nor
    turn the direction of what stands there.
    """
    rest = " ".join(
        f"{name}={_visible(str(value))}" for name, value in fields.items() if name not in _UNSEEN
    )
    clock = fields["@timestamp"][11:23]
    message = _visible(fields["message"])
    head = f"{clock} {fields['level']:8} {message}  {rest}".rstrip() + "\n"
    trace = fields.get("exception.stack_trace", "")
    return head + "".join(f"    {_visible(line)}\n" for line in trace.splitlines())


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _safe(value: object) -> object:
    try:
        _encode(value)
    except (ValueError, TypeError, RecursionError):
        return repr(value)
    return value
