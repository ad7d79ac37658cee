"""Counts of requests that all processes share."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.tables.base import INNODB
from cpar_plugin.store.types import Moment, exact

revision = "0019"
down_revision = "0017"


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


def downgrade() -> None:
    op.drop_table("cpar_request_count", if_exists=True)
