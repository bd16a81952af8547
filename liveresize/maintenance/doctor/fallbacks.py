"""Check of the images that are shown instead of missing ones: whether they are there."""

import os

from liveresize import errors
from liveresize.core.fallbacks import Fallbacks
from liveresize.core.names import ImageId
from liveresize.maintenance.doctor.findings import Finding, ok, warning
from liveresize.storage.index import engines
from liveresize.storage.index.database import Database
from liveresize.storage.index.originals import SqlOriginalRows


async def look(fallbacks: Fallbacks, url: str) -> list[Finding]:
    """A finding for each, by what the database at `url` knows; none while it does not answer,
    which is a finding of the database."""
    pictures = dict.fromkeys(picture for _, picture in fallbacks.pictures)
    if not pictures:
        return []
    parsed = engines.parse_url(url)
    if parsed.get_backend_name() == engines.SQLITE and not os.path.exists(parsed.database or ""):
        return [_warning(each, "is missing") for each in pictures]
    database = Database(url, pool=1)
    try:
        rows = SqlOriginalRows(database)
        return [await _one(each, rows) for each in pictures]
    except errors.IndexUnavailable:
        return []
    finally:
        await database.close()


async def _one(image: ImageId, rows: SqlOriginalRows) -> Finding:
    picture = await rows.find(image)
    if picture is None:
        return _warning(image, "is missing")
    if picture.record.hidden:
        return _warning(image, "is held or has expired")
    if not picture.decoded:
        return _warning(image, "cannot be decoded")
    return ok("fallback", f"{image.name}, which is shown instead of missing images, is there.")


def _warning(image: ImageId, wrong: str) -> Finding:
    return warning(
        "fallback",
        f"{image.name}, which is to be shown instead of missing images, {wrong}.",
        f"Upload it: liveresize upload FILE --id {image.name}.",
    )
