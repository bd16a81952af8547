"""What the webhook is yet to be told of: when next, and how often it was tried."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns that earlier releases leave null, and an index of the first."""
    op.add_column("originals", sa.Column("announce_at", sa.Double()))
    op.add_column("originals", sa.Column("announce_tries", sa.Integer()))
    waiting = sa.text("announce_at IS NOT NULL")
    op.create_index(
        "ix_originals_announce_at",
        "originals",
        ["announce_at"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
