"""Lines as they were before a report, so that it can be removed."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import Moment, exact, serial

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("cpar_report_line")}
    if "made_by" not in present:
        op.add_column("cpar_report_line", sa.Column("made_by", sa.BigInteger()))
    op.create_table(
        "cpar_report_line_before",
        sa.Column("report_id", serial(), autoincrement=False, nullable=False),
        sa.Column("line_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("report_id_before", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("closed_at", Moment()),
        sa.Column("state", exact(20), nullable=False),
        sa.Column("ending", exact(20)),
        sa.Column("ended_at", Moment()),
        sa.Column("ended_by", exact(60)),
        sa.Column("learned_on", sa.Date()),
        sa.Column("answer", exact(20)),
        sa.Column("answered_at", Moment()),
        sa.PrimaryKeyConstraint("report_id", "line_id", name="cpar_report_line_before_pk"),
        sa.ForeignKeyConstraint(["report_id"], ["cpar_report.report_id"], name="cpar_report_line_before_report_id_fk"),
        sqlite_with_rowid=False,
        if_not_exists=True,
        mysql_engine="InnoDB",
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )


def downgrade() -> None:
    op.drop_table("cpar_report_line_before", if_exists=True)
    op.drop_column("cpar_report_line", "made_by")
