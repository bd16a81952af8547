"""The table of originals, with functions for the transactions of other repositories."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from liveresize import errors
from liveresize.core.events import Kind
from liveresize.core.names import ImageId
from liveresize.core.originals import FACTS_VERSION, Original, version_of
from liveresize.core.ports import FACTS, HIDDEN, RECORD, SCANNED, Changed, Listing, Page, Use
from liveresize.core.records import Change, differences
from liveresize.core.values import Quality
from liveresize.settings.applications import Applications
from liveresize.storage.index import (
    application_use,
    erasures,
    events,
    locks,
    purges,
    records,
    repository,
    schema,
    selections,
)
from liveresize.storage.index.repository import Repository

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

_LOOKED_AT = 10_000
"""Rows that one search for outdated facts looks at: a million would take a second or more."""

_originals = schema.originals
_links = schema.renditions
_tokens = schema.tokens

_current = sa.select(_originals).where(  # built once, for every request runs it
    _originals.c.bucket == sa.bindparam("b_bucket"), _originals.c.name == sa.bindparam("b_name")
)


class SqlOriginalRows(Repository):
    """ports.OriginalRows on the table `originals`."""

    @repository.lookup
    def find(self, connection: sa.Connection, image: ImageId) -> Original | None:
        return current(connection, image)

    @repository.lookup
    def of(self, connection: sa.Connection, generation: str) -> Original | None:
        result = connection.execute(
            sa.select(_originals).where(_originals.c.generation == generation)
        )
        row = result.one_or_none()
        return None if row is None else from_row(row)

    @repository.read
    def known(self, connection: sa.Connection, generations: Sequence[str]) -> set[str]:
        result = connection.execute(
            sa.select(_originals.c.generation).where(_originals.c.generation.in_(generations))
        )
        return set(result.scalars())

    @repository.read
    def hidden(self, connection: sa.Connection, generations: Sequence[str]) -> set[str]:
        columns = _originals.c
        result = connection.execute(
            sa.select(columns.generation).where(
                columns.generation.in_(generations),
                sa.or_(columns.held_at.is_not(None), columns.expired_at.is_not(None)),
            )
        )
        return set(result.scalars())

    @repository.read
    def after(
        self, connection: sa.Connection, generation: str, limit: int
    ) -> list[tuple[Original, bool]]:
        rows = connection.execute(
            sa.select(_originals)
            .where(_originals.c.generation > generation)
            .order_by(_originals.c.generation)
            .limit(limit)
        )
        return [(from_row(row), row.mirrored_at is not None) for row in rows]

    @repository.read
    def page(self, connection: sa.Connection, listing: Listing, after: str, limit: int) -> Page:
        names = _originals.c.name
        # One bound on each side: of two, SQLite may take the wrong one, and read all in between.
        begin = names > after if after >= listing.prefix else names >= listing.prefix
        rows = sa.select(_originals).where(_originals.c.bucket == listing.bucket, begin)
        whole = rows.where(names <= selections.last_name(listing.prefix)).order_by(names)
        scanned, last = whole, None
        if listing.filters:
            edge = whole.with_only_columns(names).offset(SCANNED - 1).limit(2)
            following = [row.name for row in connection.execute(edge)]
            if len(following) == 2:  # else this page is the last one
                last = following[0]
                scanned = rows.where(names <= last).order_by(names)
            # No planner looks for few rows elsewhere than below a limit, which leaves room for
            # rows that were inserted meanwhile.
            some = scanned.limit(2 * SCANNED).subquery()
            scanned = sa.select(some).where(*_listed(some.c, listing)).order_by(some.c.name)
        found = [from_row(row) for row in connection.execute(scanned.limit(limit + 1))]
        if len(found) > limit:
            return Page(originals=found[:limit], after=found[limit - 1].image.name)
        return Page(originals=found, after=last)

    @repository.read
    def outdated(
        self, connection: sa.Connection, generation: str, limit: int
    ) -> tuple[list[Original], str]:
        by_age = sa.select(_originals.c.generation).order_by(_originals.c.generation)
        some = by_age.where(_originals.c.generation > generation).limit(_LOOKED_AT).subquery()
        last = connection.execute(sa.select(sa.func.max(some.c.generation))).scalar_one()
        if last is None:
            return [], ""
        rows = connection.execute(
            sa.select(_originals)
            .where(
                _originals.c.generation > generation,
                _originals.c.generation <= last,
                sa.func.coalesce(_originals.c.facts_version, 1) < FACTS_VERSION,
            )
            .order_by(_originals.c.generation)
            .limit(limit)
        )
        found = [from_row(row) for row in rows]
        return found, found[-1].generation if len(found) == limit else last

    @repository.write
    def update_facts(self, connection: sa.Connection, original: Original) -> bool:
        locks.image(connection, original.image)
        standing = current(connection, original.image)
        if standing is None or standing.generation != original.generation:
            return False
        changed = _row(original) != _row(standing)
        if changed:
            locks.housekeeping(connection)
            purges.announce(connection, [(original.image, original.generation, FACTS)])
        connection.execute(
            sa.update(_originals)
            .where(_originals.c.generation == original.generation)
            .values(**_row(original))
        )
        more = original.bytes - standing.bytes
        if more:
            application_use.add(connection, self._applications, original, pictures=0, size=more)
        return changed

    @repository.write
    def keep_visual(
        self, connection: sa.Connection, generation: str, quality: Quality
    ) -> Quality | None:
        visual, same = _originals.c.visual, _originals.c.generation == generation
        other = sa.or_(visual.is_(None), visual.not_like(f"qv{quality.target}.%"))
        connection.execute(sa.update(_originals).where(same, other).values(visual=quality.token))
        return _visual(connection.execute(sa.select(visual).where(same)).scalar())

    @repository.write
    def adopt(
        self,
        connection: sa.Connection,
        original: Original,
        *,
        mirrored: bool = False,
        uploaded: bool = False,
    ) -> Original:
        return adopt(connection, self._applications, original, mirrored=mirrored, uploaded=uploaded)

    @repository.write
    def take_over(self, connection: sa.Connection, original: Original) -> Original | None:
        locks.image(connection, original.image)
        if purges.ended_lately(connection, original.image):
            return current(connection, original.image)
        return adopt(connection, self._applications, original, mirrored=True)

    @repository.write
    def supersede(self, connection: sa.Connection, original: Original, older: str = "") -> Original:
        locks.image(connection, original.image)
        standing = current(connection, original.image)
        if standing is not None and standing.generation == older:
            end_generation(connection, self._applications, standing)
        adopted = adopt(connection, self._applications, original)
        if standing is not None and standing.generation == older:
            events.write(connection, Kind.REPLACED, adopted, {"imported": True})
        return adopted

    @repository.free
    def end(self, connection: sa.Connection, original: Original) -> bool:
        """End a generation if it is current, and delete its used token.

        A token that is not used yet stays, for the next upload.
        """
        locks.image(connection, original.image)
        standing = current(connection, original.image)
        if standing is None or standing.generation != original.generation:
            return False
        _end(connection, self._applications, standing, Kind.DELETED)
        return True

    @repository.read
    def due(self, connection: sa.Connection, limit: int) -> list[Original]:
        rows = connection.execute(
            sa.select(_originals)
            .where(_originals.c.due_at <= schema.now())
            .order_by(_originals.c.due_at)
            .limit(limit)
        )
        return [from_row(row) for row in rows]

    @repository.write
    def expire(self, connection: sa.Connection, original: Original) -> Changed | None:
        before = _due(connection, original)
        if before is None or before.record.expired_at is not None:
            return None
        record = replace(before.record, expired_at=connection.scalar(sa.select(schema.now())))
        after = replace(before, record=record)
        write_record(connection, before, after)
        return Changed(before=before, after=after)

    @repository.free
    def end_expired(
        self, connection: sa.Connection, original: Original, *, redirects: float = 0.0
    ) -> bool:
        standing = _due(connection, original)
        if standing is None or standing.record.expired_at is None:
            return False
        erasures.write(connection, standing, redirects)
        _end(connection, self._applications, standing, Kind.EXPIRED)
        return True

    @repository.write
    def change(
        self, connection: sa.Connection, image: ImageId, change: Change, *, version: str = ""
    ) -> Changed:
        locks.image(connection, image)
        before = current(connection, image)
        if before is None:
            raise errors.OriginalMissing
        if version and version != version_of(before.generation):
            raise errors.VersionMismatch
        now = connection.scalar(sa.select(schema.now()))
        assert now is not None
        after = replace(before, record=change.applied(before.record, now))
        write_record(connection, before, after)
        return Changed(before=before, after=after)

    @repository.free
    def delete(
        self, connection: sa.Connection, image: ImageId, *, redirects: float | None = None
    ) -> Original | None:
        """Delete an original and its token, so that an upload in progress is refused too."""
        locks.image(connection, image)
        connection.execute(sa.delete(_tokens).where(schema.of(_tokens, image)))
        original = current(connection, image)
        if original is not None:
            end_generation(connection, self._applications, original)
            if redirects is not None:
                erasures.write(connection, original, redirects)
            events.write(connection, Kind.DELETED, original)
        return original


def current(connection: sa.Connection, image: ImageId) -> Original | None:
    """Return the current original of that name."""
    result = connection.execute(_current, {"b_bucket": image.bucket, "b_name": image.name})
    row = result.one_or_none()
    return None if row is None else from_row(row)


def current_of(connection: sa.Connection, images: Collection[ImageId]) -> set[ImageId]:
    """Return those of the images that have an original."""
    if not images:
        return set()
    key = sa.tuple_(_originals.c.bucket, _originals.c.name)
    rows = connection.execute(
        sa.select(_originals.c.bucket, _originals.c.name).where(
            key.in_([(image.bucket, image.name) for image in images])
        )
    )
    return {ImageId(row.name, row.bucket) for row in rows}


def adopt(
    connection: sa.Connection,
    applications: Applications,
    original: Original,
    *,
    mirrored: bool = False,
    uploaded: bool = False,
) -> Original:
    """Record an original from the disk, unless there is a current one; return the current one.

    It keeps its `uploaded_at`; 0 becomes the current time.
    """
    locks.image(connection, original.image)
    standing = current(connection, original.image)
    if standing is not None:
        return standing
    insert(
        connection,
        applications,
        original,
        original.uploaded_at or schema.now(),
        mirrored=mirrored,
    )
    adopted = current(connection, original.image)
    assert adopted is not None  # the image is locked
    if uploaded:
        events.write(connection, Kind.UPLOADED, adopted)
    return adopted


def _due(connection: sa.Connection, original: Original) -> Original | None:
    """Lock an image; return its original if it is of that generation, and a step of its expiry is
    due and expiry not paused."""
    locks.image(connection, original.image)
    row = connection.execute(
        sa.select(_originals).where(
            _originals.c.generation == original.generation,
            _originals.c.due_at <= schema.now(),
            ~sa.exists().select_from(schema.expiry_pause),
        )
    ).one_or_none()
    return None if row is None else from_row(row)


def _end(
    connection: sa.Connection, applications: Applications, original: Original, kind: Kind
) -> None:
    """End a generation and delete its used token; the image is locked."""
    spent = _tokens.c.state == schema.State.DONE
    connection.execute(sa.delete(_tokens).where(schema.of(_tokens, original.image), spent))
    end_generation(connection, applications, original)
    events.write(connection, kind, original)


def insert(
    connection: sa.Connection,
    applications: Applications,
    original: Original,
    uploaded_at: object,
    *,
    mirrored: bool,
) -> Use:
    """Insert a row, with its state in the mirror, and count it for its application; return what
    that takes now."""
    connection.execute(
        sa.insert(_originals).values(
            **_row(original),
            **records.columns(original.record),
            uploaded_at=uploaded_at,
            mirrored_at=schema.now() if mirrored else None,
        )
    )
    return application_use.add(connection, applications, original, pictures=1, size=original.bytes)


def end_generation(
    connection: sa.Connection, applications: Applications, original: Original
) -> None:
    """End a generation: delete its row and links, and record the deletion for all instances."""
    locks.housekeeping(connection)
    connection.execute(sa.delete(_originals).where(_originals.c.generation == original.generation))
    purges.announce(connection, [(original.image, original.generation, "")])
    application_use.add(connection, applications, original, pictures=-1, size=-original.bytes)


def write_record(connection: sa.Connection, before: Original, after: Original) -> None:
    """Write a changed record, and tell instances and readers of events; the image is locked.

    Hiding a picture deletes its links. The row is locked against links that are being added, which
    see afterwards that the picture is hidden.
    """
    changed = differences(before.record, after.record)
    if not changed:
        return
    hides = after.record.hidden and not before.record.hidden
    shows = before.record.hidden and not after.record.hidden
    locks.housekeeping(connection)
    same = _originals.c.generation == after.generation
    if hides:
        connection.execute(sa.select(_originals.c.generation).where(same).with_for_update())
    connection.execute(sa.update(_originals).where(same).values(**records.columns(after.record)))
    if hides:
        connection.execute(sa.delete(_links).where(_links.c.generation == after.generation))
    purges.announce(connection, [(after.image, after.generation, HIDDEN if hides else RECORD)])
    events.write(connection, Kind.RELEASED if shows else Kind.CHANGED, after, {"changed": changed})


def _listed(columns: Any, listing: Listing) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that no index answers."""
    conditions = []
    if listing.uploaded_since is not None:
        conditions.append(columns.uploaded_at >= listing.uploaded_since)
    if listing.held is not None:
        is_held = columns.held_at.is_not(None)
        conditions.append(is_held if listing.held else sa.not_(is_held))
    if listing.expiring is not None:
        ends = columns.due_at.is_not(None)
        conditions.append(ends if listing.expiring else sa.not_(ends))
    if listing.format:
        conditions.append(columns.format == listing.format)
    return conditions


def from_row(row: sa.Row[Any]) -> Original:
    """Convert a row of `originals`."""
    facts = {field: getattr(row, field) for field in _FACTS}
    return Original(
        image=ImageId(row.name, row.bucket),
        uploaded_at=row.uploaded_at,
        record=records.from_row(row),
        visual=_visual(row.visual),
        **facts,
    )


def _visual(token: str | None) -> Quality | None:
    """Parse a quality; None for one that a later release may have written."""
    try:
        return Quality.of_token(token) if token else None
    except ValueError:
        return None


def _row(original: Original) -> dict[str, object]:
    facts: dict[str, object] = {field: getattr(original, field) for field in _FACTS}
    return {
        "bucket": original.image.bucket,
        "name": original.image.name,
        "facts_version": FACTS_VERSION,
        **facts,
    }
