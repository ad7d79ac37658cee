"""Letters that were recorded by mistake, and those of a patient."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import Moment, exact

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("cpar_letter")}
    for name, kind in (("withdrawn_at", Moment()), ("withdrawn_by", exact(60))):
        if name not in present:
            op.add_column("cpar_letter", sa.Column(name, kind))
    op.create_index("cpar_letter_of_patient", "cpar_letter", ["patient_id"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("cpar_letter_of_patient", "cpar_letter", if_exists=True)
    for name in ("withdrawn_at", "withdrawn_by"):
        op.drop_column("cpar_letter", name)
