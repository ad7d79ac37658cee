"""Providers who leave, and where their patients go."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import Moment, exact, long_text, serial

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "cpar_departure",
        sa.Column("departure_id", serial(), nullable=False),
        sa.Column("panel_id", serial(), nullable=False),
        sa.Column("open_panel_id", sa.BigInteger()),
        sa.Column("leaves_on", sa.Date(), nullable=False),
        sa.Column("administrator_id", exact(60), nullable=False),
        sa.Column("split", long_text(), nullable=False),
        sa.Column("done", long_text(), nullable=False),
        sa.Column("letter_text", long_text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", exact(60), nullable=False),
        sa.Column("finished_at", Moment()),
        sa.PrimaryKeyConstraint("departure_id", name="cpar_departure_pk"),
        sa.ForeignKeyConstraint(["panel_id"], ["cpar_panel.panel_id"], name="cpar_departure_panel_id_fk"),
        sa.UniqueConstraint("open_panel_id", name="cpar_departure_open_panel_id_uq"),
        if_not_exists=True,
        mysql_engine="InnoDB",
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_table(
        "cpar_departure_patient",
        sa.Column("departure_id", serial(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("panel_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("departure_id", "patient_id", name="cpar_departure_patient_pk"),
        sa.ForeignKeyConstraint(
            ["departure_id"], ["cpar_departure.departure_id"], name="cpar_departure_patient_departure_id_fk"
        ),
        if_not_exists=True,
        sqlite_with_rowid=False,
        mysql_engine="InnoDB",
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )


def downgrade() -> None:
    op.drop_table("cpar_departure_patient", if_exists=True)
    op.drop_table("cpar_departure", if_exists=True)
