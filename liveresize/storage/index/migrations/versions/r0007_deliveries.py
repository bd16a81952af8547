"""What each receiver of events is yet to be told, and how far it has read."""

import sqlalchemy as sa
from alembic import op

from liveresize.storage.index.schema import TEXT

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ALONE = True


def upgrade() -> None:
    """Add two tables that earlier releases do not know; theirs is the column `announce_at`."""
    op.create_table(
        "event_readers",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_event_readers"),
    )
    op.create_table(
        "deliveries",
        sa.Column("reader", TEXT, nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.Column("queued_at", sa.Double(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("reader", "serial", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_due", "deliveries", ["reader", "next_at"])
