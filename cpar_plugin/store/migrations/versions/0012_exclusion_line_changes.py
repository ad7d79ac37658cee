"""What people change of exclusions."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import exact

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "cpar_exclusion_line_change",
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", exact(40), nullable=False),
        sa.Column("operation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner_id_before", exact(60)),
        sa.Column("owner_id_after", exact(60)),
        sa.Column("state_before", exact(20), nullable=False),
        sa.Column("state_after", exact(20), nullable=False),
        sa.Column("note_before", exact(500), nullable=False),
        sa.Column("note_after", exact(500), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "reason", "operation_id", name="cpar_exclusion_line_change_pk"),
        sqlite_with_rowid=False,
        if_not_exists=True,
        mysql_engine="InnoDB",
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    index = "cpar_exclusion_line_change_of_operation"
    op.create_index(index, "cpar_exclusion_line_change", ["operation_id"], if_not_exists=True)


def downgrade() -> None:
    op.drop_table("cpar_exclusion_line_change", if_exists=True)
