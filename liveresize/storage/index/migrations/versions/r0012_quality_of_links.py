"""The quality of renditions for which the engine has chosen it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column that earlier releases leave null; no row is rewritten."""
    op.add_column("renditions", sa.Column("quality", sa.Integer()))
