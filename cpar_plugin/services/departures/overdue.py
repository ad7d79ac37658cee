"""Departures whose day has passed and whose panel still has active patients: nobody has moved them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, exists, func, select

from ...hooks import Host
from ...store.tables import clinic, departure, member, panel
from .active import is_active


@dataclass(frozen=True, slots=True)
class OverdueDeparture:
    """A panel whose provider has left, with this many active patients on it."""

    panel_id: int
    number: str
    leaves_on: date
    patients: int


def overdue(connection: Connection, host: Host, now: datetime) -> Sequence[OverdueDeparture]:
    """By panel number. One statement, which reads the members of these panels alone."""
    today, patient = now.astimezone(host.clock.zone).date(), host.roster.patients()
    # Counted for each of them: joined, SQLite would begin with all members, also where no one leaves.
    patients = (
        select(func.count())
        .select_from(member.join(patient, patient.c.patient_id == member.c.patient_id))
        .where(member.c.panel_id == panel.c.panel_id, is_active(host, patient))
        .correlate(panel)
        .scalar_subquery()
    )
    query = (
        select(panel.c.panel_id, panel.c.number, departure.c.leaves_on, patients)
        .select_from(departure.join(panel, panel.c.panel_id == departure.c.open_panel_id))
        .where(
            departure.c.leaves_on < today,
            panel.c.live_number.is_not(None),
            exists().where(clinic.c.enabled_at.is_not(None)),
        )
        .order_by(panel.c.number)
    )
    counted = (OverdueDeparture(*row) for row in connection.execute(query))
    return [one for one in counted if one.patients]
