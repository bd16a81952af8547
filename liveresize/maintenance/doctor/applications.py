"""Check of the applications: what they take of their quotas."""

import os
from collections.abc import Iterator

from liveresize import errors
from liveresize.core.ports import Use
from liveresize.maintenance.doctor.findings import Finding, ok, warning
from liveresize.settings.applications import Application, Applications
from liveresize.storage.index import engines
from liveresize.storage.index.application_use import SqlApplicationUse
from liveresize.storage.index.database import Database

_PART = "applications"

_NEARLY = 0.9
"""The share of a quota from which it is nearly full."""


async def look(applications: Applications, url: str) -> list[Finding]:
    """A finding for each, by what the database at `url` has counted; none while it does not answer,
    which is a finding of the database."""
    if not applications:
        return []
    parsed = engines.parse_url(url)
    if parsed.get_backend_name() == engines.SQLITE and not os.path.exists(parsed.database or ""):
        return []
    database = Database(url, pool=1)
    try:
        found = await SqlApplicationUse(database).totals()
    except errors.IndexUnavailable:
        return []
    finally:
        await database.close()
    return [one for each in applications for one in _findings(each, found.get(each.prefix))]


def _findings(application: Application, use: Use | None) -> Iterator[Finding]:
    name = application.name
    if use is None or use.pictures is None or use.bytes is None:
        yield warning(
            _PART,
            f"The images of {name} are not counted yet, so that its quotas are not kept.",
            "Start the server, which counts them.",
        )
        return
    if use.pictures < 0 or use.bytes < 0:
        yield warning(
            _PART,
            f"The images of {name} are counted wrongly: {use.pictures} with {use.bytes:,} bytes.",
            "Run `liveresize reconcile --repair`, once all instances have the same release and "
            "applications.",
        )
        return
    parts = []
    for taken, most, unit in (
        (use.pictures, application.max_pictures, "images"),
        (use.bytes, application.max_bytes_total, "bytes"),
    ):
        parts.append(f"{taken:,} of {most:,} {unit}" if most else f"{taken:,} {unit}")
        if most and taken >= _NEARLY * most:
            state = "full" if taken >= most else "nearly full"
            yield warning(
                _PART,
                f"{name} has {parts[-1]}: it is {state}.",
                "Have images of it deleted, or raise its quota.",
            )
            return
    yield ok(_PART, f"{name} has {', '.join(parts)}.")
