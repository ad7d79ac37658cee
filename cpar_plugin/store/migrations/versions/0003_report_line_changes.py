"""Every change of a line of a report that a person has made."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import exact

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "cpar_report_line_change",
        sa.Column("line_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner_id_before", exact(60)),
        sa.Column("owner_id_after", exact(60)),
        sa.Column("state_before", exact(20), nullable=False),
        sa.Column("state_after", exact(20), nullable=False),
        sa.Column("note_before", exact(500), nullable=False),
        sa.Column("note_after", exact(500), nullable=False),
        sa.PrimaryKeyConstraint("line_id", "operation_id", name="cpar_report_line_change_pk"),
        if_not_exists=True,
        mysql_engine="InnoDB",
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    for name, column in (("operation", "operation_id"), ("report", "report_id")):
        index = f"cpar_report_line_change_of_{name}"
        op.create_index(index, "cpar_report_line_change", [column], if_not_exists=True)
    op.create_index("cpar_report_line_to_do", "cpar_report_line", ["closed_at", "state"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("cpar_report_line_to_do", "cpar_report_line", if_exists=True)
    op.drop_table("cpar_report_line_change", if_exists=True)
