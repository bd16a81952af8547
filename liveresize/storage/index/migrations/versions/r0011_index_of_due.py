"""The index of what is due, in a transaction of its own.

It reads the whole table, and PostgreSQL lets nobody write to it meanwhile. After the new columns
of 0006, in the same transaction, nobody could read it either.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ALONE = True


def upgrade() -> None:
    """Create an index of a column that earlier releases leave null."""
    due = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_originals_due_at", "originals", ["due_at"], sqlite_where=due, postgresql_where=due
    )
