"""Tokens, originals, renditions and purges."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the four tables and their indexes."""
    _create_tokens()
    _create_originals()
    _create_renditions()
    _create_purges()


def _create_tokens() -> None:
    op.create_table(
        "upload_tokens",
        sa.Column("bucket", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("issued_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("lease_until", sa.Double()),
        sa.Column("nonce", TEXT),
        sa.Column("max_bytes", sa.BigInteger(), nullable=False),
        sa.Column("formats", TEXT, nullable=False),
        sa.Column("overwrite", sa.Boolean(), nullable=False),
        sa.Column("received_sha256", TEXT),
        sa.Column("receipt", TEXT),
        sa.PrimaryKeyConstraint("bucket", "name", name="pk_upload_tokens"),
        sa.UniqueConstraint("digest", name="uq_upload_tokens_digest"),
    )


def _create_originals() -> None:
    op.create_table(
        "originals",
        sa.Column("bucket", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("generation", TEXT, nullable=False),
        sa.Column("format", TEXT, nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("has_alpha", sa.Boolean(), nullable=False),
        sa.Column("clean", sa.Boolean(), nullable=False),
        sa.Column("dominant_color", TEXT, nullable=False),
        sa.Column("thumbhash", TEXT, nullable=False),
        sa.Column("uploaded_at", sa.Double(), nullable=False),
        sa.Column("mirrored_at", sa.Double()),
        sa.PrimaryKeyConstraint("bucket", "name", name="pk_originals"),
        sa.UniqueConstraint("generation", name="uq_originals_generation"),
    )


def _create_renditions() -> None:
    op.create_table(
        "renditions",
        sa.Column("generation", TEXT, nullable=False),
        sa.Column("variant", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("mime", TEXT, nullable=False),
        sa.Column("etag", TEXT, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("engine", TEXT, nullable=False),
        sa.Column("rendered_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=False),
        sa.Column("purged_at", sa.Double()),
        sa.PrimaryKeyConstraint("generation", "variant", name="pk_renditions"),
        sa.ForeignKeyConstraint(
            ["generation"],
            ["originals.generation"],
            name="fk_renditions_generation",
            ondelete="CASCADE",
        ),
    )
    for column in ("engine", "rendered_at", "used_at"):
        op.create_index(f"ix_renditions_{column}", "renditions", [column])
    purged = sa.column("purged_at").is_not(None)
    op.create_index(
        "ix_renditions_purged_at",
        "renditions",
        ["purged_at"],
        sqlite_where=purged,
        postgresql_where=purged,
    )


def _create_purges() -> None:
    op.create_table(
        "purges",
        sa.Column(
            "serial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True
        ),
        sa.Column("bucket", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("generation", TEXT, nullable=False),
        sa.Column("variant", TEXT, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_purges"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_purges_at", "purges", ["at"])


def downgrade() -> None:
    """Drop everything."""
    for table in ("purges", "renditions", "originals", "upload_tokens"):
        op.drop_table(table)
