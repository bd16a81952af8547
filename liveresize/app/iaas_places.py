"""Where an import from the published service reads and writes, and the settings it asks for."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import sqlalchemy as sa

from liveresize.app.database import database_url
from liveresize.compat.iaas.originals import Taking
from liveresize.config import Settings, files
from liveresize.config.merge import BUILT_IN
from liveresize.settings import schema
from liveresize.storage.index import engines

_PLACES = ("postgresql.url", "postgresql.host", "database.path", "data_dir", "originals_dir")
"""Any of these keys says where this installation keeps something."""

_MODES = {
    Taking.COPY: "copies, without location and maker's data",
    Taking.LINK: "hard links",
    Taking.IN_PLACE: "the files stay where they are",
}

_ALWAYS: Mapping[str, object] = {"compat.lenient": True, "originals.upright": True}
"""What keeps the answers that clients of the published service know."""

_ABSENT: Mapping[str, object] = {"webp.allow_opt_in": False, "redirect_cache_timeout": 0}
"""What a key meant there where a configuration does not have it."""


def configured(settings: Settings) -> bool:
    """Whether something says where to write, and not the built-in defaults alone."""
    return any(_source(settings, name) != BUILT_IN for name in _PLACES)


NOT_CONFIGURED = (
    f"No configuration was found that says where to write: none of {', '.join(_PLACES)} is set. "
    "Set NODE_CONFIG_DIR and NODE_ENV in this shell (export them), or accept the built-in "
    "folder with --yes."
)


def plan(settings: Settings, reads: str, directory: Path, taking: Taking) -> Iterator[str]:
    """Yield where it reads and where it writes, one place a line, without passwords."""
    yield f"reads:  {shown(reads)}"
    yield f"        {directory.absolute()}"
    yield f"writes: {_database(settings)}"
    folder, source = _folder(settings)
    yield f"        {folder}  ({source}; {_MODES[taking]})"


def way_back(settings: Settings, writes: str, directory: Path) -> Iterator[str]:
    """Yield where an export reads and where it writes, one place a line, without passwords."""
    folder, source = _folder(settings)
    yield f"reads:  {_database(settings)}"
    yield f"        {folder}  ({source})"
    yield f"writes: {shown(writes)}"
    yield f"        {directory.absolute()}"


def shown(url: str) -> str:
    """Return the URL of a database without its password; of SQLite the path of its file."""
    parsed = engines.parse_url(url)
    if parsed.get_backend_name() == engines.SQLITE:
        return (parsed.database or "").removeprefix("file:")
    public = sa.URL.create(
        engines.POSTGRESQL, parsed.username, None, parsed.host, parsed.port, parsed.database
    )
    places = {name: parsed.query[name] for name in ("host", "port") if name in parsed.query}
    if places.get("port") == "5432":
        del places["port"]
    return str(public.set(query=places))


def same_database(settings: Settings, url: str) -> bool:
    """Whether the published service and this installation share a database."""
    ours, theirs = engines.parse_url(database_url(settings)), engines.parse_url(url)
    return _place(ours) == _place(theirs)


def _place(url: sa.URL) -> tuple[object, str | None]:
    return url.host or url.query.get("host"), url.database


def old_behaviour(settings: Settings, *, own: bool) -> dict[str, object]:
    """Return the keys that keep what clients know, as far as nothing sets them.

    `own` says that the configuration is that of the published service: what it does not set
    means what it meant there.
    """
    keys = {**_ALWAYS, **(_ABSENT if own else {})}
    return {name: value for name, value in keys.items() if _source(settings, name) == BUILT_IN}


def settings_file(environ: Mapping[str, str]) -> Path | None:
    """Return the file for settings of this machine and deployment; None without a folder."""
    folder = files.folders(environ)[-1]
    return folder / f"local-{files.deployments(environ)[-1]}.json" if folder.is_dir() else None


def unread(environ: Mapping[str, str]) -> str:
    """Return a sentence if the folder has a production.json that is not read, or ""."""
    folder = files.folders(environ)[-1]
    if "production" in files.deployments(environ) or not (folder / "production.json").exists():
        return ""
    variable = files.deployment_variable(environ)
    return f"{variable} is not production, so {folder / 'production.json'} is not read."


def nested(keys: Mapping[str, object]) -> str:
    """Return dotted keys as JSON, as a configuration file has them."""
    tree: dict[str, object] = {}
    for name, value in keys.items():
        *sections, last = name.split(".")
        here = tree
        for part in sections:
            here = here.setdefault(part, {})  # type: ignore[assignment]
        here[last] = value
    return json.dumps(tree, indent=2)


def write_settings(file: Path, keys: Mapping[str, object]) -> str:
    """Write `keys` to a configuration file that is missing or empty.

    Returns why that failed, or an empty string.
    """
    try:
        if file.exists() and file.read_text(encoding="utf-8").strip() not in ("", "{}"):
            return "it has other settings"
        file.write_text(nested(keys) + "\n", encoding="utf-8")
    except OSError as error:
        return str(error.strerror).lower()
    return ""


def _folder(settings: Settings) -> tuple[Path, str]:
    key = "originals_dir" if settings.originals_dir else "data_dir"
    return settings.originals_folder.absolute(), _set_in(settings, key)


def _database(settings: Settings) -> str:
    return f"{shown(database_url(settings))}  ({_database_source(settings)})"


def _database_source(settings: Settings) -> str:
    for key in ("postgresql.url", "postgresql.host", "database.path"):
        if _source(settings, key) != BUILT_IN and schema.value(settings, key):
            return _set_in(settings, key)
    return _set_in(settings, "data_dir")


def _set_in(settings: Settings, name: str) -> str:
    return f"{name} in {_source(settings, name)}"


def _source(settings: Settings, name: str) -> str:
    return settings.sources.get(name, BUILT_IN)
