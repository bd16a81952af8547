"""Records of pictures as columns of `originals`, and what a token says of one as JSON."""

import json
from typing import Any

import sqlalchemy as sa

from liveresize.core.records import NOTHING, Given, Record

_NAMES = ("keep_until", "claim_until", "held_at", "expired_at")


def columns(record: Record) -> dict[str, object]:
    """Return the values of the columns."""
    x, y = record.focus or (None, None)
    return {
        "focus_x": x,
        "focus_y": y,
        "meta": record.meta or None,
        "due_at": record.due_at,
        **{name: getattr(record, name) for name in _NAMES},
    }


def from_row(row: sa.Row[Any]) -> Record:
    """Convert the columns."""
    focus = None if row.focus_x is None else (row.focus_x, row.focus_y)
    times = (row.keep_until, row.claim_until, row.held_at, row.expired_at)
    if focus is None and not row.meta and times == (None,) * 4:
        return NOTHING
    return Record(focus=focus, meta=row.meta or "", **dict(zip(_NAMES, times, strict=True)))


def dump(given: Given) -> str | None:
    """Return what a token says as JSON; None if it says nothing."""
    if given == Given():
        return None
    return json.dumps({name: getattr(given, name) for name in Given.__dataclass_fields__})


def load(text: str | None) -> Given:
    """Convert what `dump` returns."""
    if not text:
        return Given()
    values = json.loads(text)
    focus = values.pop("focus")
    return Given(focus=None if focus is None else (focus[0], focus[1]), **values)
