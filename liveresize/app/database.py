"""The database of the index: PostgreSQL where one is configured, else a file of our own."""

from pathlib import Path
from urllib.parse import quote

from liveresize.config import Settings
from liveresize.settings.backends import Postgresql
from liveresize.storage.index.database import BUDGET, LOOKUP_BUDGET, Database

_FILE_POOL = 5
_FILE_LOOKUP_BUDGET = 2.0
"""Connections to a file, and seconds that a GET waits for it. A file does not hang as a
network does: a lookup that is late waits for a busy disk."""


def database_url(settings: Settings) -> str:
    """Where the database is."""
    postgresql = settings.postgresql
    if postgresql.url:
        return postgresql.url
    if postgresql.host:
        return _postgresql_url(postgresql)
    path = Path(settings.database.path or Path(settings.data_dir, "liveresize.sqlite"))
    return f"sqlite:///{path.absolute()}"


def make_database(
    settings: Settings, *, lookup_budget: float | None = None, budget: float = BUDGET
) -> Database:
    """The database, not connected to yet; for the budgets see Database.

    Raises SettingsError for a URL that cannot be used.
    """
    postgresql = settings.postgresql
    if postgresql.url or postgresql.host:
        pool, usual = postgresql.pool, LOOKUP_BUDGET
    else:
        pool, usual = _FILE_POOL, _FILE_LOOKUP_BUDGET
    return Database(
        database_url(settings),
        pool=pool,
        lookup_budget=usual if lookup_budget is None else lookup_budget,
        budget=budget,
    )


def _postgresql_url(keys: Postgresql) -> str:
    """The URL of single keys. The host is a name, an address, or the folder of a socket."""
    account = f"{quote(keys.user, safe='')}:{quote(keys.password, safe='')}"
    database, options = quote(keys.database, safe=""), f"sslmode={keys.sslmode}"
    if keys.host.startswith("/"):
        place = f"host={quote(keys.host, safe='')}&port={keys.port}"
        return f"postgresql://{account}@/{database}?{place}&{options}"
    host = f"[{keys.host}]" if ":" in keys.host else keys.host
    return f"postgresql://{account}@{host}:{keys.port}/{database}?{options}"
