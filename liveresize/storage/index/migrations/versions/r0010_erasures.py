"""Which pictures were erased, and what is gone where; which instances there are."""

import sqlalchemy as sa
from alembic import op

from liveresize.storage.index.schema import TEXT

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add three tables that earlier releases do not know: their deletions have no receipts."""
    op.create_table(
        "erasures",
        sa.Column("generation", TEXT, nullable=False),
        sa.Column("bucket", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("redirects_end", sa.Double(), nullable=False),
        sa.Column("stores_at", sa.Double()),
        sa.PrimaryKeyConstraint("generation", name="pk_erasures"),
    )
    op.create_index("ix_erasures_at", "erasures", ["at"])
    unfinished = sa.text("stores_at IS NULL")
    op.create_index(
        "ix_erasures_unfinished",
        "erasures",
        ["at"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    op.create_table(
        "erasure_steps",
        sa.Column("generation", TEXT, nullable=False),
        sa.Column("place", TEXT, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("generation", "place", name="pk_erasure_steps"),
    )
    op.create_table(
        "instances",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_instances"),
    )
