"""Conflicts with other clinics: how the work on a line ended, and the clinic's words for them."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import Moment, exact

revision = "0002"
down_revision = "0001"

COLUMNS = {
    "cpar_report_line": (
        ("ending", exact(20)),
        ("ended_at", Moment()),
        ("ended_by", exact(60)),
        ("learned_on", sa.Date()),
        ("answer", exact(20)),
        ("answered_at", Moment()),
    ),
    "cpar_clinic": (("check_in_question_conflict", exact(300)),),
}


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
        for name, kind in columns:
            if name not in present:
                op.add_column(table, sa.Column(name, kind))
    op.create_index("cpar_report_line_ending", "cpar_report_line", ["ending", "answer"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("cpar_report_line_ending", "cpar_report_line", if_exists=True)
    for table, columns in COLUMNS.items():
        for name, _ in columns:
            op.drop_column(table, name)
