"""Affiliations and caseloads. The panels that there are remain CPAR panels, with tables of their own."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import Moment, exact, serial

revision = "0017"
down_revision = "0016"

_STAGED = "cpar_upload_row"
_OPTIONS: dict[str, Any] = {
    "if_not_exists": True,
    "mysql_engine": "InnoDB",
    "mysql_default_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    op.create_table(
        "cpar_other_panel",
        sa.Column("other_panel_id", serial(), nullable=False),
        sa.Column("kind", exact(20), nullable=False),
        sa.Column("name", exact(60), nullable=False),
        sa.Column("live_name", exact(60)),
        sa.Column("provider_id", exact(60), nullable=False),
        sa.Column("state", exact(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("deleted_at", Moment()),
        sa.PrimaryKeyConstraint("other_panel_id", name="cpar_other_panel_pk"),
        sa.UniqueConstraint("kind", "live_name", name="cpar_other_panel_name_uq"),
        sa.UniqueConstraint("other_panel_id", "kind", name="cpar_other_panel_kind_uq"),
        **_OPTIONS,
    )
    op.create_table(
        "cpar_other_member",
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", exact(20), nullable=False),
        sa.Column("other_panel_id", serial(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("signed_on", sa.Date()),
        sa.PrimaryKeyConstraint("patient_id", "kind", name="cpar_other_member_pk"),
        sa.ForeignKeyConstraint(
            ["other_panel_id", "kind"],
            ["cpar_other_panel.other_panel_id", "cpar_other_panel.kind"],
            name="cpar_other_member_panel_fk",
        ),
        sqlite_with_rowid=False,
        **_OPTIONS,
    )
    op.create_index(
        "cpar_other_member_of_panel", "cpar_other_member", ["other_panel_id", "kind", "patient_id"], if_not_exists=True
    )
    op.create_table(
        "cpar_other_ledger",
        sa.Column("operation_id", serial(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", exact(20), nullable=False),
        sa.Column("from_other_panel_id", sa.BigInteger()),
        sa.Column("from_since", Moment()),
        sa.Column("from_signed_on", sa.Date()),
        sa.Column("to_other_panel_id", sa.BigInteger()),
        sa.Column("to_since", Moment()),
        sa.Column("to_signed_on", sa.Date()),
        sa.Column("merged_into", sa.BigInteger()),
        sa.PrimaryKeyConstraint("operation_id", "patient_id", "kind", name="cpar_other_ledger_pk"),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["cpar_operation.operation_id"], name="cpar_other_ledger_operation_id_fk"
        ),
        sqlite_with_rowid=False,
        **_OPTIONS,
    )
    op.create_index("cpar_other_ledger_merged", "cpar_other_ledger", ["merged_into", "patient_id"], if_not_exists=True)
    op.create_index(
        "cpar_other_ledger_of_patient", "cpar_other_ledger", ["patient_id", "operation_id"], if_not_exists=True
    )
    for column in _staged():
        if column.name not in _columns():
            op.add_column(_STAGED, column)


def downgrade() -> None:
    for column in _staged():
        if column.name in _columns():
            op.drop_column(_STAGED, column.name)
    for name in ("cpar_other_ledger", "cpar_other_member", "cpar_other_panel"):
        op.drop_table(name, if_exists=True)


def _staged() -> list[sa.Column[Any]]:
    return [sa.Column("signed_on", sa.Date()), sa.Column("signed_text", exact(40))]


def _columns() -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(_STAGED)}
