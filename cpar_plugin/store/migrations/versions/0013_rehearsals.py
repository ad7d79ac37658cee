"""Rehearsals of coming submissions."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.tables.base import INNODB
from cpar_plugin.store.types import Moment, exact, long_text, serial

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "cpar_rehearsal",
        sa.Column("panel_id", serial(), sa.ForeignKey("cpar_panel.panel_id"), primary_key=True),
        sa.Column("automatic", sa.Date()),
        sa.Column("rehearsed_at", Moment()),
        sa.Column("held", long_text()),
        sa.Column("claim", exact(36)),
        sa.Column("claimed_until", Moment()),
        sa.Column("notified_for", sa.Date()),
        if_not_exists=True,
        **INNODB,
    )


def downgrade() -> None:
    op.drop_table("cpar_rehearsal", if_exists=True)
