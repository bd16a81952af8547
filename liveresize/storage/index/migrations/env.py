"""What Alembic runs: the revisions, inside the caller's transaction."""

from alembic import context

from liveresize.storage.index import schema

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=schema.metadata,
    # Alembic takes SQLite for a database that cannot undo DDL; begun by hand, it can.
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
