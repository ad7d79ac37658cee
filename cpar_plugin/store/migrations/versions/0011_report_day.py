"""The day that a report says it is of."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_TABLE, _COLUMN = "cpar_report", "reported_on"


def upgrade() -> None:
    # MariaDB keeps what was made before a migration was cut off: what is there already is left as it is.
    if _COLUMN not in _present():
        op.add_column(_TABLE, sa.Column(_COLUMN, sa.Date()))


def downgrade() -> None:
    if _COLUMN in _present():
        op.drop_column(_TABLE, _COLUMN)


def _present() -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(_TABLE)}
