"""Letters to other clinics, and from them."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import Moment, exact, long_text, serial

revision = "0005"
down_revision = "0004"

OF_THE_CLINIC = ("letterhead", "letter_text")


def upgrade() -> None:
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("cpar_clinic")}
    for name in OF_THE_CLINIC:
        if name not in present:
            op.add_column("cpar_clinic", sa.Column(name, long_text()))
    op.create_table(
        "cpar_letter",
        sa.Column("letter_id", serial(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", exact(20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("party", exact(300), nullable=False),
        sa.Column("letterhead", long_text(), nullable=False),
        sa.Column("text", long_text(), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.Column("recorded_by", exact(60), nullable=False),
        sa.PrimaryKeyConstraint("letter_id", name="cpar_letter_pk"),
        if_not_exists=True,
        mysql_engine="InnoDB",
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    for name, columns in (
        ("cpar_letter_of_line", ["line_id"]),
        ("cpar_letter_of_day", ["direction", "day"]),
        ("cpar_letter_recorded", ["recorded_at"]),
    ):
        op.create_index(name, "cpar_letter", columns, if_not_exists=True)


def downgrade() -> None:
    op.drop_table("cpar_letter", if_exists=True)
    for name in OF_THE_CLINIC:
        op.drop_column("cpar_clinic", name)
