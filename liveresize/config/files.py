"""The files of the configuration, by the names and in the order of node-config."""

import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from liveresize import errors
from liveresize.config import formats
from liveresize.config.layers import Layer

VARIABLES = "custom-environment-variables"
"""The file that tells which variables set which keys, without its extension."""

NOT_READ = (
    "js",
    "cjs",
    "mjs",
    "ts",
    "hjson",
    "toml",
    "coffee",
    "iced",
    "cson",
    "properties",
    "xml",
)
"""Extensions that node-config reads as well; a file of that kind stops the start."""

_AS_TEXT = ("boolean", "number")
"""What `__format` may say beside the extensions: the key knows what the text must be."""


def read(environ: Mapping[str, str], directory: Path | None) -> Iterator[Layer]:
    """One layer for every file that is there.

    Raises SettingsError for a folder that was named and is not there, and for a file that
    cannot be read or understood.
    """
    for path in _found(environ, directory, _names(environ)):
        yield Layer(str(path), formats.read(path))


def variables(environ: Mapping[str, str], directory: Path | None) -> Iterator[Layer]:
    """One layer for every variable that `custom-environment-variables` maps to a key.

    Variables that are empty or not there set nothing. Raises SettingsError as `read` does.
    """
    for path in _found(environ, directory, [VARIABLES]):
        yield from _mapped(formats.read(path), (), path, environ)


def folders(environ: Mapping[str, str], directory: Path | None = None) -> list[Path]:
    """The folders of the configuration, weakest first.

    Raises SettingsError for one that was named and is not there.
    """
    if directory is not None:
        named = [directory]
    else:
        parts = environ.get("NODE_CONFIG_DIR", "").split(os.pathsep)
        named = [Path(part) for part in parts if part]
    for folder in named:
        if not folder.is_dir():
            raise errors.SettingsError(f"The configuration folder {folder} is not there.")
    return named or [Path("config")]


def deployments(environ: Mapping[str, str]) -> list[str]:
    """The names of the deployment, which pick files; SettingsError if one is no plain name."""
    variable = deployment_variable(environ)
    names = (environ.get(variable) or "development").split(",")
    if not all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name) for name in names):
        raise errors.SettingsError(
            f"{variable} must be a plain name of letters, digits, dots, dashes and underscores, "
            "or several with commas between them."
        )
    return names


def deployment_variable(environ: Mapping[str, str]) -> str:
    """The variable that names the deployment."""
    return "NODE_CONFIG_ENV" if environ.get("NODE_CONFIG_ENV") else "NODE_ENV"


def unmatched(environ: Mapping[str, str], layers: Iterable[Layer]) -> Iterator[str]:
    """Sentences about names in the environment that no file answers to."""
    stems = [f"-{Path(layer.source).stem}-" for layer in layers]
    variable = deployment_variable(environ)
    for name in deployments(environ):
        if environ.get(variable) and not any(f"-{name}-" in stem for stem in stems):
            yield f"{variable} is {name}, but the configuration folder has no {name}.json."
    instance = environ.get("NODE_APP_INSTANCE")
    if instance and not any(stem.endswith(f"-{instance}-") for stem in stems):
        yield (
            f"NODE_APP_INSTANCE is {instance}, but the configuration folder has no "
            f"default-{instance}.json."
        )


def _names(environ: Mapping[str, str]) -> list[str]:
    """The names of the files without their extensions, weakest first."""
    given = deployments(environ)
    names = ["default", *given]
    host = environ.get("HOST") or environ.get("HOSTNAME") or socket.gethostname()
    hosts = dict.fromkeys((host.partition(".")[0], host)) if host else ()
    for deployment in given:
        names += [name for each in hosts for name in (each, f"{each}-{deployment}")]
    for deployment in given:
        names += ["local", f"local-{deployment}"]
    if instance := environ.get("NODE_APP_INSTANCE"):
        names = [name for each in names for name in (each, f"{each}-{instance}")]
    # Of a name that comes twice, the later place counts, as in node-config.
    return list(dict.fromkeys(reversed(names)))[::-1]


def _found(environ: Mapping[str, str], directory: Path | None, names: Iterable[str]) -> list[Path]:
    """The files of these names, weakest first. Raises SettingsError for one of NOT_READ."""
    extensions = (*formats.EXTENSIONS, *NOT_READ)
    order = [f"{name}.{extension}" for name in names for extension in extensions]
    places = {name: place for place, name in enumerate(order)}
    found = [
        path
        for folder in folders(environ, directory)
        for path in _listed(folder)
        if path.name in places
    ]
    for path in found:
        if path.suffix.removeprefix(".") in NOT_READ:
            raise errors.SettingsError(
                f"{path} is part of the configuration, and {path.suffix} files cannot be read: "
                f"write what it sets to {path.stem}.json, .json5 or .yaml, and move it away."
            )
    # Of one name in several folders, that of the later folder wins.
    return sorted(found, key=lambda path: places[path.name])


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise errors.SettingsError(f"The configuration folder cannot be read: {exc}.") from exc


def _mapped(
    given: Mapping[str, object], outer: tuple[str, ...], path: Path, environ: Mapping[str, str]
) -> Iterator[Layer]:
    """The layers of a mapping of keys to variables, below the key `outer`."""
    for part, value in given.items():
        keys = (*outer, part)
        if isinstance(value, dict) and not value.keys() & {"__name", "__format"}:
            yield from _mapped(value, keys, path, environ)
            continue
        variable, form = (
            (value.get("__name"), value.get("__format"))
            if isinstance(value, dict)
            else (value, _AS_TEXT[0])
        )
        if not isinstance(variable, str) or form not in (*formats.EXTENSIONS, *_AS_TEXT):
            raise errors.SettingsError(
                f"{'.'.join(keys)} in {path} must be the name of a variable, or an object with "
                f"`__name` and a `__format` of {', '.join((*formats.EXTENSIONS, *_AS_TEXT))}."
            )
        if text := environ.get(variable):
            source = f"environment variable {variable}, by {path}"
            read_as = formats.parse(text, form, source) if form not in _AS_TEXT else text
            yield Layer.of(source, keys, read_as)
