"""The texts of all files, by their names in deploy/elk."""

import json
from collections.abc import Sequence
from typing import Any

from scripts.elk_files import dashboard
from scripts.elk_files.fields import FORMATS, Field, read

_MAPPINGS: dict[str, dict[str, Any]] = {
    "date": {"type": "date"},
    "keyword": {"type": "keyword", "ignore_above": 2048},
    "text": {"type": "text"},
    "trace": {"type": "text", "index": False},
    "ip": {"type": "ip"},
    "long": {"type": "long"},
    "float": {"type": "double"},
    "boolean": {"type": "boolean"},
}
"""How Elasticsearch keeps each type."""

_MAY_BE_ODD = frozenset({"date", "ip", "long", "float"})
"""Types of which one bad value would else keep the whole line out."""

_JSON: dict[str, dict[str, Any]] = {
    "date": {"type": "string", "format": "date-time"},
    "keyword": {"type": "string", "maxLength": 65_535},
    "text": {"type": "string", "maxLength": 65_535},
    "trace": {"type": "string", "maxLength": 65_535},
    "ip": {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
    "long": {"type": "integer"},
    "float": {"type": "number"},
    "boolean": {"type": "boolean"},
}

_NARROWER: dict[str, dict[str, Any]] = {
    "@timestamp": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
    "@version": {"const": "1"},
    "level": {"enum": ["debug", "info", "warning", "error", "critical"]},
    "event": {"pattern": "^[a-z][a-z0-9_]*$"},
    "request_id": {"pattern": "^[A-Za-z0-9._~-]{1,64}$"},
    "http.method": {"maxLength": 32},
    "url.path": {"maxLength": 2048},
    "http.status": {"minimum": 100, "maximum": 599},
}
"""What is known of a field beyond its type, by its name in the format `logstash`."""


def files() -> dict[str, str]:
    """Every file that follows from the list of fields."""
    written: dict[str, str] = {}
    for form in FORMATS:
        fields = read(form)
        written[f"schema/{form}.json"] = _text(_schema(form, fields))
        written[f"index-template-{form}.json"] = _text(_template(form, fields))
        written[f"dashboard-{form}.ndjson"] = dashboard.ndjson(form)
    return written


def _schema(form: str, fields: Sequence[Field]) -> dict[str, Any]:
    narrower = {
        ours.name: _NARROWER.get(plain.name, {})
        for ours, plain in zip(_shared(fields), _plain(form), strict=True)
    }
    event = "event" if form == "logstash" else "event.action"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"One line of the log of liveresize, with log.format {form}",
        "type": "object",
        "properties": {each.name: _property(each, narrower.get(each.name, {})) for each in fields},
        "required": [each.name for each in fields if each.every],
        "additionalProperties": False,
        "if": {"properties": {event: {"const": "access"}}},
        "then": {"required": [each.name for each in fields if each.access]},
    }


def _plain(form: str) -> list[Field]:
    """The fields in the names of `logstash`, as far as that format has them."""
    return [each for each in read() if form == "logstash" or each.name != "@version"]


def _shared(fields: Sequence[Field]) -> list[Field]:
    return [each for each in fields if each.name != "ecs.version"]


def _property(field: Field, narrower: dict[str, Any]) -> dict[str, Any]:
    one = _JSON[field.type] | narrower
    if field.many:
        one = {"type": "array", "items": one}
    elif not field.every and not field.access:
        one = one | {"type": [one["type"], "null"]}
    return {"description": field.meaning, **one}


def _template(form: str, fields: Sequence[Field]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for field in fields:
        *above, last = field.name.split(".")
        place = properties
        for name in above:
            place = place.setdefault(name, {"properties": {}})["properties"]
        place[last] = dict(_MAPPINGS[field.type])
        if field.type in _MAY_BE_ODD and field.name != "@timestamp":
            place[last]["ignore_malformed"] = True
    return {
        "index_patterns": [f"logs-liveresize.{form}-*"],
        "data_stream": {},
        "priority": 500,
        "template": {
            "settings": {"index": {"codec": "best_compression", "refresh_interval": "5s"}},
            "mappings": {"dynamic": False, "date_detection": False, "properties": properties},
        },
        "_meta": {"description": f"Logs of liveresize with log.format {form}"},
    }


def _text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
