"""Who has seen patients in an OSCAR-family EMR, as SQL: the port `Visits`."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, String, cast, func, literal, or_, select

from cpar_plugin.host_kit.sql import constant, filled, greater, letters, moment_of

from .present import Present
from .roster import OscarRoster
from .schema import Tables
from .visit_status import first_letter

_NOTHING, _MIDNIGHT = constant(""), literal("00:00:00")
_DAY, _TIME = 10, 8  # letters of 2026-11-10 and of 09:30:00


class OscarVisits:
    """The visits of one OSCAR database."""

    def __init__(self, tables: Tables, roster: OscarRoster, tables_present: Callable[[], Present]) -> None:
        self._tables = tables
        self._roster = roster
        self._present = tables_present

    def last_provider(self, patient_id: ColumnElement[int], until: datetime) -> ColumnElement[str]:
        """The provider_id of the last visit that started before `until` (aware), as a correlated scalar.

        The greatest of texts that begin with day and time: two scalars, as those of the last visit, and one can be
        compared with the other. Of visits at the same moment it is always the same one.
        """
        visit = self._tables.appointment.alias("own_visit")
        latest: ColumnElement[str] = func.max(_sorted_by_time(visit))
        if self._roster.merges_known:
            latest = greater(
                func.coalesce(latest, _NOTHING), func.coalesce(self._inherited(patient_id, until), _NOTHING)
            )
        return (
            select(func.nullif(func.substr(latest, constant(_DAY + _TIME + 1)), _NOTHING, type_=String()))
            .where(visit.c.demographic_no == patient_id, self._roster.attended(visit, until))
            .correlate_except(visit)
            .scalar_subquery()
        )

    def _inherited(self, patient_id: ColumnElement[int], until: datetime) -> ColumnElement[str]:
        """The same of the records merged into the patient's: by an outer join, as in the roster."""
        visit, merged = self._tables.appointment.alias("merged_visit"), self._roster.chains().alias("merged_record")
        is_visit = (visit.c.demographic_no == merged.c.retired_id) & self._roster.attended(visit, until)
        return (
            select(func.max(_sorted_by_time(visit)))
            .select_from(merged.outerjoin(visit, is_visit))
            .where(merged.c.kept_id == patient_id)
            .correlate_except(visit, merged)
            .scalar_subquery()
        )

    def attended(self, first: date, until: datetime, patient_id: int | None = None) -> FromClause:
        """Every visit from the civil day `first` on that started before `until` (aware): one row each.

        The status is its first letter, which alone says what has become of an appointment.
        """
        visit, merged = self._tables.appointment, self._roster.merged()
        visits = (
            select(
                func.coalesce(merged.c.kept_id, visit.c.demographic_no).label("patient_id"),
                letters(visit.c.provider_no).label("provider_id"),
                visit.c.appointment_date.label("visited_on"),
                moment_of(visit.c.appointment_date, visit.c.start_time).label("started_at"),
                first_letter(visit.c.status).label("status"),
                *(letters(self._present().column(column)).label(name) for name, column in self._words().items()),
            )
            .outerjoin_from(visit, merged, merged.c.retired_id == visit.c.demographic_no)
            .where(
                visit.c.appointment_date >= literal(first),
                visit.c.demographic_no > constant(0),
                self._roster.attended(visit, until),
            )
        )
        if patient_id is not None:
            records = [visit.c.demographic_no == patient_id]
            if self._roster.merges_known:
                chain = self._roster.chains().alias("own_record")
                retired = select(chain.c.retired_id).where(chain.c.kept_id == patient_id)
                records.append(visit.c.demographic_no.in_(retired))
            visits = visits.where(or_(*records))
        return visits.subquery("visit")

    def _words(self) -> Mapping[str, Column[Any]]:
        return {"visit_type": self._tables.appointment.c.type, "reason": self._tables.appointment.c.reason}


def _sorted_by_time(visit: FromClause) -> ColumnElement[str]:
    """Day, time, and provider, as a text that sorts by them."""
    day = func.substr(cast(visit.c.appointment_date, String(_DAY)), constant(1), constant(_DAY))
    time = func.substr(func.coalesce(cast(visit.c.start_time, String(_TIME)), _MIDNIGHT), constant(1), constant(_TIME))
    return letters(day.concat(time)).concat(func.coalesce(filled(visit.c.provider_no), _NOTHING))
