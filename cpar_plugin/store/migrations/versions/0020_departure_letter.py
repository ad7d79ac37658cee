"""The clinic's own words for letters to patients whose provider leaves."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import long_text

revision = "0020"
down_revision = "0018"


def upgrade() -> None:
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("cpar_clinic")}
    if "departure_letter" not in present:
        op.add_column("cpar_clinic", sa.Column("departure_letter", long_text()))


def downgrade() -> None:
    op.drop_column("cpar_clinic", "departure_letter")
