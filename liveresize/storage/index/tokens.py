"""The table of upload tokens.

There is one row for each image: a token is issued, an upload has claimed it with a lease, or it is
used. Only an expired or used row is replaced by the next token.
"""

import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from liveresize import errors
from liveresize.core import tokens
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.tokens import Claim, Grant, Spent, Token
from liveresize.storage.index import locks, originals, repository, schema
from liveresize.storage.index.repository import Repository

_tokens = schema.tokens


class SqlTokens(Repository):
    """ports.Tokens on the table `upload_tokens`."""

    @repository.write
    def issue(self, connection: sa.Connection, grant: Grant) -> Token:
        locks.image(connection, grant.image)
        if not grant.overwrite and originals.current(connection, grant.image):
            raise errors.IdTaken()
        token = tokens.new_token()
        fresh = {
            "digest": tokens.digest(token),
            "state": schema.State.ISSUED,
            "issued_at": schema.now(),
            "expires_at": schema.now() + grant.lifetime,
            "lease_until": None,
            "nonce": None,
            "max_bytes": grant.max_bytes,
            "formats": ",".join(grant.formats),
            "overwrite": grant.overwrite,
            "received_sha256": None,
            "receipt": None,
        }
        issued = connection.execute(
            schema.upsert(connection.dialect.name, _tokens)
            .values(bucket=grant.image.bucket, name=grant.image.name, **fresh)
            .on_conflict_do_update(
                index_elements=[_tokens.c.bucket, _tokens.c.name], set_=fresh, where=_dead()
            )
            .returning(_tokens.c.expires_at)
        )
        row = issued.one_or_none()
        if row is None:
            raise errors.IdTaken()
        return Token(token=token, image=grant.image, expires_at=row.expires_at)

    @repository.write
    def claim(
        self, connection: sa.Connection, token: str, candidates: Sequence[ImageId], lease: float
    ) -> Claim | Spent:
        digest, nonce = tokens.digest(token), uuid.uuid4().hex
        for_one_of_them = sa.and_(
            _tokens.c.digest == digest,
            _tokens.c.expires_at > schema.now(),
            sa.or_(sa.false(), *(schema.of(_tokens, image) for image in candidates)),
        )
        claimed = connection.execute(
            sa.update(_tokens)
            .where(for_one_of_them, _tokens.c.state == schema.State.ISSUED)
            .values(state=schema.State.UPLOADING, nonce=nonce, lease_until=schema.now() + lease)
            .returning(_tokens)
        )
        row = claimed.one_or_none()
        if row is not None:
            return Claim(grant=_grant(row), digest=digest, nonce=nonce)
        done = connection.execute(
            sa.select(_tokens).where(for_one_of_them, _tokens.c.state == schema.State.DONE)
        )
        row = done.one_or_none()
        if row is None:
            raise errors.TokenRefused()
        return Spent(
            image=ImageId(row.name, row.bucket),
            received_sha256=row.received_sha256,
            receipt=row.receipt,
        )

    @repository.write
    def renew(self, connection: sa.Connection, claim: Claim, lease: float) -> None:
        renewed = connection.execute(
            sa.update(_tokens)
            .where(schema.held(claim))
            .values(lease_until=schema.now() + lease)
            .returning(_tokens.c.digest)
        )
        if renewed.one_or_none() is None:
            raise errors.TokenRefused()

    @repository.write
    def release(self, connection: sa.Connection, claim: Claim) -> None:
        """Mark a token as failed, if the claim still holds it."""
        connection.execute(
            sa.update(_tokens).where(schema.held(claim)).values(state=schema.State.FAILED)
        )

    @repository.write
    def complete(
        self,
        connection: sa.Connection,
        claim: Claim,
        original: Original,
        received_sha256: str,
        receipt: str,
        *,
        mirrored: bool = False,
        announce: bool = False,
    ) -> Original | None:
        """Commit an upload; an expired lease is fine if there is no other token for the id."""
        image = original.image
        locks.image(connection, image)
        completed = connection.execute(
            sa.update(_tokens)
            .where(schema.of(_tokens, image), schema.held(claim))
            .values(state=schema.State.DONE, received_sha256=received_sha256, receipt=receipt)
            .returning(_tokens.c.overwrite)
        )
        token = completed.one_or_none()
        if token is None:
            raise errors.TokenRefused()
        replaced = originals.current(connection, image)
        if replaced is not None:
            if not token.overwrite:
                raise errors.IdTaken()
            originals.end_generation(connection, replaced)
        originals.insert(connection, original, schema.now(), mirrored=mirrored, announce=announce)
        return replaced


def _dead() -> sa.ColumnElement[bool]:
    """Return the condition that a row may be replaced; callers check for an original first."""
    columns = _tokens.c
    return sa.or_(
        columns.state.in_([schema.State.FAILED, schema.State.DONE]),
        sa.and_(columns.state == schema.State.ISSUED, columns.expires_at <= schema.now()),
        sa.and_(columns.state == schema.State.UPLOADING, columns.lease_until <= schema.now()),
    )


def _grant(row: sa.Row[tuple[object, ...]]) -> Grant:
    return Grant(
        image=ImageId(row.name, row.bucket),
        # Of two doubles near 2e9 the difference is good to microseconds.
        lifetime=round(row.expires_at - row.issued_at, 3),
        max_bytes=row.max_bytes,
        formats=tuple(filter(None, row.formats.split(","))),
        overwrite=row.overwrite,
    )
