"""Check of the overlays: whether their pictures are there and can be drawn."""

import os

from liveresize import errors
from liveresize.core.overlay import MAX_PIXELS, Overlay
from liveresize.core.overlays import OverlayRules
from liveresize.maintenance.doctor.findings import Finding, ok, problem
from liveresize.storage.index import engines
from liveresize.storage.index.database import Database
from liveresize.storage.index.originals import SqlOriginalRows

_PART = "overlays"


async def look(rules: OverlayRules, url: str) -> list[Finding]:
    """A finding for each overlay, by what the database at `url` knows of its picture."""
    if not rules.overlays:
        return [ok(_PART, "No overlay is configured.")]
    parsed = engines.parse_url(url)
    if parsed.get_backend_name() == engines.SQLITE and not os.path.exists(parsed.database or ""):
        return [_missing(each, rules) for each in rules.overlays.values()]
    database = Database(url, pool=1)
    try:
        rows = SqlOriginalRows(database)
        return [await _one(each, rows, rules) for each in rules.overlays.values()]
    except errors.IndexUnavailable:
        return [
            problem(
                _PART,
                "Whether their pictures are there is not known: the database does not answer.",
                "See what is said of the database above.",
            )
        ]
    finally:
        await database.close()


async def _one(overlay: Overlay, rows: SqlOriginalRows, rules: OverlayRules) -> Finding:
    picture = await rows.find(overlay.image)
    if picture is None:
        return _missing(overlay, rules)
    wrong = ""
    if picture.record.hidden:
        wrong = "is held or has expired"
    elif not picture.decoded:
        wrong = "cannot be decoded"
    elif picture.width * picture.height > MAX_PIXELS:
        wrong = f"has more than {MAX_PIXELS / 1e6:g} megapixels"
    if wrong:
        return _problem(overlay, rules, wrong, "Upload another one", more=" --overwrite")
    size = f"{picture.width}x{picture.height}"
    return ok(_PART, f"The picture of {overlay.name}, {overlay.picture}, is there ({size}).")


def _missing(overlay: Overlay, rules: OverlayRules) -> Finding:
    return _problem(overlay, rules, "is missing", "Upload it")


def _problem(overlay: Overlay, rules: OverlayRules, wrong: str, do: str, more: str = "") -> Finding:
    renditions = f"Renditions with overlay={overlay.name} are refused with 503."
    if rules.above is not None and rules.above.overlay == overlay.name:
        renditions = (
            f"Everything wider than {rules.above.width} pixels (constraints.overlay_above) is "
            "refused with 503."
        )
    return problem(
        _PART,
        f"The picture of {overlay.name}, {overlay.picture}, {wrong}. {renditions}",
        f"{do}: liveresize upload FILE --id {overlay.picture}{more}.",
    )
