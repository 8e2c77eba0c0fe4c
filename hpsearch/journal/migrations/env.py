"""Alembic runs this for `hpsearch.journal.migrate.migrate`, on the connection in the attributes of its config."""

from alembic import context

from hpsearch.journal.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
