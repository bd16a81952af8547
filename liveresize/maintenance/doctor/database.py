"""Check of the database: connection, speed, schema and clock."""

import os
from collections.abc import Iterator

from liveresize import errors
from liveresize.core import numbers
from liveresize.maintenance.doctor.findings import Finding, ok, problem, user, warning
from liveresize.storage.index import engines, schema_status

_PART = "database"

_SLOW = 0.02
"""Seconds for a query above which lookups come close to their time-out of 0.15 s."""

_AHEAD = 2.0
"""The difference of two clocks in seconds above which times in the log are misleading."""

_START = "Start it, see that it can be reached from here, and check postgresql.host and port."

_FILE = "Correct database.path, or restore the file from a backup."

_ADVICE = {
    "Hostname mismatch": "Set postgresql.host to a name in its certificate, or "
    "postgresql.sslmode to verify-ca.",
    "certificate verify failed": "Set postgresql.ca to the file of the CA that signed its "
    "certificate, or to system.",
    "rejected SSL upgrade": "It has no TLS: turn it on there, or set postgresql.sslmode to prefer.",
    "password authentication failed": "Correct postgresql.user and postgresql.password.",
    "no password supplied": "Set postgresql.password.",
    "Peer authentication failed": "Set postgresql.host to localhost, and postgresql.password: "
    "over the socket, PostgreSQL takes only the role that is called like this user.",
    "no pg_hba.conf entry": "Allow this machine, role and database in pg_hba.conf there, or set "
    "postgresql.sslmode to require if it takes encrypted connections only.",
    "gaierror": "Correct postgresql.host: this machine finds no address for that name.",
    "too many": "Set postgresql.pool lower, or max_connections there higher.",
    "no answer within": "See whether a firewall or another program is at postgresql.host and port.",
    "does not exist": "Create the database, or correct postgresql.database.",
    "/.postgresql/": "HOME is the home of another user, whose files this one may not read: "
    "set it to a folder of this user.",
    "target attribute": "Point the URL at the primary: none of its hosts takes writes.",
}
"""What to do about parts of its message."""


async def look(url: str) -> list[Finding]:
    """Everything about the database at `url`."""
    file = ""
    try:
        parsed = engines.parse_url(url)
        if parsed.get_backend_name() == engines.SQLITE:
            file = parsed.database or ""
            if not os.path.exists(file):
                return [ok(_PART, f"{file} is not there yet; the first start makes it.")]
            if closed := [each for each in _files(file) if not os.access(each, os.R_OK | os.W_OK)]:
                return [_closed(closed)]
        status = await schema_status.examine(url)
    except errors.SettingsError as error:
        return [problem(_PART, error.public, "Correct postgresql.* or database.path.")]
    except errors.IndexUnavailable as error:
        reason = error.detail.partition("\n")[0]
        return [
            problem(
                _PART,
                f"It does not answer ({reason}).",
                _FILE
                if file
                else next((do for said, do in _ADVICE.items() if said in reason), _START),
            )
        ]
    return list(_findings(status))


def _files(path: str) -> list[str]:
    """Return the file of SQLite and those beside it, as far as they are there."""
    return [each for each in (path, f"{path}-wal", f"{path}-shm") if os.path.exists(each)]


def _closed(paths: list[str]) -> Finding:
    return problem(
        _PART,
        f"{', '.join(paths)} cannot be written by the user {user()}.",
        f"Run commands as the user of the server, and as root: chown {user()}: {' '.join(paths)}",
    )


def _findings(status: schema_status.SchemaStatus) -> Iterator[Finding]:
    name = "SQLite" if status.backend == engines.SQLITE else "PostgreSQL"
    took = status.round_trip * 1000
    if status.round_trip > _SLOW:
        yield warning(
            _PART,
            f"{name} {status.version} takes {took:.0f} ms for a question.",
            "Bring it nearer, or see what keeps it busy: a GET waits 150 ms for it at most.",
        )
    else:
        yield ok(_PART, f"{name} {status.version} answers in {took:.1f} ms.")
    yield _schema(status)
    if status.expiry_paused_at is not None:
        yield warning(
            _PART,
            f"Expiry is paused since {numbers.iso_instant(status.expiry_paused_at)}: the database "
            "was restored, or somebody has paused it.",
            "See that what your application has claimed is claimed here, then run "
            "`liveresize expiry resume`.",
        )
    if abs(status.ahead) > _AHEAD:
        yield warning(
            _PART,
            f"Its clock is {abs(status.ahead):.1f} s "
            f"{'ahead of' if status.ahead > 0 else 'behind'} ours.",
            "Have both machines keep time with NTP.",
        )
    else:
        yield ok(_PART, "Its clock is ours.")


def _schema(status: schema_status.SchemaStatus) -> Finding:
    if status.applied == {status.head}:
        return ok(_PART, f"Its schema is that of this release ({status.head}).")
    if status.applied - status.known:
        return warning(
            _PART,
            "Its schema is that of a newer release, which serves this one too.",
            "Bring this machine to that release.",
        )
    had = ", ".join(sorted(status.applied)) or "none"
    return warning(
        _PART,
        f"Its schema is not yet that of this release ({had}, not {status.head}).",
        "The next start brings it up to date; `liveresize migrate` does so now.",
    )
