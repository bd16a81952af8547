"""Putting layers over each other: every value checked, its source noted."""

import difflib
import json
from collections.abc import Mapping
from typing import cast

from liveresize import errors
from liveresize.config import formats
from liveresize.config.layers import Layer
from liveresize.settings.schema import Key
from liveresize.settings.values import Kind

BUILT_IN = "built-in default"
"""The source of a value that nobody set."""

RETIRED = {
    "db_file": "move in what it holds with `liveresize import iaas --sqlite`",
    "metrics": "liveresize has /_metrics instead, which Telegraf writes to InfluxDB",
}
"""Keys of the published service that have no use here, and why."""


class Merge:
    """The values in force after the layers that were added, with sources and warnings."""

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._keys = keys
        self._sections = {name.rpartition(".")[0] for name in keys} - {""}
        self.values: dict[str, object] = {name: key.default for name, key in keys.items()}
        self.sources: dict[str, str] = dict.fromkeys(keys, BUILT_IN)
        self.warnings: list[str] = []

    def add(self, layer: Layer) -> None:
        """Put `layer` on top. Raises SettingsError for a value that is not allowed."""
        self._object("", layer.values, layer)

    def _object(self, prefix: str, given: Mapping[str, object], layer: Layer) -> None:
        for part, value in given.items():
            name = prefix + part
            if name in self._keys:
                self._value(self._keys[name], value, layer)
            elif name in self._sections:
                self._section(name, value, layer)
            elif name in RETIRED:
                self.warnings.append(f"{name} in {layer.source} is not used: {RETIRED[name]}.")
            else:
                self._unknown(name, layer)

    def _section(self, name: str, value: object, layer: Layer) -> None:
        if isinstance(value, str) and layer.textual:
            value = formats.parse_object(value, layer.source)
            layer = Layer(layer.source, value)
        if value is None:  # every default of the section comes back
            value = dict.fromkeys(self._parts_of(name))
        if not isinstance(value, dict):
            raise errors.SettingsError(f"{name} in {layer.source} must be an object.")
        self._object(f"{name}.", value, layer)

    def _parts_of(self, section: str) -> list[str]:
        prefix = f"{section}."
        return [name.removeprefix(prefix) for name in self._keys if name.startswith(prefix)]

    def _value(self, key: Key, value: object, layer: Layer) -> None:
        given = _from_text(key, value) if layer.textual else value
        try:
            checked = key.read(given)
        except ValueError as exc:
            shown = "" if key.secret else f" is {_shown(value)}, but"
            raise errors.SettingsError(
                f"{key.name} in {layer.source}{shown} must be {exc}."
            ) from exc
        if key.kind is Kind.PRESETS and given is not None:
            checked = _merged(self.values[key.name], checked)
        self.values[key.name] = checked
        # A null takes the default back, and then the default is where it comes from.
        taken_back = given is None and not key.nullable
        self.sources[key.name] = BUILT_IN if taken_back else layer.source

    def _unknown(self, name: str, layer: Layer) -> None:
        # A key in the wrong section still has the right last word.
        last: dict[str, str] = {}
        for known in self._keys:
            last.setdefault(known.rpartition(".")[2], known)
        word = name.rpartition(".")[2]
        near = [last[name]] if name in last else []
        near = near or difflib.get_close_matches(name, [*self._keys, *self._sections], n=1)
        near = near or [last[each] for each in difflib.get_close_matches(word, last, 1, 0.8)]
        hint = f": did you mean {near[0]}?" if near else "."
        self.warnings.append(f"{name} in {layer.source} is not a known key{hint}")


def _from_text(key: Key, value: object) -> object:
    """What the text of a variable says: null, a JSON string, or itself."""
    if not isinstance(value, str):
        return value
    if key.kind is not Kind.TEXT:
        return None if value.strip() == "null" else value
    if len(value) > 1 and value[0] == value[-1] == '"':
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _merged(below: object, above: object) -> dict[str, dict[str, str]]:
    """Presets over presets: names and their parameters merge, like objects anywhere."""
    old = cast(dict[str, dict[str, str]], below)
    new = cast(dict[str, dict[str, str]], above)
    return old | {name: old.get(name, {}) | given for name, given in new.items()}


def _shown(value: object) -> str:
    """A value as a sentence shows it: JSON, and not too much of it."""
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
