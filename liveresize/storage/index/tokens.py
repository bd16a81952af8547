"""The table of upload tokens.

There is one row for each image: a token is issued, an upload has claimed it with a lease, or it is
used. Only an expired or used row is replaced by the next token.

A token that was given back is a failed one with a tally in `receipt`: one stroke for each time. For
1.0.0 it is a failed token: refused, and replaced by the next one.

The `nonce` of a claim that can be resumed begins with RESUMABLE: the next such claim of the token
takes it over. For 1.0.0 it is an upload under way, until its lease ends.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from liveresize import errors
from liveresize.core import tokens
from liveresize.core.events import Kind
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.tokens import TIMES_GIVEN_BACK, Claim, Grant, Spent, Token
from liveresize.settings.applications import Applications
from liveresize.storage.index import (
    application_use,
    events,
    locks,
    originals,
    records,
    repository,
    schema,
)
from liveresize.storage.index.repository import Repository

_tokens = schema.tokens

_STROKE = "|"

RESUMABLE = "r-"
"""The beginning of the nonce of a resumable claim; others are hex digits."""


class SqlTokens(Repository):
    """ports.Tokens on the table `upload_tokens`."""

    @repository.write
    def issue(self, connection: sa.Connection, grant: Grant) -> Token:
        try:
            (token,) = _issue(connection, self._applications, [grant])
        except errors.IdTaken:
            raise errors.IdTaken() from None  # there is one id to name
        return token

    @repository.write
    def issue_all(self, connection: sa.Connection, grants: Sequence[Grant]) -> list[Token]:
        return _issue(connection, self._applications, grants)

    @repository.write
    def claim(
        self,
        connection: sa.Connection,
        token: str,
        candidates: Sequence[ImageId],
        lease: float,
        *,
        resumable: bool = False,
    ) -> Claim | Spent:
        digest, nonce = tokens.digest(token), uuid.uuid4().hex
        columns = _tokens.c
        free = sa.and_(columns.expires_at > schema.now(), _usable())
        until: sa.ColumnElement[float] = schema.now() + lease
        if resumable:
            nonce = RESUMABLE + nonce
            free = sa.or_(free, _resumable())
            until = sa.case((_resumable(), columns.lease_until), else_=columns.expires_at)
        claimed = connection.execute(
            sa.update(_tokens)
            .where(
                columns.digest == digest,
                sa.or_(sa.false(), *(schema.of(_tokens, image) for image in candidates)),
                free,
            )
            .values(state=schema.State.UPLOADING, nonce=nonce, lease_until=until)
            .returning(_tokens, (columns.lease_until - schema.now()).label("ends_in"))
        )
        row = claimed.one_or_none()
        if row is not None:
            grant = _grant(row)
            if grant.overwrite and _is_held(originals.current(connection, grant.image)):
                grant = replace(grant, given=replace(grant.given, held=True))
            return Claim(grant=grant, digest=digest, nonce=nonce, ends_in=row.ends_in)
        known = connection.execute(
            sa.select(
                _tokens,
                _usable().label("usable"),
                (_tokens.c.expires_at <= schema.now()).label("expired"),
                (_tokens.c.expires_at - schema.now()).label("ends_in"),
            ).where(_tokens.c.digest == digest)
        )
        row = known.one_or_none()
        if row is None:
            raise errors.TokenRefused("", "", "unknown")
        image = ImageId(row.name, row.bucket)
        if image not in candidates:
            raise errors.TokenRefused("", "", "other_id")
        if row.state == schema.State.DONE and not row.expired:
            return _spent(row)
        raise errors.TokenRefused("", "", "expired" if row.usable and row.expired else "used")

    @repository.write
    def renew(self, connection: sa.Connection, claim: Claim, lease: float) -> None:
        renewed = connection.execute(
            sa.update(_tokens)
            .where(schema.held(claim))
            .values(lease_until=schema.now() + lease)
            .returning(_tokens.c.digest)
        )
        if renewed.one_or_none() is None:
            raise errors.TokenRefused("", "the lease is lost", "expired")

    @repository.write
    def extend(self, connection: sa.Connection, claim: Claim, max_age: float) -> float | Spent:
        columns = _tokens.c
        later = schema.now() + (columns.expires_at - columns.issued_at)
        latest = columns.issued_at + max_age
        reach = sa.case((later < latest, later), else_=latest)
        until = sa.case((reach > columns.lease_until, reach), else_=columns.lease_until)
        extended = connection.execute(
            sa.update(_tokens)
            .where(schema.held(claim), columns.lease_until > schema.now())
            .values(lease_until=until)
            .returning((columns.lease_until - schema.now()).label("ends_in"))
        )
        row = extended.one_or_none()
        if row is not None:
            seconds: float = row.ends_in
            return seconds
        spent = connection.execute(
            sa.select(_tokens, (columns.expires_at - schema.now()).label("ends_in")).where(
                columns.digest == claim.digest, columns.state == schema.State.DONE
            )
        ).one_or_none()
        if spent is None:
            raise errors.TokenRefused("", "the lease is lost", "expired")
        return _spent(spent)

    @repository.write
    def release(self, connection: sa.Connection, claim: Claim, *, give_back: bool = False) -> None:
        """Mark a token as failed, if the claim still holds it; see `_usable`."""
        tally = sa.func.coalesce(_tokens.c.receipt, "")
        given_back = sa.case((sa.func.length(tally) < TIMES_GIVEN_BACK, tally + _STROKE))
        connection.execute(
            sa.update(_tokens)
            .where(schema.held(claim))
            .values(state=schema.State.FAILED, receipt=given_back if give_back else None)
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
    ) -> Original | None:
        """Commit an upload; an expired lease is fine if there is no other token for the id."""
        image = original.image
        locks.image(connection, image)
        completed = connection.execute(
            sa.update(_tokens)
            .where(schema.of(_tokens, image), schema.held(claim))
            .values(state=schema.State.DONE, received_sha256=received_sha256, receipt=receipt)
            .returning(_tokens.c.overwrite, _tokens.c.given, schema.now().label("now"))
        )
        token = completed.one_or_none()
        if token is None:
            raise errors.TokenRefused("", "the lease is lost", "expired")
        replaced = originals.current(connection, image)
        if replaced is not None:
            if not token.overwrite:
                raise errors.IdTaken()
            originals.end_generation(connection, self._applications, replaced)
        record = records.load(token.given).at(token.now)
        # By a hook that could not look at it, or as what it replaces, which a moderator holds.
        if _is_held(original) or _is_held(replaced):
            record = replace(record, held_at=token.now)
        original = replace(original, uploaded_at=token.now, record=record)
        use = originals.insert(
            connection, self._applications, original, original.uploaded_at, mirrored=mirrored
        )
        application_use.check_commit(self._applications, use, original, replaced)
        events.write(connection, Kind.REPLACED if replaced else Kind.UPLOADED, original)
        return replaced


def _is_held(original: Original | None) -> bool:
    return original is not None and original.record.held_at is not None


def _issue(
    connection: sa.Connection, applications: Applications, grants: Sequence[Grant]
) -> list[Token]:
    """Issue a token for each, of images that differ.

    Raises IdTaken with all ids in use, and QuotaFull.
    """
    images = [grant.image for grant in grants]
    for image in sorted(images, key=lambda image: image.key):  # everywhere in one order
        locks.image(connection, image)
    fresh = {grant.image: tokens.new_token() for grant in grants}
    upsert = schema.upsert(connection.dialect.name, _tokens).values(
        [_row(grant, fresh[grant.image]) for grant in grants]
    )
    issued = connection.execute(
        upsert.on_conflict_do_update(
            index_elements=[_tokens.c.bucket, _tokens.c.name],
            set_={
                each.name: upsert.excluded[each.name] for each in _tokens.c if each.name not in _KEY
            },
            where=_dead(),
        ).returning(_tokens.c.bucket, _tokens.c.name, _tokens.c.expires_at)
    )
    ends = {ImageId(row.name, row.bucket): row.expires_at for row in issued}
    standing = originals.current_of(
        connection, [grant.image for grant in grants if not grant.overwrite]
    )
    taken = [image for image in images if image not in ends or image in standing]
    if taken:
        raise errors.IdTaken("", "", [image.name for image in taken])
    if applications:
        replaced = originals.current_of(
            connection, [grant.image for grant in grants if grant.overwrite]
        )
        new = [image for image in images if image not in replaced]
        application_use.check_grants(
            connection, applications, [(image.name, image.bucket) for image in new]
        )
    return [Token(token=fresh[image], image=image, expires_at=ends[image]) for image in images]


_KEY = ("bucket", "name")


def _row(grant: Grant, token: str) -> dict[str, object]:
    """Return the row of a token that was not used yet."""
    return {
        "bucket": grant.image.bucket,
        "name": grant.image.name,
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
        "given": records.dump(grant.given),
    }


def _dead() -> sa.ColumnElement[bool]:
    """Return the condition that a row may be replaced; callers check for an original first."""
    columns = _tokens.c
    return sa.or_(
        columns.state.in_([schema.State.FAILED, schema.State.DONE]),
        sa.and_(columns.state == schema.State.ISSUED, columns.expires_at <= schema.now()),
        sa.and_(columns.state == schema.State.UPLOADING, columns.lease_until <= schema.now()),
    )


def _usable() -> sa.ColumnElement[bool]:
    """Return the condition that an upload may claim a token that has not expired."""
    columns = _tokens.c
    given_back = sa.and_(columns.state == schema.State.FAILED, columns.receipt.is_not(None))
    return sa.or_(columns.state == schema.State.ISSUED, given_back)


def _resumable() -> sa.ColumnElement[bool]:
    """Return the condition that a resumable upload holds the token, which another may continue."""
    columns = _tokens.c
    return sa.and_(
        columns.state == schema.State.UPLOADING,
        columns.nonce.startswith(RESUMABLE, autoescape=True),
        columns.lease_until > schema.now(),
    )


def _spent(row: sa.Row[Any]) -> Spent:
    return Spent(
        image=ImageId(row.name, row.bucket),
        received_sha256=row.received_sha256,
        receipt=row.receipt,
        ends_in=row.ends_in,
    )


def _grant(row: sa.Row[tuple[object, ...]]) -> Grant:
    return Grant(
        image=ImageId(row.name, row.bucket),
        # Of two doubles near 2e9 the difference is good to microseconds.
        lifetime=round(row.expires_at - row.issued_at, 3),
        max_bytes=row.max_bytes,
        formats=tuple(filter(None, row.formats.split(","))),
        overwrite=row.overwrite,
        given=records.load(row.given),
    )
