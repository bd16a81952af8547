"""What the renditions in the bucket take, and the links that may end.

Only links of the main namespace count: the renditions of vip's buckets belong to vip as well, and
those that were imported (of size 0) to another service. A link that has ended has `purged_at`, and
its object is removed like that of a purged one.
"""

from typing import Any

import sqlalchemy as sa

from liveresize.core.originals import Link
from liveresize.core.ports import BucketTotals, Ended, Position
from liveresize.storage.index import links, locks, purges, repository, schema
from liveresize.storage.index.repository import Repository

_LOOKED_AT = 1000
"""Links that one transaction looks at, for those that may end."""

_THE_ROW = 1
"""The id of the only row."""

_use = schema.bucket_use
_links = schema.renditions
_originals = schema.originals
_key = sa.tuple_(_links.c.generation, _links.c.variant)
_main = _originals.c.bucket + "" == ""
"""The condition for the main namespace, without an index: SQLite would begin with all originals."""


class SqlBucketUse(Repository):
    """ports.BucketUse on the tables `bucket_use` and `renditions`."""

    @repository.read
    def totals(self, connection: sa.Connection) -> BucketTotals:
        row = connection.execute(sa.select(_use.c.total, _use.c.excess)).one_or_none()
        return BucketTotals() if row is None else BucketTotals(row.total, row.excess)

    @repository.write
    def take(self, connection: sa.Connection, holder: str, lease: float) -> bool:
        """Take the turn for `lease` seconds, or keep it; return False if another has it."""
        until = {"holder": holder, "held_until": schema.now() + lease}
        start = {"generation": "", "variant": "", "counted": 0, "excess": 0}
        insert = schema.upsert(connection.dialect.name, _use).values(id=_THE_ROW, **until, **start)
        taken = insert.on_conflict_do_update(
            index_elements=[_use.c.id],
            set_=until,
            where=sa.or_(_use.c.holder == holder, _use.c.held_until < schema.now()),
        ).returning(_use.c.id)
        return connection.execute(taken).one_or_none() is not None

    @repository.write
    def count(self, connection: sa.Connection, limit: int) -> bool:
        """Count the bytes of the next `limit` links; return whether these were the last ones."""
        row = connection.execute(sa.select(_use.c.generation, _use.c.variant)).one_or_none()
        if row is None:
            return True
        above = _key > (row.generation, row.variant)
        following = sa.select(_links.c.generation, _links.c.variant).where(above)
        ordered = following.order_by(_links.c.generation, _links.c.variant)
        last = connection.execute(ordered.offset(limit - 1).limit(1)).one_or_none()
        counted = (
            sa.select(sa.cast(sa.func.coalesce(sa.func.sum(_links.c.size), 0), sa.BigInteger))
            .select_from(_links.join(_originals, _links.c.generation == _originals.c.generation))
            .where(above, _links.c.purged_at.is_(None), _main)
        )
        if last is not None:
            counted = counted.where(_key <= (last.generation, last.variant))
        size = connection.execute(counted).scalar_one()
        if last is None:
            values = {"total": _use.c.counted + size, "counted": 0, "generation": "", "variant": ""}
        else:
            values = {"counted": _use.c.counted + size, **last._mapping}
        connection.execute(sa.update(_use).values(values))
        return last is None

    @repository.write
    def note_excess(self, connection: sa.Connection, excess: int) -> None:
        connection.execute(sa.update(_use).where(_use.c.excess != excess).values(excess=excess))

    @repository.free
    def end_unused(
        self,
        connection: sa.Connection,
        after: Position | None,
        unused_for: float,
        longer: float,
        limit: int,
    ) -> Ended:
        """End up to `limit` links; see ports.BucketUse."""
        locks.housekeeping(connection)
        looked_at = _looked_at(after, unused_for)
        order = (looked_at.c.used_at, looked_at.c.generation, looked_at.c.variant)
        same = looked_at.c.generation == _originals.c.generation
        chosen = connection.execute(
            sa.select(*order)
            .select_from(looked_at.join(_originals, same))
            .where(looked_at.c.may_end, _main)
            .order_by(*order)
            .limit(limit)
        ).all()
        if len(chosen) == limit:
            position: Position | None = _position(chosen[-1])
        else:
            final = sa.select(*order).order_by(*(column.desc() for column in order))
            row = connection.execute(final.limit(1)).one_or_none()
            position = None if row is None else _position(row)
        if not chosen:
            return Ended([], position)
        # Rows are locked in the order of their keys, as where links are added.
        ending = connection.execute(
            links.select.where(
                links.is_one_of([(row.generation, row.variant) for row in chosen]),
                _links.c.used_at < schema.now() - unused_for,
                _links.c.purged_at.is_(None),
                _main,
            )
            .order_by(_links.c.generation, _links.c.variant)
            .with_for_update(of=_links)
        )
        ended = [links.link_of(row) for row in ending]
        self._end(connection, ended, longer)
        return Ended(ended, position)

    def _end(self, connection: sa.Connection, ended: list[Link], longer: float) -> None:
        if not ended:
            return
        keys = [(link.generation, link.variant) for link in ended]
        # As used just now they are out of the way of the next search.
        connection.execute(
            sa.update(_links)
            .where(links.is_one_of(keys))
            .values(purged_at=schema.now() + longer, used_at=schema.now())
        )
        purges.announce(connection, [(link.image, link.generation, link.variant) for link in ended])
        row = connection.execute(sa.select(_use.c.generation, _use.c.variant)).one_or_none()
        if row is not None:
            reached = (row.generation, row.variant)
            again = sum(link.size for link in ended if (link.generation, link.variant) <= reached)
            connection.execute(
                sa.update(_use).values(
                    total=_use.c.total - sum(link.size for link in ended),
                    counted=_use.c.counted - again,
                )
            )


def _looked_at(after: Position | None, unused_for: float) -> sa.Subquery:
    """Return the next links by their last use, whether they may end or not."""
    order = (_links.c.used_at, _links.c.generation, _links.c.variant)
    may_end = sa.and_(_links.c.purged_at.is_(None), _links.c.size > 0).label("may_end")
    found = sa.select(*order, may_end).where(_links.c.used_at < schema.now() - unused_for)
    if after is not None:
        # The first condition is for the index.
        found = found.where(_links.c.used_at >= after[0], sa.tuple_(*order) > after)
    return found.order_by(*order).limit(_LOOKED_AT).subquery()


def _position(row: Any) -> Position:
    return row.used_at, row.generation, row.variant
