"""An index of the originals of buckets that their buckets lack."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    missing = sa.text("mirrored_at IS NULL AND bucket != ''")
    op.create_index(
        "ix_originals_unmirrored_buckets",
        "originals",
        ["generation"],
        sqlite_where=missing,
        postgresql_where=missing,
    )
