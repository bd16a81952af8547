"""The configuration as people read it: what is in force, the example file, the reference."""

import json
from collections.abc import Iterator, Mapping

from liveresize.config import merge, profiles
from liveresize.config.root import Settings
from liveresize.settings import schema
from liveresize.settings.schema import Key

MASK = "********"
"""What stands for a secret that is set."""

KEYS: Mapping[str, Key] = {key.name: key for key in schema.keys(Settings)}
"""Every key by its dotted name, in the order of the example file."""


def in_force(settings: Settings, changed: bool = False) -> Iterator[tuple[str, object, str]]:
    """Every key with its value as JSON has it, secrets masked, and the value's source.

    `changed` leaves out the keys whose value is their default.
    """
    for name, key in KEYS.items():
        value = schema.value(settings, name)
        if changed and value == key.default:
            continue
        shown = MASK if key.secret and value else schema.plain(value)
        yield name, shown, settings.sources.get(name, merge.BUILT_IN)


def table(settings: Settings, changed: bool = False) -> str:
    """What is in force, one key a line: name, value, source; then the warnings."""
    rows = [
        (name, json.dumps(value, ensure_ascii=False), source)
        for name, value, source in in_force(settings, changed)
    ]
    name_width = max((len(name) for name, _, _ in rows), default=0)
    value_width = min(40, max((len(value) for _, value, _ in rows), default=0))
    lines = [
        f"{name:{name_width}}  {value:{value_width}}  {source}" for name, value, source in rows
    ]
    if changed and not rows:
        lines = ["Every setting has its default."]
    return "\n".join([*lines, *(f"warning: {sentence}" for sentence in settings.warnings)])


def as_json(settings: Settings, changed: bool = False) -> str:
    """What is in force as JSON: `{"values": {key: {"value", "source"}}, "warnings": []}`."""
    values = {
        name: {"value": value, "source": source}
        for name, value, source in in_force(settings, changed)
    }
    return json.dumps({"values": values, "warnings": list(settings.warnings)}, indent=2)


IN_NEW: Mapping[str, object] = {
    "renditions.metadata": "rights",
    **dict.fromkeys(profiles.PROFILES["open"]),
}
"""Keys that have another value in new configurations: one whose default is that of 1.0.0, whose
URLs are to keep their bytes, and null for those that `security.profile` sets."""


def example() -> str:
    """The text of `default.json.example`: every key with its default, or the value in IN_NEW."""
    nested: dict[str, object] = {}
    for name, key in KEYS.items():
        *sections, last = name.split(".")
        here = nested
        for part in sections:
            here = here.setdefault(part, {})  # type: ignore[assignment]
        here[last] = IN_NEW.get(name, schema.plain(key.default))
    return json.dumps(nested, indent=2) + "\n"


def reference() -> str:
    """A Markdown table of every key: default, what is allowed, and what it means."""
    rows = [
        f"| `{name}` | `{json.dumps(schema.plain(key.default))}` | {key.allowed} "
        f"| {key.description}{' *Advanced.*' if key.advanced else ''} |"
        for name, key in KEYS.items()
    ]
    return "\n".join(["| key | default | allowed | meaning |", "|---|---|---|---|", *rows]) + "\n"
