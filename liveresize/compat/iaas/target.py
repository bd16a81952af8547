"""Statements on our own index for the import: many rows at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from liveresize.core import tokens
from liveresize.core.names import ImageId
from liveresize.core.originals import Link
from liveresize.storage.index import locks, originals, schema

ENGINE = "iaas"
"""The engine of imported links: older than every version of ours."""

_originals = schema.originals
_decoded = (schema.originals.c.width > 0).label("decoded")
_links = schema.renditions
_tokens = schema.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A link to insert: of the picture `name`, at the absolute URL `key`.

    `rendered_at` is Unix seconds; None is the time of the original.
    """

    name: str
    variant: str
    mime: str
    key: str
    rendered_at: float | None


def known(connection: sa.Connection, names: Sequence[str]) -> dict[str, str]:
    """Return those of `names` that are originals already: name → "".

    Of those that could not be decoded, name → generation.
    """
    rows = connection.execute(_by_names(names).add_columns(_originals.c.generation, _decoded))
    return {row.name: "" if row.decoded else row.generation for row in rows}


def add_links(connection: sa.Connection, links: Sequence[NewLink]) -> tuple[int, set[str]]:
    """Insert missing links; return how many, and the names without an original.

    The rows of the originals are locked, so that none is deleted before its links are inserted.
    """
    names = {link.name for link in links}
    result = connection.execute(
        _by_names(sorted(names))
        .add_columns(_originals.c.generation, _originals.c.uploaded_at)
        .with_for_update(read=True, key_share=True)
    )
    by_name = {row.name: row for row in result}
    rows = [
        {
            "generation": by_name[link.name].generation,
            "variant": link.variant,
            "key": link.key,
            "mime": link.mime,
            "rendered_at": link.rendered_at or by_name[link.name].uploaded_at,
        }
        for link in links
        if link.name in by_name
    ]
    return _insert(connection, rows) if rows else 0, names - by_name.keys()


def _insert(connection: sa.Connection, rows: list[dict[str, object]]) -> int:
    """Insert links; ETag and size of imported renditions are unknown, so both are empty."""
    added = connection.execute(
        schema.upsert(connection.dialect.name, _links)
        .values(etag="", size=0, engine=ENGINE, used_at=schema.now())
        .on_conflict_do_nothing(index_elements=[_links.c.generation, _links.c.variant])
        .returning(_links.c.generation),
        rows,
    )
    return len(added.all())


def add_token(connection: sa.Connection, token: str, image: ImageId, remaining: float) -> bool:
    """Insert a token for `image` that is valid for `remaining` more seconds.

    Returns False if there is an original, or another valid token for it.
    """
    locks.image(connection, image)
    if originals.current(connection, image) is not None:
        return False
    expired = sa.and_(
        schema.of(_tokens, image),
        _tokens.c.state == schema.State.ISSUED,
        _tokens.c.expires_at <= schema.now(),
    )
    connection.execute(sa.delete(_tokens).where(expired))
    added = connection.execute(
        schema.upsert(connection.dialect.name, _tokens)
        .values(
            bucket=image.bucket,
            name=image.name,
            digest=tokens.digest(token),
            state=schema.State.ISSUED,
            issued_at=schema.now(),
            expires_at=schema.now() + remaining,
            max_bytes=0,
            formats="",
            overwrite=False,
        )
        .on_conflict_do_nothing()
        .returning(_tokens.c.digest)
    )
    return added.one_or_none() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLink:
    """A link of our index."""

    generation: str
    variant: str
    key: str
    mime: str
    rendered_at: float

    def of(self, image: ImageId) -> Link:
        """Return the link of `image`, without the facts that its URL does not need."""
        return Link(
            image=image,
            generation=self.generation,
            variant=self.variant,
            key=self.key,
            mime=self.mime,
            etag="",
            size=0,
            engine="",
            rendered_at=self.rendered_at,
        )


def links_of(connection: sa.Connection, generations: Sequence[str]) -> list[KnownLink]:
    """Return the links of these generations that are in use."""
    columns = (_links.c.generation, _links.c.variant, _links.c.key, _links.c.mime)
    rows = connection.execute(
        sa.select(*columns, _links.c.rendered_at).where(
            _links.c.generation.in_(generations), _links.c.purged_at.is_(None)
        )
    )
    return [KnownLink(**row._mapping) for row in rows]


def deleted(connection: sa.Connection) -> list[str]:
    """Return the names of pictures that were deleted lately and are not there again."""
    purges = schema.purges
    current = sa.exists().where(_originals.c.bucket == "", _originals.c.name == purges.c.name)
    rows = connection.execute(
        sa.select(purges.c.name)
        .where(purges.c.bucket == "", purges.c.variant == "", ~current)
        .distinct()
        .order_by(purges.c.name)
    )
    return list(rows.scalars())


def _by_names(names: Sequence[str]) -> sa.Select[str]:
    return sa.select(_originals.c.name).where(
        _originals.c.bucket == "", _originals.c.name.in_(names)
    )
