"""The patient whom a read gave out alone, in its own row."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_READ, _COLUMN, _INDEX = "cpar_read", "patient_id", "cpar_read_of_patient"

_read = sa.table(_READ, sa.column("set_digest"), sa.column(_COLUMN))
_set = sa.table("cpar_read_set", sa.column("set_id"), sa.column("digest"))
_set_patient = sa.table("cpar_read_set_patient", sa.column("set_id"), sa.column("patient_id"))


def upgrade() -> None:
    """What was read until now stays as it is: a set of one patient says the same."""
    if not _has_column():
        op.add_column(_READ, sa.Column(_COLUMN, sa.BigInteger()))
    op.create_index(_INDEX, _READ, [_COLUMN, "at"], if_not_exists=True)


def downgrade() -> None:
    if not _has_column():
        return
    patient_id = _read.c.patient_id
    name = sa.cast(sa.literal("of-").concat(sa.cast(patient_id, sa.String(13))), sa.LargeBinary)
    alone = patient_id.is_not(None)
    is_there = sa.exists().where(_set.c.digest == name)
    op.execute(_set.insert().from_select(["digest"], sa.select(name).where(alone, ~is_there).distinct()))
    rows = sa.select(_set.c.set_id, patient_id).select_from(_read.join(_set, _set.c.digest == name)).where(alone)
    is_there = sa.exists().where(_set_patient.c.set_id == _set.c.set_id, _set_patient.c.patient_id == patient_id)
    op.execute(_set_patient.insert().from_select(["set_id", "patient_id"], rows.where(~is_there).distinct()))
    op.execute(_read.update().values(set_digest=name).where(alone))
    op.drop_index(_INDEX, _READ, if_exists=True)
    op.drop_column(_READ, _COLUMN)


def _has_column() -> bool:
    return _COLUMN in {column["name"] for column in sa.inspect(op.get_bind()).get_columns(_READ)}
