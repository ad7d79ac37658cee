"""A patient is one line for all reports of a kind, whichever panel they are about."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_TABLE, _COLUMN, _INDEX = "cpar_report_line_before", "panel_id", "cpar_report_line_by_kind_and_key"


def upgrade() -> None:
    if _COLUMN not in _present():
        op.add_column(_TABLE, sa.Column(_COLUMN, sa.BigInteger()))
    op.create_index(_INDEX, "cpar_report_line", ["kind", "line_key"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index(_INDEX, "cpar_report_line", if_exists=True)
    if _COLUMN in _present():
        op.drop_column(_TABLE, _COLUMN)


def _present() -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(_TABLE)}
