"""Which version of the engine's facts the row of an original has."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column that earlier releases leave null; no row is rewritten."""
    op.add_column("originals", sa.Column("facts_version", sa.Integer()))
