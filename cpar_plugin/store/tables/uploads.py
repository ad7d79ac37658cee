"""Lists that people upload, for as long as they work on them, and how lists of each layout are read."""

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, Table

from ..types import Moment, exact, long_text, piece
from .base import INNODB, metadata

# One of each person for each purpose. All that follows goes with it: after its use, or when its time is over.
upload = Table(
    "cpar_upload",
    metadata,
    Column("upload_id", exact(32), primary_key=True),
    Column("actor_id", exact(60), nullable=False),
    Column("purpose", exact(20), nullable=False),  # domain.list_columns.Purpose
    Column("created_at", Moment, nullable=False),
    Column("name", exact(100), nullable=False),  # of the file: its owner alone reads it
    Column(
        "panel_id", BigInteger
    ),  # that of all its patients, of a CPAR or another kind; NULL where the list says which
    Column("reading", long_text()),  # JSON, services.uploads.layouts.ListReading; NULL until the columns are decided
    Index("cpar_upload_of_actor", "actor_id", "purpose", unique=True),
    **INNODB,
)

upload_piece = Table(
    "cpar_upload_piece",
    metadata,
    Column("upload_id", ForeignKey("cpar_upload.upload_id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("data", piece(), nullable=False),
    **INNODB,
)

# A row of the list, as it was understood.
upload_row = Table(
    "cpar_upload_row",
    metadata,
    Column("upload_id", ForeignKey("cpar_upload.upload_id", ondelete="CASCADE"), primary_key=True),
    Column("row_number", Integer, primary_key=True, autoincrement=False),  # in the file
    Column("phn", exact(20), nullable=False),
    Column("family_name", exact(60), nullable=False),
    Column("given_name", exact(60), nullable=False),
    Column("family_key", exact(60), nullable=False),  # services.uploads.matching.name_key
    Column("given_key", exact(60), nullable=False),
    Column("birth_date", exact(40), nullable=False),  # ISO text; what names no day as it is
    Column("gender", exact(1), nullable=False),
    Column("panel_text", exact(100), nullable=False),  # provider or panel
    Column("panel_id", BigInteger),
    # Of a list for an affiliation: the date of the signed form, or what is none as it is.
    Column("signed_on", Date),
    Column("signed_text", exact(40)),
    # With all that matching asks for: without statistics SQLite prefers the primary key to an index that has less.
    Index("cpar_upload_row_by_phn", "upload_id", "phn", "birth_date", "family_key"),
    Index("cpar_upload_row_by_birth_date", "upload_id", "birth_date", "family_key", "given_key", "gender", "phn"),
    sqlite_with_rowid=False,
    **INNODB,
)

# Each patient that a row may be about.
upload_match = Table(
    "cpar_upload_match",
    metadata,
    Column("upload_id", ForeignKey("cpar_upload.upload_id", ondelete="CASCADE"), primary_key=True),
    Column("row_number", Integer, primary_key=True, autoincrement=False),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("how", exact(20), nullable=False),  # services.uploads.matching.MatchedHow
    Column("accepted", Boolean(create_constraint=False), nullable=False),
    sqlite_with_rowid=False,
    **INNODB,
)

# The patients of the list that are known for certain, or accepted by a person, and the panel for each.
upload_patient = Table(
    "cpar_upload_patient",
    metadata,
    Column("upload_id", ForeignKey("cpar_upload.upload_id", ondelete="CASCADE"), primary_key=True),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("row_number", Integer, nullable=False),  # the first of the rows about this patient
    Column("panel_id", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    **INNODB,
)

# How the lists with these column names are read: the clinic's, kept for the next one.
list_layout = Table(
    "cpar_list_layout",
    metadata,
    Column("purpose", exact(20), primary_key=True),
    Column("fingerprint", exact(64), primary_key=True),  # domain.list_columns.fingerprint
    Column("reading", long_text(), nullable=False),
    Column("saved_at", Moment, nullable=False),
    Column("saved_by", exact(60), nullable=False),
    **INNODB,
)
