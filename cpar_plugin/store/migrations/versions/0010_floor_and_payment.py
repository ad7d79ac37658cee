"""The floor of a panel, and what the clinic is paid for a patient."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import exact

revision = "0010"
down_revision = "0009"

_COLUMNS: dict[str, dict[str, sa.types.TypeEngine[Any]]] = {
    "cpar_panel": {"floor_kind": exact(20), "floor_patients": sa.Integer()},
    "cpar_clinic": {"payment_cents": sa.Integer(), "payment_label": exact(100), "payment_as_of": sa.Date()},
}


def upgrade() -> None:
    # MariaDB keeps what was made before a migration was cut off: what is there already is left as it is.
    for table, columns in _COLUMNS.items():
        for name, kind in columns.items():
            if name not in _present(table):
                op.add_column(table, sa.Column(name, kind))


def downgrade() -> None:
    for table, columns in _COLUMNS.items():
        for name in columns:
            if name in _present(table):
                op.drop_column(table, name)


def _present(table: str) -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
