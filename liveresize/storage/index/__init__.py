"""The index in SQL: a module for each table, the engines, the schema and its migrations."""
