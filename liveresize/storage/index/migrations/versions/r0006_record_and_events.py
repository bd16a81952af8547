"""What an application says of its pictures, and an event for each change of one."""

import sqlalchemy as sa
from alembic import op

from liveresize.storage.index.schema import SERIAL, TEXT

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns that earlier releases leave null, and a table that they do not know."""
    op.add_column("upload_tokens", sa.Column("given", TEXT))
    op.create_table(
        "events",
        sa.Column("serial", SERIAL, primary_key=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("bucket", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("generation", TEXT, nullable=False),
        sa.Column("document", TEXT, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_at", "events", ["at"])
    # Last, for nobody can read the table from here to the commit.
    for name, kind in (
        ("focus_x", sa.Integer()),
        ("focus_y", sa.Integer()),
        ("meta", TEXT),
        ("keep_until", sa.Double()),
        ("claim_until", sa.Double()),
        ("held_at", sa.Double()),
        ("expired_at", sa.Double()),
        ("due_at", sa.Double()),
    ):
        op.add_column("originals", sa.Column(name, kind))
