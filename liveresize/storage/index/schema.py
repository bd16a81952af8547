"""The tables of the index, the same on SQLite and PostgreSQL.

A change here needs a revision in `migrations/versions`; a test holds the two together.
All times are Unix seconds of the database's clock, written by `now()` inside the
statement.
"""

import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from liveresize.core.names import ImageId
from liveresize.core.tokens import Claim
from liveresize.storage.index import engines

TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), engines.POSTGRESQL)
"""Text that is compared byte by byte, as in SQLite."""

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""An automatic serial; SQLite needs a column of the type INTEGER."""


class State(enum.StrEnum):
    """The state of a token."""

    ISSUED = "issued"
    UPLOADING = "uploading"
    DONE = "done"
    FAILED = "failed"


class now(FunctionElement[float]):  # noqa: N801 (reads as the SQL function that it is)
    """The database's clock in Unix seconds, the same throughout one statement."""

    type = sa.Double()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite_now(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    # SQLite keeps milliseconds; the Julian day as a double blurs them, hence `round`.
    return "round((julianday('now') - 2440587.5) * 86400.0, 3)"


@compiles(now, engines.POSTGRESQL)
def _postgresql_now(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    # Stable within a statement, so that comparisons with it may use an index.
    return "CAST(extract(epoch FROM statement_timestamp()) AS double precision)"


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

tokens = sa.Table(
    "upload_tokens",  # Live Image Resize has a table `tokens`, and we may share its database
    metadata,
    sa.Column("bucket", TEXT, primary_key=True),
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("digest", TEXT, nullable=False, unique=True),
    sa.Column("state", TEXT, nullable=False),
    sa.Column("issued_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Column("lease_until", sa.Double),
    sa.Column("nonce", TEXT),
    sa.Column("max_bytes", sa.BigInteger, nullable=False),
    sa.Column("formats", TEXT, nullable=False),
    sa.Column("overwrite", sa.Boolean, nullable=False),
    sa.Column("received_sha256", TEXT),
    sa.Column("receipt", TEXT),
    sa.Column("given", TEXT),
)

originals = sa.Table(
    "originals",
    metadata,
    sa.Column("bucket", TEXT, primary_key=True),
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("generation", TEXT, nullable=False, unique=True),
    sa.Column("format", TEXT, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", TEXT, nullable=False),
    sa.Column("frames", sa.Integer, nullable=False),
    sa.Column("has_alpha", sa.Boolean, nullable=False),
    sa.Column("clean", sa.Boolean, nullable=False),
    sa.Column("dominant_color", TEXT, nullable=False),
    sa.Column("thumbhash", TEXT, nullable=False),
    sa.Column("uploaded_at", sa.Double, nullable=False),
    sa.Column("mirrored_at", sa.Double),
    sa.Column("announce_at", sa.Double),
    sa.Column("announce_tries", sa.Integer),
    sa.Column("facts_version", sa.Integer),
    sa.Column("focus_x", sa.Integer),
    sa.Column("focus_y", sa.Integer),
    sa.Column("meta", TEXT),
    sa.Column("keep_until", sa.Double),
    sa.Column("claim_until", sa.Double),
    sa.Column("held_at", sa.Double),
    sa.Column("expired_at", sa.Double),
    sa.Column("due_at", sa.Double),
    sa.Column("visual", TEXT),
)

# What the mirror lacks is its queue; in time that is next to nothing.
sa.Index(
    "ix_originals_unmirrored",
    originals.c.generation,
    sqlite_where=originals.c.mirrored_at.is_(None),
    postgresql_where=originals.c.mirrored_at.is_(None),
)

# The same of buckets alone: where only they are mirrored, all others stay null for good.
sa.Index(
    "ix_originals_unmirrored_buckets",
    originals.c.generation,
    sqlite_where=sa.text("mirrored_at IS NULL AND bucket != ''"),
    postgresql_where=sa.text("mirrored_at IS NULL AND bucket != ''"),
)

# What the webhook is yet to be told of: nearly every row is null here, too.
sa.Index(
    None,
    originals.c.announce_at,
    sqlite_where=originals.c.announce_at.is_not(None),
    postgresql_where=originals.c.announce_at.is_not(None),
)

# Nearly every picture stays for good, and is null here.
sa.Index(
    None,
    originals.c.due_at,
    sqlite_where=originals.c.due_at.is_not(None),
    postgresql_where=originals.c.due_at.is_not(None),
)

renditions = sa.Table(
    "renditions",
    metadata,
    sa.Column(
        "generation",
        TEXT,
        sa.ForeignKey("originals.generation", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("variant", TEXT, primary_key=True),
    sa.Column("key", TEXT, nullable=False),
    sa.Column("mime", TEXT, nullable=False),
    sa.Column("etag", TEXT, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("engine", TEXT, nullable=False, index=True),
    sa.Column("rendered_at", sa.Double, nullable=False, index=True),
    sa.Column("used_at", sa.Double, nullable=False, index=True),
    sa.Column("purged_at", sa.Double),
    sa.Column("quality", sa.Integer),
)

# Nearly every row is null here, and nobody looks for those.
sa.Index(
    None,
    renditions.c.purged_at,
    sqlite_where=renditions.c.purged_at.is_not(None),
    postgresql_where=renditions.c.purged_at.is_not(None),
)

# One row: which instance bounds the bucket, and how far it has counted, see `bucket_use`.
bucket_use = sa.Table(
    "bucket_use",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("holder", TEXT, nullable=False),
    sa.Column("held_until", sa.Double, nullable=False),
    sa.Column("generation", TEXT, nullable=False),
    sa.Column("variant", TEXT, nullable=False),
    sa.Column("counted", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger),
    sa.Column("excess", sa.BigInteger, nullable=False),
)

# One row an application, see `application_use`.
application_use = sa.Table(
    "application_use",
    metadata,
    sa.Column("prefix", TEXT, primary_key=True),
    sa.Column("pictures", sa.BigInteger),
    sa.Column("bytes", sa.BigInteger),
    sa.Column("position", TEXT, nullable=False),
    sa.Column("counted_pictures", sa.BigInteger, nullable=False),
    sa.Column("counted_bytes", sa.BigInteger, nullable=False),
)

purges = sa.Table(
    "purges",
    metadata,
    sa.Column("serial", SERIAL, primary_key=True),
    sa.Column("bucket", TEXT, nullable=False),
    sa.Column("name", TEXT, nullable=False),
    sa.Column("generation", TEXT, nullable=False),
    sa.Column("variant", TEXT, nullable=False),
    sa.Column("at", sa.Double, nullable=False, index=True),
    # A serial that was pruned must not be given out again: pollers have passed it.
    sqlite_autoincrement=True,
)


events = sa.Table(
    "events",
    metadata,
    sa.Column("serial", SERIAL, primary_key=True),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("bucket", TEXT, nullable=False),
    sa.Column("name", TEXT, nullable=False),
    sa.Column("generation", TEXT, nullable=False),
    sa.Column("document", TEXT, nullable=False),
    # Readers have passed a serial that was pruned.
    sqlite_autoincrement=True,
)


event_readers = sa.Table(
    "event_readers",
    metadata,
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("serial", sa.BigInteger, nullable=False),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("reader", TEXT, primary_key=True),
    sa.Column("serial", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("next_at", sa.Double, nullable=False),
    sa.Column("queued_at", sa.Double, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
)

sa.Index("ix_deliveries_due", deliveries.c.reader, deliveries.c.next_at)


# A row is there while expiry is paused.
expiry_pause = sa.Table(
    "expiry_pause",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Double, nullable=False),
)

erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("generation", TEXT, primary_key=True),
    sa.Column("bucket", TEXT, nullable=False),
    sa.Column("name", TEXT, nullable=False),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("redirects_end", sa.Double, nullable=False),
    sa.Column("stores_at", sa.Double),
)

# Nearly all of them are finished soon.
sa.Index(
    "ix_erasures_unfinished",
    erasures.c.at,
    sqlite_where=erasures.c.stores_at.is_(None),
    postgresql_where=erasures.c.stores_at.is_(None),
)

erasure_steps = sa.Table(
    "erasure_steps",
    metadata,
    sa.Column("generation", TEXT, primary_key=True),
    sa.Column("place", TEXT, primary_key=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("failed", sa.Boolean, nullable=False),
)

instances = sa.Table(
    "instances",
    metadata,
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("seen_at", sa.Double, nullable=False),
)


def upsert(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT with ON CONFLICT, in the dialect of the database."""
    if dialect == engines.POSTGRESQL:
        return postgresql.insert(table)
    return sqlite.insert(table)


def of(table: sa.Table, image: ImageId) -> sa.ColumnElement[bool]:
    """Return the condition that a row of `tokens` or `originals` is that of `image`."""
    return sa.and_(table.c.bucket == image.bucket, table.c.name == image.name)


def held(claim: Claim) -> sa.ColumnElement[bool]:
    """Return the condition that `claim` still holds the token, even after its lease."""
    return sa.and_(
        tokens.c.digest == claim.digest,
        tokens.c.nonce == claim.nonce,
        tokens.c.state == State.UPLOADING,
    )
