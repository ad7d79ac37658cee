"""Appointments in an OSCAR-family EMR, as SQL: the port `Schedule`."""

from datetime import date

from sqlalchemy import FromClause, Select, case, false, func, literal, null, or_, select, true

from cpar_plugin.host_kit.sql import letters

from .roster import NO_VISIT, OscarRoster, first_letter
from .schema import Tables

_HERE = ("H", "P", "E", "B")  # here, picked, empty room, billed
_EXPECTED = ("t", "T", "h")  # to do, day sheet printed, confirmed; customized statuses may mean anything


class OscarSchedule:
    """The schedule of one OSCAR database."""

    def __init__(self, tables: Tables, roster: OscarRoster) -> None:
        self._tables = tables
        self._roster = roster

    def appointments(self, day: date) -> FromClause:
        """Every appointment on this civil day that was not cancelled, missed or deleted: one row each."""
        booked, merged = self._tables.appointment, self._roster.merged()
        letter = first_letter(booked.c.status)
        return (
            select(
                booked.c.appointment_no.label("appointment_id"),
                func.coalesce(merged.c.kept_id, booked.c.demographic_no).label("patient_id"),
                letters(booked.c.provider_no).label("provider_id"),
                booked.c.start_time.label("starts_at"),
                case((letter.in_(_HERE), true()), (letter.in_(_EXPECTED), false()), else_=null()).label("arrived"),
            )
            .outerjoin_from(booked, merged, merged.c.retired_id == booked.c.demographic_no)
            .where(
                booked.c.appointment_date == literal(day),
                booked.c.demographic_no > 0,
                letter.not_in(NO_VISIT),
                *self._roster.imported_as_visit(booked),
            )
            .subquery("appointment")
        )

    def next_on(self, patient_id: int, after: date) -> Select[date]:
        """The civil day of the patient's first appointment later than `after`: one row, NULL where there is none."""
        booked, merged = self._tables.appointment, self._roster.merged()
        records = select(merged.c.retired_id).where(merged.c.kept_id == patient_id)
        return select(func.min(booked.c.appointment_date)).where(
            or_(booked.c.demographic_no == patient_id, booked.c.demographic_no.in_(records)),
            booked.c.appointment_date > literal(after),
            first_letter(booked.c.status).not_in(NO_VISIT),
            *self._roster.imported_as_visit(booked),
        )
