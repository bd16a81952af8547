"""The table of links to stored renditions."""

import functools
import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from liveresize.core.names import ImageId
from liveresize.core.originals import Link
from liveresize.core.ports import Added, Selection
from liveresize.storage.index import engines, locks, purges, repository, schema, selections
from liveresize.storage.index.repository import Repository

_TICK = 0.001
"""The smallest difference in seconds between the times of a link and of its replacement."""

_NO_CLOCK, _EVICTED, _REMOVING = 1e11, 1e12, 1e13
"""A time in Unix seconds above every real one, and the `used_at` of evicted links, above it: a
search for the least recently used links does not have to skip them. Above both, the `used_at` of
links whose objects an instance is removing, since `purged_at`."""

CLAIM = 300.0
"""Seconds after which objects that an instance began to remove are taken by another one."""

_links = schema.renditions
_originals = schema.originals
_of_original = _links.join(_originals, _links.c.generation == _originals.c.generation)
select = sa.select(_originals.c.bucket, _originals.c.name, _links).select_from(_of_original)
_VALUES = ("variant", "key", "mime", "etag", "size", "engine", "quality")

# What every request runs is built once: that takes longer than running it.
_find = select.where(
    _links.c.generation == sa.bindparam("b_generation"),
    _links.c.variant == sa.bindparam("b_variant"),
    _links.c.purged_at.is_(None),
)
_several: sa.BindParameter[list[str]] = sa.bindparam("b_generations", expanding=True)
_living_ones = (
    sa.select(
        _originals.c.generation,
        sa.select(sa.func.count())
        .where(_links.c.generation == _originals.c.generation)
        .correlate(_originals)
        .scalar_subquery()
        .label("rows"),
    )
    .where(
        _originals.c.generation.in_(_several),
        _originals.c.held_at.is_(None),
        _originals.c.expired_at.is_(None),
    )
    .order_by(_originals.c.generation)
    .with_for_update(read=True, key_share=True, of=_originals)
)
_aside = _links.c.variant + "~" + _links.c.engine
"""The variant of a link that was set aside."""
_current = _links.alias()
_in_use_again = sa.and_(
    _links.c.variant.like("%~%"),
    sa.exists().where(
        _current.c.generation == _links.c.generation,
        _current.c.key == _links.c.key,
        _current.c.purged_at.is_(None),
    ),
)
_variants = sa.select(_links.c.variant).where(
    _links.c.generation == sa.bindparam("b_generation"), _links.c.purged_at.is_(None)
)


