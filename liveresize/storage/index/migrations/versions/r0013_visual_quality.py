"""The quality that `quality=visual` means for an original."""

import sqlalchemy as sa
from alembic import op

from liveresize.storage.index.schema import TEXT

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column that earlier releases leave null; no row is rewritten."""
    op.add_column("originals", sa.Column("visual", TEXT))
