"""How Alembic runs the migrations: on the connection that the host hands over in `config.attributes`."""

from alembic import context

from cpar_plugin.store.migrations import VERSION_TABLE
from cpar_plugin.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    include_name=lambda name, kind, _: kind != "table" or (name or "").startswith("cpar_"),
)
with context.begin_transaction():
    context.run_migrations()
