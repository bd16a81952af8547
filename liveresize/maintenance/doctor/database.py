"""Check of the database: connection, speed, schema and clock."""

from collections.abc import Iterator
from pathlib import Path

from liveresize import errors
from liveresize.maintenance.doctor.findings import Finding, ok, problem, warning
from liveresize.storage.index import engines, schema_status

_PART = "database"

_SLOW = 0.02
"""Seconds for a query above which lookups come close to their time-out of 0.15 s."""

_AHEAD = 2.0
"""The difference of two clocks in seconds above which times in the log are misleading."""

_START = (
    "Start it, see that it can be reached from here, and check postgresql.* or the rights on its "
    "file."
)

_ADVICE = {
    "certificate verify failed": "Set postgresql.ca to the file of the CA that signed its "
    "certificate, or to system; with verify-full, connect by a name in the certificate.",
    "rejected SSL upgrade": "It has no TLS: turn it on there, or set postgresql.sslmode to prefer.",
    "password authentication failed": "Correct postgresql.user and postgresql.password.",
    "does not exist": "Create the database, or correct postgresql.database.",
    "target attribute": "Point the URL at the primary: none of its hosts takes writes.",
}
"""What to do about parts of its message."""


async def look(url: str) -> list[Finding]:
    """Everything about the database at `url`."""
    try:
        parsed = engines.parse_url(url)
        if parsed.get_backend_name() == engines.SQLITE and not Path(parsed.database or "").exists():
            return [ok(_PART, f"{parsed.database} is not there yet; the first start makes it.")]
        status = await schema_status.examine(url)
    except errors.SettingsError as error:
        return [problem(_PART, error.public, "Correct postgresql.* or database.path.")]
    except errors.IndexUnavailable as error:
        reason = error.detail.partition("\n")[0]
        return [
            problem(
                _PART,
                f"It does not answer ({reason}).",
                next((do for said, do in _ADVICE.items() if said in reason), _START),
            )
        ]
    return list(_findings(status))


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
