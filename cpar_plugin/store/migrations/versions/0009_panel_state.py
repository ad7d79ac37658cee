"""Whether a panel takes patients, and is submitted."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import exact

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    # MariaDB keeps what was made before a migration was cut off: what is there already is left as it is.
    if "state" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("cpar_panel")}:
        op.add_column("cpar_panel", sa.Column("state", exact(20), nullable=False, server_default="active"))


def downgrade() -> None:
    if "state" in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("cpar_panel")}:
        op.drop_column("cpar_panel", "state")
