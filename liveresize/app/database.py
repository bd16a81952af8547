"""The database of the index: PostgreSQL where one is configured, else a file of our own."""

from pathlib import Path
from urllib.parse import parse_qsl, quote

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
        return _with_ca(postgresql.url, postgresql.ca)
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
        applications=settings.shared_by,
    )


def _postgresql_url(keys: Postgresql) -> str:
    """The URL of single keys. The host is a name, an address, or the folder of a socket."""
    account = f"{quote(keys.user, safe='')}:{quote(keys.password, safe='')}"
    database = quote(keys.database, safe="")
    mode = "verify-full" if keys.ca and keys.sslmode == "prefer" else keys.sslmode
    options = f"sslmode={mode}"
    if keys.ca:
        options += f"&sslrootcert={quote(keys.ca)}"
    if keys.host.startswith("/"):
        place = f"host={quote(keys.host, safe='')}&port={keys.port}"
        return f"postgresql://{account}@/{database}?{place}&{options}"
    host = f"[{keys.host}]" if ":" in keys.host else keys.host
    return f"postgresql://{account}@{host}:{keys.port}/{database}?{options}"


def _with_ca(url: str, ca: str) -> str:
    """Return the URL with that CA, unless it names one itself."""
    place, _, query = url.partition("?")
    parameters = dict(parse_qsl(query))
    if not ca or "sslrootcert" in parameters:
        return url
    added = [] if "sslmode" in parameters or "ssl" in parameters else ["sslmode=verify-full"]
    return f"{place}?{'&'.join(filter(None, [query, *added, f'sslrootcert={quote(ca)}']))}"
