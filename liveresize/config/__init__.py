"""The configuration: `load` reads it, `Settings` is what comes back.

Layers, each over the one before: the defaults in the code, `config/default.json`,
`config/$NODE_ENV.json`, `config/local.json`, the environment. Nothing is read at import.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from liveresize.config import check, layers
from liveresize.config.merge import Merge
from liveresize.config.report import KEYS, as_json, example, reference, table
from liveresize.config.root import Settings
from liveresize.settings import schema

__all__ = ["KEYS", "Settings", "as_json", "example", "load", "reference", "table"]


def load(environ: Mapping[str, str], directory: Path | None = None) -> Settings:
    """The configuration in force for `environ` (as `os.environ`).

    `directory` is the folder of the files; by default `NODE_CONFIG_DIR`, else `config`
    in the working directory. Raises SettingsError, with one sentence that names the
    key, where it stands and what is allowed.
    """
    merge = Merge(KEYS)
    files = list(layers.of_files(environ, directory))
    for layer in [*files, *layers.of_environment(environ)]:
        merge.add(layer)
    settings = schema.build(Settings, merge.values)
    settings = dataclasses.replace(settings, sources=merge.sources)
    check.refuse(settings, layers.deployment(environ))
    warnings = [*_missing_deployment(environ, files), *merge.warnings, *check.warn(settings)]
    return dataclasses.replace(settings, warnings=tuple(warnings))


def _missing_deployment(environ: Mapping[str, str], files: list[layers.Layer]) -> list[str]:
    """A warning where NODE_ENV names a deployment that has no file."""
    name = layers.deployment(environ)
    if not environ.get("NODE_ENV") or any(Path(f.source).stem == name for f in files):
        return []
    return [f"NODE_ENV is {name}, but the configuration folder has no {name}.json."]
