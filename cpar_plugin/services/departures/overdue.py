"""Departures whose day has passed and whose panel still has active patients: nobody has moved them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, exists, func, select

from ...hooks import Host
from ...store.tables import clinic, departure, member, panel
from .steps import is_active


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
    source = (
        departure.join(panel, panel.c.panel_id == departure.c.open_panel_id)
        .join(member, member.c.panel_id == panel.c.panel_id)
        .join(patient, patient.c.patient_id == member.c.patient_id)
    )
    query = (
        select(panel.c.panel_id, panel.c.number, departure.c.leaves_on, func.count())
        .select_from(source)
        .where(
            departure.c.leaves_on < today,
            panel.c.live_number.is_not(None),
            is_active(host, patient),
            exists().where(clinic.c.enabled_at.is_not(None)),
        )
        .group_by(panel.c.panel_id, panel.c.number, departure.c.leaves_on)
        .order_by(panel.c.number)
    )
    return [OverdueDeparture(*row) for row in connection.execute(query)]
