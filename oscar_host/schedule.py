"""Appointments in an OSCAR-family EMR, as SQL: the port `Schedule`."""

from datetime import date

from sqlalchemy import ColumnElement, FromClause, and_, case, false, func, literal, null, select, true

from cpar_plugin.host_kit.sql import earlier, letters, real_day

from .roster import OscarRoster
from .schema import Tables
from .visit_status import NO_VISIT, first_letter

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

    def next_on(self, patient_id: ColumnElement[int], after: date) -> ColumnElement[date]:
        """The civil day of the first appointment later than `after`, as a correlated scalar."""
        booked = self._tables.appointment.alias("own_booking")
        first: ColumnElement[date] = func.min(booked.c.appointment_date)
        if self._roster.merges_known:
            first = earlier(first, self._inherited_next_on(patient_id, after))
        return (
            select(first)
            .where(booked.c.demographic_no == patient_id, self._held_after(booked, after))
            .correlate_except(booked)
            .scalar_subquery()
        )

    def _inherited_next_on(self, patient_id: ColumnElement[int], after: date) -> ColumnElement[date]:
        """The same of the records merged into the patient's, which both databases begin with: they are few."""
        booked, merged = self._tables.appointment.alias("merged_booking"), self._roster.chains().alias("merged_booked")
        condition = and_(booked.c.demographic_no == merged.c.retired_id, self._held_after(booked, after))
        return (
            select(func.min(booked.c.appointment_date))
            .select_from(merged.outerjoin(booked, condition))
            .where(merged.c.kept_id == patient_id)
            .correlate_except(booked, merged)
            .scalar_subquery()
        )

    def _held_after(self, booked: FromClause, after: date) -> ColumnElement[bool]:
        return and_(
            booked.c.appointment_date > literal(after),
            real_day(booked.c.appointment_date),
            first_letter(booked.c.status).not_in(NO_VISIT),
            *self._roster.imported_as_visit(booked),
        )
