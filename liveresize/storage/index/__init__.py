"""The index in SQL: the repositories of its tables, engines, schema and migrations."""
