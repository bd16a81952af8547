"""The layers of the configuration: what files and environment say, weakest first."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from liveresize import errors

PREFIX = "LIVERESIZE_"
"""What a variable begins with that sets a key: `LIVERESIZE_A__B` sets `a.b`."""

ALIASES = (
    ("PORT", "listen_port"),
    ("AWS_ACCESS_KEY", "aws.access_key"),
    ("AWS_ACCESS_KEY_ID", "aws.access_key"),
    ("AWS_SECRET_ACCESS_KEY", "aws.secret_key"),
    ("AWS_REGION", "aws.region"),
    ("URI_HOSTNAME", "vip.hostname"),
    ("AUTH_TOKEN", "vip.token"),
    ("ALLOWED_ORIGIN", "vip.allowed_origins"),
    ("VIP_SIZE_LIMIT", "vip.size_limit"),
    ("VIP_MAX_WIDTH", "vip.max_width"),
)
"""Variables with names of their own, weakest first; empty ones count as not set."""

OFF = ("DISABLE_HTTP2", "http2")
"""A variable of vip that turns a key off where it says `true`, in any case, or `1`."""

OTHER_VARIABLES = frozenset({"LIVERESIZE_CORPUS"})
"""Variables that begin with the prefix and belong to the tests."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of values, nested as in JSON; `source` is its name in a sentence.

    `textual` layers hold every value as the text of a variable.
    """

    source: str
    values: Mapping[str, object]
    textual: bool = False


def of_files(environ: Mapping[str, str], directory: Path | None) -> Iterator[Layer]:
    """The files of the configuration folder that exist.

    Raises SettingsError where the folder was named and is not there, or a file is not
    strict JSON.
    """
    named = directory or environ.get("NODE_CONFIG_DIR")
    folder = Path(named or "config")
    if named and not folder.is_dir():
        raise errors.SettingsError(f"The configuration folder {folder} is not there.")
    for name in ("default", deployment(environ), "local"):
        path = folder / f"{name}.json"
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as exc:
            raise errors.SettingsError(f"{path} cannot be read: {exc}.") from exc
        yield Layer(str(path), parse_object(text, str(path)))


def deployment(environ: Mapping[str, str]) -> str:
    """The name of the deployment, which picks one file; SettingsError if it is no name."""
    name = environ.get("NODE_ENV") or "development"
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
        raise errors.SettingsError(
            "NODE_ENV must be a plain name of letters, digits, dots, dashes and underscores."
        )
    return name


def of_environment(environ: Mapping[str, str]) -> Iterator[Layer]:
    """One layer for every variable that sets something, the most specific ones last."""
    for variable, name in ALIASES:
        if environ.get(variable):
            yield _variable(variable, name.split("."), environ[variable])
    if environ.get(OFF[0], "").strip().lower() in ("true", "1"):
        yield _variable(OFF[0], [OFF[1]], "false")
    # `A` goes before `A__B`: a whole object first, then single keys of it.
    for variable in sorted(environ, key=lambda each: (each.count("__"), each)):
        if variable.startswith(PREFIX) and variable not in OTHER_VARIABLES:
            path = variable.removeprefix(PREFIX).lower().split("__")
            yield _variable(variable, path, environ[variable])


def parse_object(text: str, source: str) -> dict[str, object]:
    """One object of strict JSON: no NaN, no key twice. Raises SettingsError with the place."""
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as exc:
        raise errors.SettingsError(
            f"{source} is not valid JSON at line {exc.lineno}, column {exc.colno}: {exc.msg}."
        ) from exc
    except (ValueError, RecursionError) as exc:
        raise errors.SettingsError(f"{source} is not valid JSON: {exc}.") from exc
    if not isinstance(value, dict):
        raise errors.SettingsError(f"{source} must hold one JSON object.")
    return value


def _variable(variable: str, path: list[str], text: str) -> Layer:
    *outer, last = path
    values: dict[str, object] = {last: text}
    for part in reversed(outer):
        values = {part: values}
    return Layer(f"environment variable {variable}", values, textual=True)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice} stands twice in one object")
    return found


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON value")