class SqlLinks(Repository):
    """ports.Links on the table `renditions`."""

    @repository.lookup
    def find(self, connection: sa.Connection, generation: str, variant: str) -> Link | None:
        result = connection.execute(_find, {"b_generation": generation, "b_variant": variant})
        row = result.one_or_none()
        return None if row is None else link_of(row)

    @repository.lookup
    def of(self, connection: sa.Connection, generation: str, limit: int) -> list[Link]:
        found = connection.execute(
            _list(connection.dialect.name), {"b_generation": generation, "b_limit": limit}
        )
        row = found.one_or_none()
        if row is None or row.links is None:
            return []
        image = ImageId(row.name, row.bucket)
        return [
            Link(
                image=image,
                generation=generation,
                variant=variant,
                key=key,
                mime=mime,
                etag=etag,
                size=size,
                engine=engine,
                rendered_at=rendered_at,
                quality=quality,
            )
            for rendered_at, variant, key, mime, etag, size, engine, quality in json.loads(
                row.links
            )
        ]

    @repository.lookup
    def was_purged(self, connection: sa.Connection, generation: str, variant: str) -> bool | None:
        purged = sa.select(_links.c.purged_at).where(
            _links.c.generation == generation, _links.c.variant == variant
        )
        row = connection.execute(purged).one_or_none()
        return None if row is None else row.purged_at is not None

    @repository.write
    def add(self, connection: sa.Connection, link: Link) -> bool:
        """Insert or replace a link; return False if its generation has ended."""
        rows = _living(connection, [link])
        if not rows:
            return False
        _insert(connection, [link], rows)
        return True

    @repository.write
    def add_all(
        self, connection: sa.Connection, links: Sequence[Link], max_variants: int
    ) -> list[Added]:
        """Insert or replace links; return the outcome of each."""
        rows = _living(connection, links)
        allowed = _allowed(connection, links, rows, max_variants)
        _insert(connection, [link for link in links if _pair(link) in allowed], rows)
        return [
            Added.ENDED
            if link.generation not in rows
            else Added.ADDED
            if _pair(link) in allowed
            else Added.FULL
            for link in links
        ]

    @repository.free
    def purge(self, connection: sa.Connection, selection: Selection, limit: int) -> list[Link]:
        locks.housekeeping(connection)
        chosen = (
            sa.select(_links.c.generation, _links.c.variant)
            .select_from(_of_original)
            .where(selections.chosen(connection, selection), _links.c.purged_at.is_(None))
            .order_by(_links.c.rendered_at, _links.c.generation, _links.c.variant)
            .limit(limit)
            .subquery()
        )
        same = sa.and_(
            _links.c.generation == chosen.c.generation, _links.c.variant == chosen.c.variant
        )
        # Rows are locked in the order of their keys, as in `add_all`.
        locked = connection.execute(
            select.join(chosen, same)
            .order_by(_links.c.generation, _links.c.variant)
            .with_for_update(of=_links)
        )
        purged = sorted((link_of(row) for row in locked), key=lambda link: link.rendered_at)
        if purged:
            connection.execute(
                sa.update(_links).where(_bound()).values(purged_at=schema.now()),
                [_key(link) for link in purged],
            )
        purges.announce(
            connection, [(link.image, link.generation, link.variant) for link in purged]
        )
        return purged

    @repository.free
    def evict(self, connection: sa.Connection, links: Sequence[Link], keep: int) -> None:
        """Mark links of objects to evict as purged, unless they were rendered again meanwhile.

        Only the last `keep` evicted links of a generation stay, so that a client that requests
        more and more variants cannot fill the database.
        """
        if not links:
            return
        locks.housekeeping(connection)
        connection.execute(
            sa.update(_links)
            .where(_bound(), _links.c.rendered_at == sa.bindparam("b_rendered_at"))
            .values(
                purged_at=sa.func.coalesce(_links.c.purged_at, schema.now()),
                size=0,
                used_at=_EVICTED,
            ),
            [_key(link) | {"b_rendered_at": link.rendered_at} for link in sorted(links, key=_pair)],
        )
        evicted = sa.and_(
            _links.c.generation == sa.bindparam("b_generation"),
            _links.c.used_at.between(_NO_CLOCK, _EVICTED),
        )
        newest = (
            sa.select(_links.c.variant)
            .where(evicted)
            .order_by(_links.c.purged_at.desc(), _links.c.variant)
            .limit(keep)
        )
        connection.execute(
            sa.delete(_links).where(evicted, _links.c.variant.not_in(newest)),
            [{"b_generation": generation} for generation in {link.generation for link in links}],
        )

    @repository.read
    def purged(self, connection: sa.Connection, older_than: float, limit: int) -> list[Link]:
        """Return links purged or evicted more than `older_than` seconds ago, the oldest first.

        An object that was set aside and is in use again is left out: 1.0.0 may have rendered it
        again. Those with an expired claim come last.
        """
        due = select.where(_due(older_than)).order_by(_links.c.purged_at).limit(limit)
        links = [link_of(row) for row in connection.execute(due)]
        if len(links) < limit:
            left = select.where(_claim_expired()).limit(limit - len(links))
            links += [link_of(row) for row in connection.execute(left)]
        return links

    @repository.free
    def claim(
        self, connection: sa.Connection, links: Sequence[Link], older_than: float
    ) -> list[Link]:
        """Claim links whose objects are to be removed; return those that are still due."""
        if not links:
            return []
        locks.housekeeping(connection)
        # Rows are locked in the order of their keys, as in `add_all`.
        due = connection.execute(
            sa.select(_links.c.generation, _links.c.variant, _links.c.rendered_at)
            .where(
                is_one_of([_pair(link) for link in links]),
                sa.or_(_due(older_than), _claim_expired()),
            )
            .order_by(_links.c.generation, _links.c.variant)
            .with_for_update(of=_links)
        )
        rendered_at = {_pair(link): link.rendered_at for link in links}
        claimed = [
            (row.generation, row.variant)
            for row in due
            if rendered_at[row.generation, row.variant] == row.rendered_at
        ]
        if claimed:
            connection.execute(
                sa.update(_links)
                .where(is_one_of(claimed))
                .values(used_at=_REMOVING, purged_at=schema.now())
            )
        return [link for link in links if _pair(link) in claimed]

    @repository.read
    def is_leaving(self, connection: sa.Connection, generation: str, key: str) -> bool:
        leaving = sa.select(_links.c.variant).where(*_leaving(generation, key)).limit(1)
        return connection.execute(leaving).first() is not None

    @repository.write
    def postpone(self, connection: sa.Connection, generation: str, key: str) -> bool:
        """Restart the time until the removal of an object; return False if it has begun."""
        leaving = _leaving(generation, key)
        connection.execute(
            sa.update(_links)
            .where(*leaving, _links.c.used_at <= _EVICTED)
            .values(
                purged_at=sa.case(
                    (_links.c.purged_at > schema.now(), _links.c.purged_at), else_=schema.now()
                )
            )
        )
        begun = sa.select(_links.c.variant).where(*leaving, _links.c.used_at > _EVICTED)
        return connection.execute(begun.limit(1)).first() is None

    @repository.free
    def forget(self, connection: sa.Connection, links: Sequence[Link]) -> None:
        """Delete rows, except of links that were rendered again meanwhile."""
        if not links:
            return
        locks.housekeeping(connection)
        connection.execute(
            sa.delete(_links).where(
                _bound(), _links.c.rendered_at == sa.bindparam("b_rendered_at")
            ),
            [_key(link) | {"b_rendered_at": link.rendered_at} for link in sorted(links, key=_pair)],
        )

    @repository.write
    def touch(self, connection: sa.Connection, keys: Sequence[tuple[str, str]]) -> None:
        """Record that these (generation, variant) were used just now.

        Locked rows are skipped: a change is a use as well, and this never waits.
        """
        if not keys:
            return
        free = (
            sa.select(_links.c.generation, _links.c.variant)
            .where(_bound(), _links.c.used_at <= _NO_CLOCK)
            .with_for_update(skip_locked=True)
        )
        key = sa.tuple_(_links.c.generation, _links.c.variant)
        connection.execute(
            sa.update(_links).where(key.in_(free)).values(used_at=schema.now()),
            [{"b_generation": generation, "b_variant": variant} for generation, variant in keys],
        )

    @repository.read
    def least_used(
        self, connection: sa.Connection, limit: int, *, buckets: bool = True
    ) -> list[Link]:
        """Return the least recently used links, including purged ones, which use space, too.

        Evicted and imported links use no space and are left out.
        """
        taking_room = select.where(_links.c.size > 0)
        if not buckets:
            taking_room = taking_room.where(_originals.c.bucket == "")
        rows = connection.execute(taking_room.order_by(_links.c.used_at).limit(limit))
        return [link_of(row) for row in rows]

    @repository.read
    def after(
        self, connection: sa.Connection, generation: str, variant: str, limit: int
    ) -> list[tuple[Link, bool]]:
        rows = connection.execute(
            select.where(sa.tuple_(_links.c.generation, _links.c.variant) > (generation, variant))
            .order_by(_links.c.generation, _links.c.variant)
            .limit(limit)
        )
        return [(link_of(row), row.purged_at is None) for row in rows]

    @repository.read
    def keys_of(self, connection: sa.Connection, generations: Sequence[str]) -> set[str]:
        stored = sa.and_(_links.c.generation.in_(generations), _links.c.used_at <= _NO_CLOCK)
        return set(connection.execute(sa.select(_links.c.key).where(stored)).scalars())

    @repository.read
    def stored_bytes(self, connection: sa.Connection, *, buckets: bool = True) -> int:
        total = sa.select(sa.cast(sa.func.coalesce(sa.func.sum(_links.c.size), 0), sa.BigInteger))
        if not buckets:
            total = total.select_from(_of_original).where(_originals.c.bucket == "")
        return connection.execute(total).scalar_one()


