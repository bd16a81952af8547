"""What the renditions in the bucket take, and which instance bounds them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create a table that earlier releases do not know; no row of theirs is changed."""
    text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    op.create_table(
        "bucket_use",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", text, nullable=False),
        sa.Column("held_until", sa.Double(), nullable=False),
        sa.Column("generation", text, nullable=False),
        sa.Column("variant", text, nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("excess", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bucket_use"),
    )
