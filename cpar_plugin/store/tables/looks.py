"""Who looked at which patients: only ever added to, until the time for which looks are kept is over."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table

from ..types import Moment, exact, serial
from .base import INNODB, metadata

# One page, print, list, or portion of a file that showed patients to a person.
look = Table(
    "cpar_look",
    metadata,
    Column("look_id", serial(), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor_id", exact(60), nullable=False),
    Column("role", exact(250), nullable=False),  # as the host calls it, '' where it does not say
    Column("page", exact(60), nullable=False),  # the name of the view
    Column("path", exact(250), nullable=False),  # without a query
    Column("address", exact(64), nullable=False),  # where the request came from, '' for none
    Index("cpar_look_at", "at"),
    Index("cpar_look_of_actor", "actor_id", "at"),
    **INNODB,
)

# The patients whom a look showed; none for the rows of an uploaded list before they are matched with records.
look_patient = Table(
    "cpar_look_patient",
    metadata,
    Column("look_id", ForeignKey("cpar_look.look_id"), primary_key=True),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Index("cpar_look_of_patient", "patient_id", "look_id"),
    sqlite_with_rowid=False,
    **INNODB,
)
