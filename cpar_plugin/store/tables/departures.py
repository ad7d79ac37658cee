"""Providers who leave: each step of the way is stored, so that it can be gone on with at any time, by anyone."""

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Integer, Table

from ..types import Moment, exact, long_text, serial
from .base import INNODB, metadata

departure = Table(
    "cpar_departure",
    metadata,
    Column("departure_id", serial(), primary_key=True),
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), nullable=False),
    Column("open_panel_id", BigInteger, unique=True),  # the panel until it has ended or the departure is cancelled
    Column("leaves_on", Date, nullable=False),
    Column("administrator_id", exact(60), nullable=False, default=""),  # provider who remains as panel administrator
    Column("split", long_text(), nullable=False, default=""),  # JSON, domain.departure.Split; '' before it is entered
    Column("done", long_text(), nullable=False, default=""),  # domain.departure.RegistryTask, one in each line
    Column("letter_text", long_text(), nullable=False, default=""),  # to patients; '' for ours
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Moment, nullable=False),
    Column("created_by", exact(60), nullable=False),
    Column("finished_at", Moment),
    **INNODB,
)

# Who is to be moved where, as the preview showed it. Removed when the departure is finished.
departure_patient = Table(
    "cpar_departure_patient",
    metadata,
    Column("departure_id", ForeignKey("cpar_departure.departure_id"), primary_key=True),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("panel_id", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    **INNODB,
)
