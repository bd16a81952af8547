"""Clients of the published services, which go on working here; rows are those of their tables."""
