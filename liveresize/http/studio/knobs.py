"""The knobs that the page of the studio makes by itself, one for each row of `core.operations`."""

from collections.abc import Mapping
from typing import Any

from liveresize.core.operation import Effect, Operation, UrlRules
from liveresize.core.operations import OPERATIONS

PLACED = frozenset({"fit", "gravity", "quality", "rotate", "flip", "bg", "enlarge", "animate"})
"""Operations whose knobs are in the page, because they depend on others."""

LONGEST = 1000
"""Steps of a slider; above, a number is typed."""

Knob = dict[str, object]


def described(rules: UrlRules) -> dict[str, Knob]:
    """Return the knobs by the names of their operations.

    Each has its `default`. One with `values` is a list to choose from; of others the rest are the
    properties of an `<input>`. `shape` says that it changes more than colours.
    """
    knobs = {
        name: _knob(row, rules)
        for name, row in OPERATIONS.items()
        if name not in PLACED and (not row.configured or row.configured(rules))
    }
    for name, knob in knobs.items():
        row = OPERATIONS[name]
        knob["title"] = row.about.replace("`", "")
        if row.effect in (Effect.PART, Effect.EDGE):
            knob["shape"] = True
    return knobs


def _knob(row: Operation, rules: UrlRules) -> Knob:
    if row.configured:
        return {"values": ["", *row.configured(rules)], "default": ""}
    each: list[Mapping[str, Any]] = row.schema.get("anyOf", [row.schema])
    widest = each[-1]
    if "enum" in widest:
        return {"values": widest["enum"], "default": row.plain}
    if widest["type"] == "boolean":
        return {"type": "checkbox", "default": False}
    words = widest["type"] == "string" or any("enum" in other for other in each)
    if words or "maximum" not in widest:
        return {"type": "text", "placeholder": str(row.example), "default": ""}
    least, most = widest["minimum"], widest["maximum"]
    whole = widest["type"] == "integer"
    if most - least > LONGEST:
        return {"type": "number", "min": 0, "max": most, "default": 0}
    fine = 0.5 if most > 10 else 0.1
    step = max(1, least) if whole else fine
    return {"type": "range", "min": min(0, least), "max": most, "step": step, "default": 0}
