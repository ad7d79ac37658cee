"""The appointments of today whose patients have something to do about their panel, by provider and time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from sqlalchemy import Connection, Row, func, select

from ...domain.check_in import CheckInAnswer, at_check_in, is_due
from ...domain.names import full_name
from ...domain.reasons import Reason
from ...domain.refusals import NotFound
from ...domain.to_do import ToDo
from ...hooks import Actor, Host, Schedule
from ...settings import Settings
from ...store.tables import check_in, member
from ..conflicts import ending
from ..panels import patient_list
from ..panels.patient_list import ListedPatient
from ..roster.providers import actor_names


@dataclass(frozen=True, slots=True)
class CheckInRow:
    """One appointment. `panel_id` is None for a patient who is on no panel; names are for people."""

    appointment_id: int
    patient_id: int
    name: str
    birth_date: str | None
    starts_at: time | None
    provider: str
    arrived: bool | None
    panel_id: int | None
    listed: ListedPatient
    mrp: str  # '' for none
    to_do: tuple[ToDo, ...]
    in_conflict: bool  # a user wants to know because of another clinic's panel
    answer: CheckInAnswer | None = None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why the next submission will go without the patient."""
        return self.listed.reasons

    @property
    def is_due(self) -> bool:
        """Whether there is anything to ask or to fix."""
        return is_due(self.to_do, in_conflict=self.in_conflict)


@dataclass(frozen=True, slots=True)
class CheckInList:
    """Today's list. `answered`: how many patients have an answer today; `booked`: how many appointments there are."""

    day: date
    rows: Sequence[CheckInRow]
    answered: int
    booked: int


def check_in_list(host: Host, actor: Actor, settings: Settings) -> CheckInList:
    """Those without an answer yet whom the actor may see. Raises NotFound without a schedule.

    At most ten statements, however many appointments there are.
    """
    day = today(host)
    with host.database.engine.connect() as connection:
        rows = _rows(connection, host, actor, settings, day)
        answered = int(connection.scalar(select(func.count()).where(check_in.c.day == day)) or 0)
    open_rows = [row for row in rows if row.is_due and row.answer is None]
    return CheckInList(day, open_rows, answered, len(rows))


def check_in_row(host: Host, actor: Actor, settings: Settings, patient_id: int) -> CheckInRow | None:
    """The patient's first appointment of today as it is now, with an answer or without; None for one without any."""
    with host.database.engine.connect() as connection:
        rows = _rows(connection, host, actor, settings, today(host), patient_id)
    return next(iter(rows), None)


def today(host: Host) -> date:
    """The day of the list: the clinic's."""
    return host.clock.now().astimezone(host.clock.zone).date()


def _rows(
    connection: Connection, host: Host, actor: Actor, settings: Settings, day: date, patient_id: int | None = None
) -> list[CheckInRow]:
    booked = _booked(connection, host, actor, day, patient_id)
    listed = {
        patient.patient_id: patient
        for patient in patient_list.read(connection, host, actor, settings, {row.patient_id for row in booked})
    }
    in_conflict = ending.patients_to_ask(connection, host, listed.keys())
    providers = {row.provider_id for row in booked} | {row.mrp_id for row in booked if row.mrp_id}
    names = actor_names(connection, host, providers)
    rows = [
        CheckInRow(
            row.appointment_id,
            row.patient_id,
            full_name(row.family_name, row.given_name) or f"Record {row.patient_id}",
            row.birth_date,
            row.starts_at,
            names[row.provider_id],
            None if row.arrived is None else bool(row.arrived),
            row.panel_id,
            listed[row.patient_id],
            names[row.mrp_id] if row.mrp_id else "",
            at_check_in(listed[row.patient_id].to_do, listed[row.patient_id].reasons),
            row.patient_id in in_conflict,
            CheckInAnswer(row.answer) if row.answer else None,
        )
        for row in booked
    ]
    return sorted(rows, key=lambda row: (row.provider.casefold(), row.starts_at or time(0), row.appointment_id))


def _booked(connection: Connection, host: Host, actor: Actor, day: date, patient_id: int | None) -> Sequence[Row[Any]]:
    """The appointments of visible patients whom the roster has, with their membership and today's answer."""
    booked, patient = _schedule(host).appointments(day), host.roster.patients()
    query = (
        select(
            booked,
            patient.c.family_name,
            patient.c.given_name,
            patient.c.birth_date,
            patient.c.mrp_id,
            member.c.panel_id,
            check_in.c.answer,
        )
        .join(patient, patient.c.patient_id == booked.c.patient_id)
        .outerjoin(member, member.c.patient_id == booked.c.patient_id)
        .outerjoin(check_in, (check_in.c.patient_id == booked.c.patient_id) & (check_in.c.day == day))
        .where(host.identity.visible(actor, booked.c.patient_id))
    )
    if patient_id is not None:
        query = query.where(booked.c.patient_id == patient_id)
    return connection.execute(query).all()


def _schedule(host: Host) -> Schedule:
    if host.schedule is None:
        raise NotFound("This EMR has no appointments, so there is no check-in list.")
    return host.schedule
