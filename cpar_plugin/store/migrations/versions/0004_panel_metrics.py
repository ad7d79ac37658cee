"""The registry's metrics of each panel by month."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import Moment, exact, serial

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "cpar_panel_metrics",
        sa.Column("entry_id", serial(), nullable=False),
        sa.Column("panel_id", serial(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("received", sa.Integer()),
        sa.Column("attached", sa.Integer()),
        sa.Column("as_of", sa.Date()),
        sa.Column("report_id", sa.BigInteger()),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor_id", exact(60), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="cpar_panel_metrics_pk"),
        sa.ForeignKeyConstraint(["panel_id"], ["cpar_panel.panel_id"], name="cpar_panel_metrics_panel_id_fk"),
        if_not_exists=True,
        mysql_engine="InnoDB",
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    columns = ["panel_id", "month", "entry_id"]
    op.create_index("cpar_panel_metrics_of_month", "cpar_panel_metrics", columns, if_not_exists=True)
    op.create_index("cpar_panel_metrics_of_report", "cpar_panel_metrics", ["report_id"], if_not_exists=True)


def downgrade() -> None:
    op.drop_table("cpar_panel_metrics", if_exists=True)
