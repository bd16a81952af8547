"""Texts of the configuration as values: JSON, JSON5 and YAML."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from liveresize import errors

EXTENSIONS = ("json", "jsonc", "json5", "yaml", "yml")
"""Formats that are read, weakest first, by the extension of a file."""


def read(path: Path) -> dict[str, object]:
    """The object that a file holds. Raises SettingsError with the file, and with the place."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise errors.SettingsError(f"{path} cannot be read: {exc}.") from exc
    return _an_object(parse(text, path.suffix.removeprefix("."), str(path)), str(path))


def parse(text: str, extension: str, source: str) -> object:
    """The value of `text` in the format of `extension`.

    A `.json` may have comments and trailing commas, as node-config takes them. Raises
    SettingsError with the place.
    """
    if extension in ("yaml", "yml"):
        return _yaml(text, source)
    if extension == "json":
        try:
            return _strict(text, source)
        except json.JSONDecodeError:
            pass
    return _json5(text, source)


def parse_object(text: str, source: str) -> dict[str, object]:
    """One object of strict JSON: no NaN, no key twice. Raises SettingsError with the place."""
    try:
        value = _strict(text, source)
    except json.JSONDecodeError as exc:
        place = f"line {exc.lineno}, column {exc.colno}"
        raise errors.SettingsError(f"{source} is not valid JSON at {place}: {exc.msg}.") from exc
    return _an_object(value, source)


def _an_object(value: object, source: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise errors.SettingsError(f"{source} must hold one object.")
    return value


def _strict(text: str, source: str) -> object:
    """A value of strict JSON. Raises JSONDecodeError, and SettingsError for NaN and the like."""
    try:
        value: object = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as exc:
        raise errors.SettingsError(f"{source} is not valid JSON: {exc}.") from exc
    return value


def _json5(text: str, source: str) -> object:
    import json5  # for few configurations, and slow to import

    try:
        value: object = json5.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as exc:
        place = re.fullmatch(r"<string>:(\d+) (.*) at column (\d+)", str(exc), re.DOTALL)
        if place is None:
            raise errors.SettingsError(f"{source} is not valid JSON: {exc}.") from exc
        line, what, column = place.groups()
        what = what.replace("\n", "a line break")
        raise errors.SettingsError(
            f"{source} is not valid JSON at line {line}, column {column}: {what}."
        ) from exc
    return value


def _yaml(text: str, source: str) -> object:
    import yaml  # for few configurations, and slow to import

    from liveresize.config import plain_yaml

    try:
        value = plain_yaml.load(text)
    except (yaml.YAMLError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        # The whole error shows the line, which may hold a secret.
        what = getattr(exc, "problem", None) or getattr(exc, "reason", None) or type(exc).__name__
        raise errors.SettingsError(f"{source} is not valid YAML{place}: {what}.") from None
    return value


def _once(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the key {name} stands twice in one object")
        found[name] = value
    return found


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON value")
