"""The parts of docs/configuration.md: every key, and the variables with names of their own."""

import dataclasses
import itertools
import json

from liveresize import config
from liveresize.config import Settings, layers
from liveresize.settings import schema
from liveresize.settings.schema import Key
from scripts.site import marked

TOP = "The top level"


def parts() -> dict[str, str]:
    """Every part of the page by its name."""
    return {"variables": _variables(), "keys": _keys()}


def _variables() -> str:
    rows = [(f"`{variable}`", f"`{name}`") for variable, name in layers.ALIASES]
    variable, name = layers.OFF
    rows.append((f"`{variable}`", f"`{name}`: `true` or `1` turns it off"))
    return marked.table(("variable", "key"), rows)


def _keys() -> str:
    """One table for each section, under a heading that links can lead to."""
    purposes = {
        field.name: (field.type.__doc__ or "").partition("\n")[0]
        for field in dataclasses.fields(Settings)
        if isinstance(field.type, type)
    }
    made = []
    for section, keys in itertools.groupby(config.KEYS.values(), key=_section):
        made.append(f"### {section or TOP}\n")
        if section:
            made.append(f"{purposes[section]}\n")
        made.append(
            marked.table(("key and variable", "default", "meaning"), [_row(key) for key in keys])
            + "\n"
        )
    return "\n".join(made)


def _section(key: Key) -> str:
    return key.name.rpartition(".")[0]


def _row(key: Key) -> tuple[str, str, str]:
    variable = layers.PREFIX + key.name.upper().replace(".", "__")
    allowed = key.allowed[0].upper() + key.allowed[1:]
    secret = " **Secret.**" if key.secret else ""
    advanced = " *Advanced.*" if key.advanced else ""
    return (
        f"`{key.name}`<br>`{variable}`",
        f"`{json.dumps(schema.plain(key.default))}`",
        f"{key.description}{secret}{advanced}<br>{allowed}.",
    )
