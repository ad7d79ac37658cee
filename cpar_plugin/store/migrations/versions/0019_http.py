"""Counts of requests that all processes share, and the web pages from which clients call."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.tables.base import INNODB
from cpar_plugin.store.types import Moment, exact

revision = "0019"
down_revision = "0017"

_TABLE, _COLUMN = "cpar_client", "origins"


def upgrade() -> None:
    op.create_table(
        "cpar_request_count",
        sa.Column("name", exact(160), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        if_not_exists=True,
        **INNODB,
    )
    op.create_index("cpar_request_count_expiry", "cpar_request_count", ["expires_at"], if_not_exists=True)
    if _COLUMN not in _present():
        op.add_column(_TABLE, sa.Column(_COLUMN, exact(1000), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_table("cpar_request_count", if_exists=True)
    if _COLUMN in _present():
        op.drop_column(_TABLE, _COLUMN)


def _present() -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(_TABLE)}
