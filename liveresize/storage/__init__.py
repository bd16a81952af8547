"""Adapters of the world: folders, memory, S3, and in `index` PostgreSQL or SQLite."""
