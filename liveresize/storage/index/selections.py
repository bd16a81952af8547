"""Selections of links to purge, as SQL conditions."""

import sqlalchemy as sa

from liveresize.core.ports import Selection
from liveresize.storage.index import schema, versions

_links = schema.renditions
_originals = schema.originals


def chosen(connection: sa.Connection, selection: Selection) -> sa.ColumnElement[bool]:
    """Return the condition for links, joined with their originals."""
    if selection.image is not None:
        return schema.of(_originals, selection.image)
    if selection.prefix:
        return _begins_with(selection.prefix)
    if selection.rendered_before is not None:
        return _links.c.rendered_at < selection.rendered_before
    engines = [
        engine
        for engine in _engines(connection)
        if versions.parse(engine) < versions.parse(selection.engine_before)
    ]
    return _links.c.engine.in_(engines)


def _begins_with(prefix: str) -> sa.ColumnElement[bool]:
    """Return the condition that the key of an image begins with `prefix`; see ImageId.key.

    A prefix without a slash is for the main namespace only. The condition is a range of names, so
    that it uses the primary key; there are no wildcards, and case matters.
    """
    bucket, _, name = prefix.rpartition("/")
    names = _originals.c.name
    # Not BETWEEN: PostgreSQL does not parse it where collations are written out.
    return sa.and_(_originals.c.bucket == bucket, names >= name, names <= last_name(name))


def last_name(prefix: str) -> str:
    """Return a text that sorts behind all names with that prefix: the last code point, repeated
    for more than the bytes of a name."""
    return prefix + "\U0010ffff" * 64


def _engines(connection: sa.Connection) -> list[str]:
    """Return all engines with links, with one query of the index for each engine."""
    engines = [""]
    while True:
        following = connection.execute(
            sa.select(sa.func.min(_links.c.engine)).where(_links.c.engine > engines[-1])
        )
        engine = following.scalar_one()
        if engine is None:
            return engines
        engines.append(engine)
