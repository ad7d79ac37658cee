"""The patients whom reads gave out, as sets that are stored once."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.tables.base import INNODB
from cpar_plugin.store.types import digest, serial

revision = "0021"
down_revision = "0020"

_READ, _COLUMN, _OF_READS = "cpar_read", "set_digest", "cpar_read_patient"
_FOREIGN_KEY = "cpar_read_set_digest_fk"

_read = sa.table(_READ, sa.column("read_id"), sa.column(_COLUMN))
_set = sa.table("cpar_read_set", sa.column("set_id"), sa.column("digest"))
_set_patient = sa.table("cpar_read_set_patient", sa.column("set_id"), sa.column("patient_id"))
_of_reads = sa.table(_OF_READS, sa.column("read_id"), sa.column("patient_id"))


def upgrade() -> None:
    op.create_table(
        "cpar_read_set",
        sa.Column("set_id", serial(), nullable=False),
        sa.Column("digest", digest(), nullable=False),
        sa.PrimaryKeyConstraint("set_id", name="cpar_read_set_pk"),
        sa.UniqueConstraint("digest", name="cpar_read_set_digest_uq"),
        if_not_exists=True,
        **INNODB,
    )
    op.create_table(
        "cpar_read_set_patient",
        sa.Column("set_id", serial(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("set_id", "patient_id", name="cpar_read_set_patient_pk"),
        sa.ForeignKeyConstraint(
            ["set_id"], ["cpar_read_set.set_id"], name="cpar_read_set_patient_set_id_fk", ondelete="CASCADE"
        ),
        if_not_exists=True,
        sqlite_with_rowid=False,
        **INNODB,
    )
    op.create_index("cpar_read_set_of_patient", "cpar_read_set_patient", ["patient_id", "set_id"], if_not_exists=True)
    _add_column()
    if sa.inspect(op.get_bind()).has_table(_OF_READS):
        _move()
        op.drop_table(_OF_READS)


def _add_column() -> None:
    inspector = sa.inspect(op.get_bind())
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    if _COLUMN not in {column["name"] for column in inspector.get_columns(_READ)}:
        if on_sqlite:  # which adds a key with its column, or not at all
            rule = f"CONSTRAINT {_FOREIGN_KEY} REFERENCES cpar_read_set (digest)"
            op.execute(f"ALTER TABLE {_READ} ADD COLUMN {_COLUMN} BLOB {rule}")
        else:
            op.add_column(_READ, sa.Column(_COLUMN, digest()))
    op.create_index("cpar_read_of_set", _READ, [_COLUMN, "at"], if_not_exists=True)
    if not on_sqlite and _FOREIGN_KEY not in {key["name"] for key in inspector.get_foreign_keys(_READ)}:
        op.create_foreign_key(_FOREIGN_KEY, _READ, "cpar_read_set", [_COLUMN], ["digest"])


def _move() -> None:
    """A set for each read until now, with the read's number: no digest is the same, for no database can work it out."""
    read_id = _of_reads.c.read_id
    name = sa.cast(sa.literal("read-").concat(sa.cast(read_id, sa.String(11))), sa.LargeBinary)
    is_there = sa.exists().where(_set.c.set_id == read_id)
    op.execute(_set.insert().from_select(["set_id", "digest"], sa.select(read_id, name).where(~is_there).distinct()))
    patient_id = _of_reads.c.patient_id
    is_there = sa.exists().where(_set_patient.c.set_id == read_id, _set_patient.c.patient_id == patient_id)
    rows = sa.select(read_id, patient_id).where(~is_there)
    op.execute(_set_patient.insert().from_select(["set_id", "patient_id"], rows))
    of_read = sa.select(_set.c.digest).where(_set.c.set_id == _read.c.read_id).scalar_subquery()
    op.execute(_read.update().values({_COLUMN: of_read}).where(_read.c[_COLUMN].is_(None)))


def downgrade() -> None:
    op.create_table(
        _OF_READS,
        sa.Column("read_id", serial(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("read_id", "patient_id", name="cpar_read_patient_pk"),
        sa.ForeignKeyConstraint(["read_id"], ["cpar_read.read_id"], name="cpar_read_patient_read_id_fk"),
        if_not_exists=True,
        sqlite_with_rowid=False,
        **INNODB,
    )
    op.create_index("cpar_read_of_patient", _OF_READS, ["patient_id", "read_id"], if_not_exists=True)
    if _COLUMN in {column["name"] for column in sa.inspect(op.get_bind()).get_columns(_READ)}:
        of_set = _read.join(_set, _set.c.digest == _read.c[_COLUMN])
        of_set = of_set.join(_set_patient, _set_patient.c.set_id == _set.c.set_id)
        is_there = sa.exists().where(
            _of_reads.c.read_id == _read.c.read_id, _of_reads.c.patient_id == _set_patient.c.patient_id
        )
        rows = sa.select(_read.c.read_id, _set_patient.c.patient_id).select_from(of_set).where(~is_there)
        op.execute(_of_reads.insert().from_select(["read_id", "patient_id"], rows))
        if op.get_bind().dialect.name != "sqlite":  # which drops the key with its column
            op.drop_constraint(_FOREIGN_KEY, _READ, type_="foreignkey")
        op.drop_index("cpar_read_of_set", _READ, if_exists=True)
        op.drop_column(_READ, _COLUMN)
    op.drop_table("cpar_read_set_patient", if_exists=True)
    op.drop_table("cpar_read_set", if_exists=True)
