"""Statements of the index about originals."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.tokens import Claim
from liveresize.storage.index import locks, purges, schema

_FACTS = (
    "generation",
    "format",
    "width",
    "height",
    "bytes",
    "sha256",
    "frames",
    "has_alpha",
    "clean",
    "dominant_color",
    "thumbhash",
)

_originals = schema.originals
_tokens = schema.tokens

_current = sa.select(_originals).where(  # built once, for every request runs it
    _originals.c.bucket == sa.bindparam("b_bucket"), _originals.c.name == sa.bindparam("b_name")
)


def current(connection: sa.Connection, image: ImageId) -> Original | None:
    """The original of that name."""
    found = connection.execute(_current, {"b_bucket": image.bucket, "b_name": image.name})
    row = found.one_or_none()
    return None if row is None else from_row(row)


def of_generation(connection: sa.Connection, generation: str) -> Original | None:
    """The original of that generation."""
    found = connection.execute(sa.select(_originals).where(_originals.c.generation == generation))
    row = found.one_or_none()
    return None if row is None else from_row(row)


def complete(
    connection: sa.Connection,
    claim: Claim,
    original: Original,
    received_sha256: str,
    receipt: str,
    *,
    mirrored: bool = False,
    announce: bool = False,
) -> Original | None:
    """Commit an upload; see ports.Index.complete.

    A lease that ran out does not matter as long as nobody has taken the id since.
    """
    image = original.image
    locks.image(connection, image)
    spent = connection.execute(
        sa.update(_tokens)
        .where(schema.of(_tokens, image), schema.held(claim))
        .values(state=schema.State.DONE, received_sha256=received_sha256, receipt=receipt)
        .returning(_tokens.c.overwrite)
    )
    token = spent.one_or_none()
    if token is None:
        raise errors.TokenRefused()
    replaced = current(connection, image)
    if replaced is not None:
        if not token.overwrite:
            raise errors.IdTaken()
        end(connection, replaced)
    times = {"uploaded_at": schema.now(), **_marks(mirrored, announce)}
    connection.execute(sa.insert(_originals).values(**_row(original), **times))
    return replaced


def adopt(
    connection: sa.Connection,
    original: Original,
    *,
    mirrored: bool = False,
    announce: bool = False,
) -> Original:
    """Record an original found on disk, unless one stands; returns the one that stands.

    Its age is kept where `uploaded_at` tells it, and begins now where that is 0.
    """
    locks.image(connection, original.image)
    standing = current(connection, original.image)
    if standing is not None:
        return standing
    times = {
        "uploaded_at": original.uploaded_at or schema.now(),
        **_marks(mirrored, announce),
    }
    connection.execute(sa.insert(_originals).values(**_row(original), **times))
    adopted = current(connection, original.image)
    assert adopted is not None  # the image is locked
    return adopted


def take_over(connection: sa.Connection, original: Original) -> Original | None:
    """Record an original found in the mirror; None where it was deleted lately."""
    locks.image(connection, original.image)
    if purges.ended_lately(connection, original.image):
        return current(connection, original.image)
    return adopt(connection, original, mirrored=True)


def unmirrored(
    connection: sa.Connection, after: str, limit: int, *, main: bool = True
) -> list[Original]:
    """Originals that the mirror lacks, in the order of their generations."""
    missing = sa.select(_originals).where(
        _originals.c.mirrored_at.is_(None), _originals.c.generation > after
    )
    if not main:
        missing = missing.where(_originals.c.bucket != sa.literal_column("''"))
    rows = connection.execute(missing.order_by(_originals.c.generation).limit(limit))
    return [from_row(row) for row in rows]


def mirrored(connection: sa.Connection, generation: str) -> bool:
    """Note that the mirror has a generation; False when it has ended."""
    noted = connection.execute(
        sa.update(_originals)
        .where(_originals.c.generation == generation)
        .values(mirrored_at=schema.now())
    )
    return noted.rowcount > 0


def mirrored_of(connection: sa.Connection, generations: Sequence[str]) -> set[str]:
    """Those of these generations that the mirror has."""
    found = connection.execute(
        sa.select(_originals.c.generation).where(
            _originals.c.generation.in_(generations), _originals.c.mirrored_at.is_not(None)
        )
    )
    return set(found.scalars())


def known_of(connection: sa.Connection, generations: Sequence[str]) -> set[str]:
    """Those of these generations that have a row."""
    found = connection.execute(
        sa.select(_originals.c.generation).where(_originals.c.generation.in_(generations))
    )
    return set(found.scalars())


def unmirror(connection: sa.Connection, generation: str) -> None:
    """Note that the mirror lacks a generation."""
    connection.execute(
        sa.update(_originals).where(_originals.c.generation == generation).values(mirrored_at=None)
    )


def after(connection: sa.Connection, generation: str, limit: int) -> list[tuple[Original, bool]]:
    """Originals above a generation, in order, and whether the mirror is said to have each."""
    rows = connection.execute(
        sa.select(_originals)
        .where(_originals.c.generation > generation)
        .order_by(_originals.c.generation)
        .limit(limit)
    )
    return [(from_row(row), row.mirrored_at is not None) for row in rows]


def supersede(connection: sa.Connection, original: Original, older: str) -> Original:
    """Record an original found on disk in place of an older one; see ports.Index."""
    locks.image(connection, original.image)
    standing = current(connection, original.image)
    if standing is not None and standing.generation == older:
        end(connection, standing)
    return adopt(connection, original)


def end_only(connection: sa.Connection, original: Original) -> bool:
    """End a generation if it stands, and the token that was spent for it.

    A token that may yet be used is for what comes next, and stays.
    """
    locks.image(connection, original.image)
    standing = current(connection, original.image)
    if standing is None or standing.generation != original.generation:
        return False
    spent = _tokens.c.state == schema.State.DONE
    connection.execute(sa.delete(_tokens).where(schema.of(_tokens, original.image), spent))
    end(connection, standing)
    return True


def delete(connection: sa.Connection, image: ImageId) -> Original | None:
    """Delete an original and its token, so that an upload in progress is refused too."""
    locks.image(connection, image)
    connection.execute(sa.delete(_tokens).where(schema.of(_tokens, image)))
    original = current(connection, image)
    if original is not None:
        end(connection, original)
    return original


def end(connection: sa.Connection, original: Original) -> None:
    """End a generation, its links with it, and tell every instance."""
    locks.housekeeping(connection)
    connection.execute(sa.delete(_originals).where(_originals.c.generation == original.generation))
    purges.announce(connection, [(original.image, original.generation, "")])


def from_row(row: sa.Row[Any]) -> Original:
    """The original that a row of `originals` stands for."""
    facts = {field: getattr(row, field) for field in _FACTS}
    return Original(image=ImageId(row.name, row.bucket), uploaded_at=row.uploaded_at, **facts)


def _row(original: Original) -> dict[str, object]:
    facts: dict[str, object] = {field: getattr(original, field) for field in _FACTS}
    return {"bucket": original.image.bucket, "name": original.image.name, **facts}


def _marks(mirrored: bool, announce: bool) -> dict[str, object]:
    """What a new row says of the mirror and of the webhook."""
    return {
        "mirrored_at": schema.now() if mirrored else None,
        "announce_at": schema.now() if announce else None,
    }
