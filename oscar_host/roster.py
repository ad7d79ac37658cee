"""Who the patients and providers of an OSCAR-family EMR are, as SQL: the port `Roster`."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    case,
    false,
    func,
    null,
    or_,
    select,
    type_coerce,
)

from .granted import not_shut_out
from .schema import Present, Tables
from .sql import constant, filled, later, letters, real_day, two_digits, without_separators

# The first letter of a status tells what became of an appointment; capitals and small letters differ.
NO_VISIT = ("C", "N", "D")  # cancelled, no-show, deleted
# To do, day sheet printed, here, picked, empty room, customized 1 to 6, confirmed, billed. Any other counts as well.
VISIT = ("t", "T", "H", "P", "E", "a", "b", "c", "d", "e", "f", "h", "B")
_LONGEST_NUMBER = 20  # the length of the column
_BEHIND_SEPARATORS = constant(".")  # sorts behind space and hyphen and before all digits, whatever the collation
_MIDNIGHT = time(0)  # OSCAR keeps it where nobody has entered a time


class OscarRoster:
    """The roster of one OSCAR database. What a fork lacks is NULL."""

    active_status = "AC"
    status_labels: Mapping[str, str] = {
        "AC": "Active",
        "IN": "Inactive",
        "DE": "Deceased",
        "MO": "Moved",
        "FI": "Fired",
    }

    def __init__(self, tables: Tables, look: Callable[[], Present], zone: ZoneInfo) -> None:
        """`look` tells what is there of the tables, `zone` is the one in which appointments are entered."""
        self._tables = tables
        self._look = look
        self._zone = zone

    def patients(self) -> FromClause:
        """Every patient, one row each, records merged away left out."""
        record = self._tables.demographic
        middle_names = (record.c.middleNames, record.c.middle_name)
        jurisdiction = func.upper(func.trim(letters(self._look().column(record.c.hc_type))))
        query = select(
            record.c.demographic_no.label("patient_id"),
            without_separators(record.c.hin).label("phn"),
            case((_two_letters(jurisdiction), jurisdiction)).label("phn_jurisdiction"),
            filled(record.c.last_name).label("family_name"),
            filled(record.c.first_name).label("given_name"),
            func.coalesce(*(filled(self._look().column(name)) for name in middle_names)).label("middle_names"),
            filled(self._look().column(record.c.pref_name)).label("preferred_name"),
            _birth_date(record.c.year_of_birth, record.c.month_of_birth, record.c.date_of_birth).label("birth_date"),
            filled(record.c.sex).label("gender"),
            filled(record.c.patient_status).label("status"),
            filled(record.c.provider_no).label("mrp_id"),
        )
        if self._merges_known:
            merge = self._tables.demographic_merged
            retired = select(merge.c.demographic_no).where(self._in_force(merge))
            query = query.where(record.c.demographic_no.not_in(retired))
        return query.subquery("patient")

    def with_phn(self, phn: ColumnElement[str]) -> Select[tuple[int]]:
        """The patient_id of everybody whom `patients` gives this phn, and of such records merged away.

        The column is as people typed it, with spaces and hyphens anywhere. Whoever has this phn has either just these
        characters, or the first few of them and then a space or a hyphen: the index on the column finds the few rows
        that begin so, of which the exact comparison leaves the right ones.
        """
        record = self._tables.demographic
        hin = record.c.hin
        beginnings = (func.substr(phn, constant(1), constant(place)) for place in range(_LONGEST_NUMBER))
        separated = (
            and_(hin >= begun.concat(constant(" ")), hin < begun.concat(_BEHIND_SEPARATORS)) for begun in beginnings
        )
        return select(record.c.demographic_no).where(without_separators(hin) == phn, or_(hin == phn, *separated))

    def last_visit_on(self, patient_id: ColumnElement[int], until: datetime) -> ColumnElement[date]:
        """The civil date of the latest attended visit that started before `until` (aware), as a correlated scalar."""
        visit = self._tables.appointment.alias("own_visit")
        own = (
            select(func.max(visit.c.appointment_date))
            .where(visit.c.demographic_no == patient_id, self._attended(visit, until))
            .correlate_except(visit)
            .scalar_subquery()
        )
        return later(own, self._inherited_visit_on(patient_id, until) if self._merges_known else null())

    def _inherited_visit_on(self, patient_id: ColumnElement[int], until: datetime) -> ColumnElement[date]:
        """The same of the records merged into the patient's.

        An outer join, so that both databases begin with the merges: they are few, and the visits are many.
        """
        visit = self._tables.appointment.alias("merged_visit")
        merged = self.chains().alias("merged_record")
        theirs = and_(visit.c.demographic_no == merged.c.retired_id, self._attended(visit, until))
        return (
            select(func.max(visit.c.appointment_date))
            .select_from(merged.outerjoin(visit, theirs))
            .where(merged.c.kept_id == patient_id)
            .correlate_except(visit, merged)
            .scalar_subquery()
        )

    def _attended(self, visit: FromClause, until: datetime) -> ColumnElement[bool]:
        if until.tzinfo is None:
            raise ValueError("until needs a time zone")
        now = until.astimezone(self._zone).replace(tzinfo=None)
        seconds = now.time().replace(microsecond=0)
        started = visit.c.start_time <= seconds if now.microsecond else visit.c.start_time < seconds
        first_letter = func.substr(letters(visit.c.status), 1, 1)
        # Nothing but alternatives: after ANALYZE, a plain comparison makes SQLite read all visits for a Bloom filter.
        return and_(
            or_(
                and_(visit.c.appointment_date < now.date(), real_day(visit.c.appointment_date)),
                and_(visit.c.appointment_date == now.date(), visit.c.start_time > _MIDNIGHT, started),
            ),
            or_(visit.c.status.is_(None), first_letter.not_in(NO_VISIT)),
        )

    def providers(self) -> FromClause:
        """Every provider."""
        provider = self._tables.provider
        return select(
            letters(provider.c.provider_no).label("provider_id"),
            filled(provider.c.last_name).label("family_name"),
            filled(provider.c.first_name).label("given_name"),
            without_separators(provider.c.ohip_no).label("practitioner_id"),
            filled(self._look().column(provider.c.practitionerNo)).label("licence_id"),
            not_shut_out(self._tables).label("active"),
        ).subquery("provider")

    def merged(self) -> FromClause:
        """Every record merged away, with the one kept at the end of the chain. A circle of merges has no such end."""
        if not self._merges_known:
            nobody = type_coerce(null(), Integer)
            return select(nobody.label("retired_id"), nobody.label("kept_id")).where(false()).subquery("merged")
        closure = self.chains().alias("closure")
        return (
            select(closure.c.retired_id, closure.c.kept_id)
            .where(closure.c.kept_id.not_in(select(self._merges().c.retired_id)))
            .subquery("merged")
        )

    def chains(self) -> FromClause:
        """Each record merged away with every record after it in its chain: retired_id, kept_id.

        UNION without ALL is what ends a circle. The table of merges is small and is read once for a statement.
        """
        merge, onward = self._merges(), self._merges().alias("onward")
        chain = select(merge.c.retired_id, merge.c.kept_id).cte("chain", recursive=True, nesting=True)
        chain = chain.union(
            select(chain.c.retired_id, onward.c.kept_id).join(onward, onward.c.retired_id == chain.c.kept_id)
        )
        return select(chain.c.retired_id, chain.c.kept_id).subquery()

    @property
    def _merges_known(self) -> bool:
        return self._look().has(self._tables.demographic_merged)

    @staticmethod
    def _in_force(merge: FromClause) -> ColumnElement[bool]:
        return and_(merge.c.deleted == constant(0), merge.c.demographic_no != merge.c.merged_to)

    def _merges(self) -> FromClause:
        """The merges in force: retired_id, kept_id. Of several for one record, the latest."""
        merge = self._tables.demographic_merged
        ranked = (
            select(
                merge.c.demographic_no.label("retired_id"),
                merge.c.merged_to.label("kept_id"),
                func.row_number().over(partition_by=merge.c.demographic_no, order_by=merge.c.id.desc()).label("place"),
            )
            .where(self._in_force(merge))
            .subquery()
        )
        return select(ranked.c.retired_id, ranked.c.kept_id).where(ranked.c.place == 1).subquery("merge")


def _two_letters(text: ColumnElement[str]) -> ColumnElement[bool]:
    letters_of_it = (func.substr(text, constant(place), constant(1)) for place in (1, 2))
    capitals = (letter.between(constant("A"), constant("Z")) for letter in letters_of_it)
    return and_(func.length(text) == constant(2), *capitals)


def _birth_date(year: Column[Any], month: Column[Any], day: Column[Any]) -> ColumnElement[str]:
    """ISO text of OSCAR's three strings, never mended: what is impossible stays so. NULL when a part is missing."""
    hyphen, parts = constant("-"), (filled(year), two_digits(filled(month)), two_digits(filled(day)))
    return parts[0].concat(hyphen).concat(parts[1]).concat(hyphen).concat(parts[2])
