"""An index of the originals that the mirror lacks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    missing = sa.text("mirrored_at IS NULL")
    op.create_index(
        "ix_originals_unmirrored",
        "originals",
        ["generation"],
        sqlite_where=missing,
        postgresql_where=missing,
    )
