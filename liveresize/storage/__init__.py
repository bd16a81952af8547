"""Adapters of storage: folders, memory, S3, and in `index` PostgreSQL or SQLite."""