def is_one_of(keys: Sequence[tuple[str, str]]) -> sa.ColumnElement[bool]:
    """Return the condition for the rows with these (generation, variant).

    SQLite uses an index for the first column only if it is asked for alone.
    """
    return sa.and_(
        _links.c.generation.in_({generation for generation, _ in keys}),
        sa.tuple_(_links.c.generation, _links.c.variant).in_(keys),
    )


def _due(older_than: float) -> sa.ColumnElement[bool]:
    """Return the condition that an object may be removed, and that nobody does so."""
    return sa.and_(
        _links.c.purged_at < schema.now() - older_than,
        _links.c.used_at <= _EVICTED,
        sa.not_(_in_use_again),
    )


def _claim_expired() -> sa.ColumnElement[bool]:
    """Return the condition that whoever began to remove an object did not finish."""
    return sa.and_(
        _links.c.used_at > _EVICTED,
        _links.c.purged_at < schema.now() - CLAIM,
        sa.not_(_in_use_again),
    )


def _leaving(generation: str, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions for purged links with that key."""
    return (
        _links.c.generation == generation,
        _links.c.key == key,
        _links.c.purged_at.is_not(None),
    )


def _living(connection: sa.Connection, links: Sequence[Link]) -> dict[str, int]:
    """How many rows the generations of these links have, purged ones included; those that have
    ended, or are hidden, are left out.

    The lock on the original's row serialises this, and a deletion or hiding.
    """
    generations = sorted({link.generation for link in links})
    living = connection.execute(_living_ones, {"b_generations": generations})
    return {row.generation: row.rows for row in living}


def _allowed(
    connection: sa.Connection, links: Sequence[Link], rows: dict[str, int], max_variants: int
) -> set[tuple[str, str]]:
    """Return (generation, variant) of the links that `max_variants` allows.

    Replacing a link is always allowed. Instances that add links of one generation at the same
    time may exceed the limit together.
    """
    wanted: dict[str, list[str]] = {}
    for link in links:
        if link.generation in rows:
            wanted.setdefault(link.generation, []).append(link.variant)
    allowed = set()
    for generation, variants in wanted.items():
        room = max_variants - rows[generation]
        standing: set[str] = set()
        if len(variants) > room:  # do not count purged rows
            standing.update(connection.execute(_variants, {"b_generation": generation}).scalars())
            room = max_variants - len(standing)
        for variant in variants:
            if variant in standing:
                allowed.add((generation, variant))
            elif room > 0:
                room -= 1
                allowed.add((generation, variant))
    return allowed


def _insert(connection: sa.Connection, links: Sequence[Link], rows: dict[str, int]) -> None:
    """Insert or replace links, in the order of their keys to avoid deadlocks.

    The object of a replaced link stays for those who have a redirect to it. If it has another key,
    its row is set aside as a purged one, under a variant that no request has. `rows` is the result
    of `_living`.
    """
    replacing = [link for link in links if rows[link.generation]]
    if replacing:
        connection.execute(
            _setting_aside(connection.dialect.name),
            [_key(link) | {"b_key": link.key} for link in sorted(replacing, key=_pair)],
        )
    if links:
        connection.execute(
            _insertion(connection.dialect.name),
            [
                {f"b_{name}": getattr(link, name) for name in ("generation", *_VALUES)}
                for link in sorted(links, key=_pair)
            ],
        )


@functools.cache
def _list(dialect: str) -> sa.Executable:
    """The statement that reads all links of a generation as one row of JSON.

    The driver of SQLite releases the interpreter lock for each row; while the event loop is busy,
    200 rows could take a second.
    """
    chosen = (
        sa.select(_links.c.rendered_at, *(_links.c[name] for name in _VALUES))
        .where(_links.c.generation == sa.bindparam("b_generation"), _links.c.purged_at.is_(None))
        .limit(sa.bindparam("b_limit"))
        .subquery()
    )
    if dialect == engines.SQLITE:
        listed = sa.func.json_group_array(sa.func.json_array(*chosen.c))
    else:
        listed = sa.func.json_agg(sa.func.json_build_array(*chosen.c))
    links = sa.select(sa.cast(listed, sa.Text)).scalar_subquery()
    return sa.select(_originals.c.bucket, _originals.c.name, links.label("links")).where(
        _originals.c.generation == sa.bindparam("b_generation")
    )


@functools.cache
def _setting_aside(dialect: str) -> sa.Executable:
    row = {column.name: column for column in _links.c} | {
        "variant": _aside,
        "purged_at": sa.func.coalesce(_links.c.purged_at, schema.now()),
    }
    replaced = sa.select(*row.values()).where(
        _bound(),
        _links.c.key != sa.bindparam("b_key"),
        _links.c.key.not_like("%://%"),  # what was imported is not ours to remove
        _links.c.size > 0,
    )
    insert = schema.upsert(dialect, _links).from_select(list(row), replaced)
    return insert.on_conflict_do_update(
        index_elements=[_links.c.generation, _links.c.variant],
        set_={
            name: insert.excluded[name]
            for name in ("etag", "size", "rendered_at", "used_at", "purged_at")
        },
    )


@functools.cache
def _insertion(dialect: str) -> sa.Executable:
    values: dict[str, sa.BindParameter[str | int | None]] = {
        name: sa.bindparam(f"b_{name}") for name in ("generation", *_VALUES)
    }
    insert = schema.upsert(dialect, _links).values(
        **values, rendered_at=schema.now(), used_at=schema.now()
    )
    # `forget` tells a link from its successor by this time, so that it must differ.
    younger = _links.c.rendered_at + _TICK
    rendered_at = sa.case((schema.now() > younger, schema.now()), else_=younger)
    return insert.on_conflict_do_update(
        index_elements=[_links.c.generation, _links.c.variant],
        set_={
            **{name: insert.excluded[name] for name in _VALUES},
            "rendered_at": rendered_at,
            "used_at": schema.now(),
            "purged_at": None,
        },
    )


def _pair(link: Link) -> tuple[str, str]:
    return link.generation, link.variant


def _bound() -> sa.ColumnElement[bool]:
    """Return the condition for the row with the parameters of `_key`."""
    return sa.and_(
        _links.c.generation == sa.bindparam("b_generation"),
        _links.c.variant == sa.bindparam("b_variant"),
    )


def _key(link: Link) -> dict[str, object]:
    return {"b_generation": link.generation, "b_variant": link.variant}


def link_of(row: sa.Row[Any]) -> Link:
    """Return the link of a row of `select`."""
    return Link(
        image=ImageId(row.name, row.bucket),
        generation=row.generation,
        variant=row.variant,
        key=row.key,
        mime=row.mime,
        etag=row.etag,
        size=row.size,
        engine=row.engine,
        rendered_at=row.rendered_at,
        quality=row.quality,
    )
