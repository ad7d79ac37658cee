"""Rows of reports are matched where they are kept: staged rows of lists have no line, and nothing more of a report."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import exact, long_text

revision = "0015"
down_revision = "0014"

_STAGED = "cpar_upload_row"
_BY_PHN = "cpar_report_row_by_phn"


def upgrade() -> None:
    # MariaDB keeps what was made before a migration was cut off: what is there already is left as it is.
    op.create_index(_BY_PHN, "cpar_report_row", ["report_id", "phn", "birth_date", "family_name"], if_not_exists=True)
    for name in ("details", "line_key"):
        if name in _columns():
            op.drop_column(_STAGED, name)


def downgrade() -> None:
    for column in (
        sa.Column("details", long_text(), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("line_key", exact(64), nullable=False, server_default=""),
    ):
        if column.name not in _columns():
            op.add_column(_STAGED, column)
    op.drop_index(_BY_PHN, "cpar_report_row", if_exists=True)


def _columns() -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(_STAGED)}
