"""Statements of the index about originals, and about deletions that all must hear of."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from liveresize import errors
from liveresize.domain.names import ImageId
from liveresize.domain.originals import Original
from liveresize.domain.tokens import Claim
from liveresize.ports import Purged
from liveresize.stores import locks, schema

REMEMBERED = 3600.0
"""Seconds for which deletions are told; an instance cut off for longer starts afresh."""

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
_purges = schema.purges


async def current(connection: AsyncConnection, image: ImageId) -> Original | None:
    """The original of that name."""
    return await _first(connection, schema.of(_originals, image))


async def of_generation(connection: AsyncConnection, generation: str) -> Original | None:
    """The original of that generation."""
    return await _first(connection, _originals.c.generation == generation)


async def complete(
    connection: AsyncConnection,
    claim: Claim,
    original: Original,
    received_sha256: str,
    receipt: str,
) -> Original | None:
    """Commit an upload; see ports.Index.complete.

    A lease that ran out does not matter as long as nobody has taken the id since.
    """
    image = original.image
    await locks.image(connection, image)
    spent = await connection.execute(
        sa.update(_tokens)
        .where(schema.of(_tokens, image), schema.held(claim))
        .values(state=schema.State.DONE, received_sha256=received_sha256, receipt=receipt)
        .returning(_tokens.c.overwrite)
    )
    token = spent.one_or_none()
    if token is None:
        raise errors.TokenRefused()
    replaced = await current(connection, image)
    if replaced is not None:
        if not token.overwrite:
            raise errors.IdTaken()
        await end(connection, replaced)
    await connection.execute(
        sa.insert(_originals).values(**_row(original), uploaded_at=schema.now())
    )
    return replaced


async def adopt(connection: AsyncConnection, original: Original) -> Original:
    """Record an original found on disk, unless one stands; returns the one that stands.

    Its age is kept where `uploaded_at` tells it, and begins now where that is 0.
    """
    await locks.image(connection, original.image)
    standing = await current(connection, original.image)
    if standing is not None:
        return standing
    uploaded_at = original.uploaded_at or schema.now()
    await connection.execute(
        sa.insert(_originals).values(**_row(original), uploaded_at=uploaded_at)
    )
    adopted = await current(connection, original.image)
    assert adopted is not None  # the image is locked
    return adopted


async def delete(connection: AsyncConnection, image: ImageId) -> Original | None:
    """Delete an original and its token, so that an upload in progress is refused too."""
    await locks.image(connection, image)
    await connection.execute(sa.delete(_tokens).where(schema.of(_tokens, image)))
    original = await current(connection, image)
    if original is not None:
        await end(connection, original)
    return original


async def end(connection: AsyncConnection, original: Original) -> None:
    """End a generation, its links with it, and tell every instance."""
    await locks.housekeeping(connection)
    await connection.execute(
        sa.delete(_originals).where(_originals.c.generation == original.generation)
    )
    await announce(connection, [(original.image, original.generation, "")])


async def announce(connection: AsyncConnection, ended: Iterable[tuple[ImageId, str, str]]) -> None:
    """Tell every instance of ended (image, generation, variant); forget old news.

    The transaction must hold locks.housekeeping, or pollers would miss some.
    """
    rows = [
        {"bucket": image.bucket, "name": image.name, "generation": generation, "variant": variant}
        for image, generation, variant in ended
    ]
    if rows:
        await connection.execute(sa.insert(_purges).values(at=schema.now()), rows)
    await connection.execute(sa.delete(_purges).where(_purges.c.at < schema.now() - REMEMBERED))


async def announced_since(connection: AsyncConnection, serial: int) -> list[Purged]:
    """What was announced after `serial`, oldest first."""
    rows = await connection.execute(
        sa.select(_purges).where(_purges.c.serial > serial).order_by(_purges.c.serial)
    )
    return [
        Purged(row.serial, ImageId(row.name, row.bucket), row.generation, row.variant)
        for row in rows
    ]


async def _first(connection: AsyncConnection, condition: sa.ColumnElement[bool]) -> Original | None:
    found = await connection.execute(sa.select(_originals).where(condition))
    row = found.one_or_none()
    if row is None:
        return None
    facts = {field: getattr(row, field) for field in _FACTS}
    return Original(image=ImageId(row.name, row.bucket), uploaded_at=row.uploaded_at, **facts)


def _row(original: Original) -> dict[str, object]:
    facts: dict[str, object] = {field: getattr(original, field) for field in _FACTS}
    return {"bucket": original.image.bucket, "name": original.image.name, **facts}
