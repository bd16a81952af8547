"""The pause of expiry, after a restore of the database."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table that earlier releases do not know."""
    op.create_table(
        "expiry_pause",
        sa.Column("one", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.Double(), nullable=False),
    )
