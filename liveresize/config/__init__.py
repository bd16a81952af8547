"""The configuration: `load` reads it, `Settings` is what comes back.

Layers, each over the one before: the defaults in the code, the files of the configuration
folder in the order of node-config, `NODE_CONFIG`, what `custom-environment-variables` maps,
the environment, options of the command line. Nothing is read at import.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

from liveresize import errors
from liveresize.config import check, files, layers, profiles
from liveresize.config.merge import Merge
from liveresize.config.report import KEYS, as_json, example, reference, table
from liveresize.config.root import Settings
from liveresize.settings import schema

__all__ = ["KEYS", "Settings", "as_json", "example", "load", "reference", "table"]


def load(
    environ: Mapping[str, str],
    directory: Path | None = None,
    options: Iterable[layers.Layer] = (),
) -> Settings:
    """The configuration in force for `environ` (as `os.environ`).

    `directory` is the folder of the files; by default those of `NODE_CONFIG_DIR`, else
    `config` in the working directory. `options` of the command line stand above everything.

    Raises SettingsError, with one sentence that names
    the key, where it stands and what is allowed.
    """
    if environ.get("NODE_CONFIG_PARSER"):
        raise errors.SettingsError(
            "NODE_CONFIG_PARSER names a parser of JavaScript, which cannot be run here: unset it, "
            "and write the configuration as JSON, JSON5 or YAML."
        )
    merge = Merge(KEYS)
    found = list(files.read(environ, directory))
    for layer in (
        *found,
        *layers.of_node_config(environ),
        *files.variables(environ, directory),
        *layers.of_environment(environ),
        *options,
    ):
        merge.add(layer)
    profiles.apply(merge)
    settings = schema.build(Settings, merge.values)
    settings = dataclasses.replace(settings, sources=merge.sources)
    deployments = files.deployments(environ)
    check.refuse(settings, deployments)
    unmatched = list(files.unmatched(environ, found))
    if unmatched and environ.get("NODE_CONFIG_STRICT_MODE") in ("1", "true"):
        raise errors.SettingsError(unmatched[0])
    warnings = [*unmatched, *merge.warnings, *check.warn(settings, deployments)]
    return dataclasses.replace(settings, warnings=tuple(warnings))
