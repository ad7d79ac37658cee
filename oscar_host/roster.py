"""Who the patients and providers of an OSCAR-family EMR are, as SQL: the port `Roster`."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    false,
    func,
    not_,
    null,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from cpar_plugin.hooks import StatusKind, StoredPatients
from cpar_plugin.host_kit.sql import (
    constant,
    filled,
    later,
    letters,
    may_be_stored,
    real_day,
    seen,
    two_digits,
    without_separators,
)

from . import phns_of_many
from .card_types import jurisdiction
from .granted import not_locked_out
from .made_once import made_once
from .name_ranges import by_index
from .present import Present
from .schema import Tables
from .stored_texts import TEXTS, record_of
from .typed_numbers import may_be_typed_as
from .visit_status import is_attended

_Made = TypeVar("_Made")
_MIDNIGHT = time(0)  # OSCAR keeps it where no one has entered a time


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
    status_kinds: Mapping[str, StatusKind] = {
        "AC": StatusKind.ACTIVE,
        "IN": StatusKind.INACTIVE,
        "DE": StatusKind.DECEASED,
        "MO": StatusKind.MOVED,
        "FI": StatusKind.DISCHARGED,
    }
    # As on the Master Record.
    field_labels: Mapping[str, str] = {
        "family_name": "Last Name",
        "given_name": "First Name",
        "birth_date": "DOB",
        "gender": "Sex",
        "phn": "Health Ins. #",
        "phn_jurisdiction": "HC Type",
        "status": "Patient Status",
        "mrp_id": "MRP",
        "coverage_start": "Health Card Effective Date",
        "coverage_end": "Health Card Renew Date",
    }

    def __init__(self, tables: Tables, tables_present: Callable[[], Present], zone: ZoneInfo) -> None:
        """`tables_present` says which of the tables exist, `zone` is the one in which appointments are entered."""
        self._tables = tables
        self._tables_present = tables_present
        self._zone = zone

    def _once(self, make: Callable[[], _Made]) -> _Made:
        return made_once(self._tables, self._tables_present(), make)

    def patients(self) -> FromClause:
        """Every patient, one row each, without records merged away."""
        return self._once(self._every_patient).subquery("patient")  # a new one each time: a statement may hold several

    def _every_patient(self) -> Select[*tuple[Any, ...]]:
        """It has some hundred parts, and nearly every statement holds it."""
        record = self._tables.demographic.c
        columns = {**self._columns_of(record), "mrp_id": filled(record.provider_no)}
        query = select(*(column.label(name) for name, column in columns.items()), *self._coverage())
        return query.where(*self._not_retired())

    def stored_patients(self) -> StoredPatients:
        """The same as they are stored: most of the SQL is about what is odd in texts, and few texts are odd."""
        table, has = self._tables.demographic, self._tables_present().has_column
        # By a name without the schema: that is put in its place each time that a statement is sent.
        record = table.alias(table.name)
        columns = [record.c[name] for name in TEXTS if has(table.c[name])]
        rows = select(record.c.demographic_no.label("patient_id"), *columns).where(*self._not_retired(record))
        stored, names = rows.subquery("stored"), [column.name for column in columns]
        made = {"patient_id": stored.c.patient_id, **self._columns_of(stored.c)}
        begins = by_index(stored.c.last_name, self._tables_present().names_collation)
        return StoredPatients(rows=stored, texts=names, columns=made, record=record_of(names), family_begins=begins)

    def _columns_of(self, record: ReadOnlyColumnCollection[str, Any]) -> dict[str, ColumnElement[Any]]:
        """What `patients` has, made of the columns of a record: of the table, or of a query of these."""
        table, has = self._tables.demographic.c, self._tables_present().has_column
        ids = {"patient_id": table.demographic_no} if record is table else {}
        return {
            **ids,
            "phn": without_separators(record.hin),
            "phn_jurisdiction": jurisdiction(record.hc_type) if has(table.hc_type) else null(),
            "family_name": seen(record.last_name),
            "given_name": seen(record.first_name),
            "middle_names": self._first_seen(record, "middleNames", "middle_name"),
            "preferred_name": self._first_seen(record, "pref_name"),
            "birth_date": _birth_date(record.year_of_birth, record.month_of_birth, record.date_of_birth),
            "gender": func.upper(filled(record.sex)),
            "status": _status(record.patient_status),
        }

    def _first_seen(self, record: ReadOnlyColumnCollection[str, Any], *names: str) -> ColumnElement[str | None]:
        """The first name that is filled, of the columns that this fork has."""
        table, has = self._tables.demographic.c, self._tables_present().has_column
        return func.coalesce(*(seen(record[name]) for name in names if has(table[name])), null(), null())

    def _not_retired(self, record: FromClause | None = None) -> Iterator[ColumnElement[bool]]:
        """Of a record of the table, or of one that a query has under another name."""
        if self.merges_known:
            number = (self._tables.demographic if record is None else record).c.demographic_no
            merge = self._tables.demographic_merged
            merge_in_force = merge.alias(merge.name)
            yield number.not_in(select(merge_in_force.c.demographic_no).where(self._in_force(merge_in_force)))

    def _coverage(self) -> Iterator[ColumnElement[str | None]]:
        """The columns that this fork has."""
        record, present = self._tables.demographic.c, self._tables_present()
        for column, name in ((record.eff_date, "coverage_start"), (record.hc_renew_date, "coverage_end")):
            if present.has_column(column):
                yield day_entered(column).label(name)
        if present.has_column(record.ver):
            yield filled(record.ver).label("card_version")

    def with_phn(self, phn: ColumnElement[str]) -> Select[tuple[int]]:
        """Every patient_id to which `patients` gives this phn, and of such records merged away."""
        record = self._tables.demographic
        condition = and_(without_separators(record.c.hin) == phn, may_be_typed_as(record.c.hin, phn))
        return select(record.c.demographic_no).where(condition)

    def with_phns(self, phns: Collection[str]) -> Select[int]:
        """Every patient_id to which `patients` gives one of these phns, and of such records merged away."""
        return phns_of_many.with_phns(self._tables.demographic, phns)

    def with_mrp(self, mrp_id: str) -> Select[int]:
        """Every patient_id to which `patients` gives this mrp_id.

        The text is first looked for as it is stored, in whatever case and between whatever blanks: that nearly all
        patients do not have it is seen sooner so.
        """
        record = self._tables.demographic.c
        alike = record.provider_no.contains(mrp_id, autoescape=True) if may_be_stored(mrp_id) else false()
        return select(record.demographic_no).where(alike, filled(record.provider_no) == mrp_id, *self._not_retired())

    def shared_phns(self, patient_ids: Select[int]) -> Select[str]:
        """Every phn of nine digits that `patients` gives to one of these and to another, and perhaps more."""
        return phns_of_many.shared_phns(self._tables.demographic, patient_ids)

    def last_visit_on(self, patient_id: ColumnElement[int], until: datetime) -> ColumnElement[date]:
        """The civil date of the latest attended visit that started before `until` (aware), as a correlated scalar.

        What is inherited is part of the query of own visits: those are then looked up once (see `later`).
        """
        visit = self._tables.appointment.alias("own_visit")
        inherited = self._inherited_visit_on(patient_id, until) if self.merges_known else null()
        return (
            select(later(func.max(visit.c.appointment_date), inherited))
            .where(visit.c.demographic_no == patient_id, self.attended(visit, until))
            .correlate_except(visit)
            .scalar_subquery()
        )

    def _inherited_visit_on(self, patient_id: ColumnElement[int], until: datetime) -> ColumnElement[date]:
        """The same of the records merged into the patient's.

        An outer join, so that both databases begin with the merges: they are few, and the visits are many.
        """
        visit = self._tables.appointment.alias("merged_visit")
        merged = self.chains().alias("merged_record")
        condition = and_(visit.c.demographic_no == merged.c.retired_id, self.attended(visit, until))
        return (
            select(func.max(visit.c.appointment_date))
            .select_from(merged.outerjoin(visit, condition))
            .where(merged.c.kept_id == patient_id)
            .correlate_except(visit, merged)
            .scalar_subquery()
        )

    def attended(self, visit: FromClause, until: datetime) -> ColumnElement[bool]:
        """Whether an appointment is a visit that started before `until`. Raises ValueError for a naive moment."""
        if until.tzinfo is None:
            raise ValueError("until needs a time zone")
        now = until.astimezone(self._zone).replace(tzinfo=None)
        seconds = now.time().replace(microsecond=0)
        started = visit.c.start_time <= seconds if now.microsecond else visit.c.start_time < seconds
        # Nothing but alternatives: after ANALYZE, a plain comparison makes SQLite read all visits for a Bloom filter.
        return and_(
            or_(
                and_(visit.c.appointment_date < now.date(), real_day(visit.c.appointment_date)),
                and_(visit.c.appointment_date == now.date(), visit.c.start_time > _MIDNIGHT, started),
            ),
            is_attended(visit.c.status),
            *self.imported_as_visit(visit),
        )

    def imported_as_visit(self, visit: FromClause) -> Iterator[ColumnElement[bool]]:
        """Imports keep the other system's word for the status next to a letter that may be the clinic's own."""
        if self._tables_present().has_column(self._tables.appointment.c.imported_status):
            collapsed = func.coalesce(without_separators(visit.c.imported_status), constant(""))
            word = func.lower(func.replace(collapsed, "_", ""))
            cancelled = and_(word.contains("cancel"), word.not_like("%nocancel%"))  # `No-Cancellation Allowed`
            yield or_(visit.c.imported_status.is_(None), not_(or_(cancelled, word.contains("noshow"))))

    def providers(self) -> FromClause:
        """Every provider."""
        return self._once(self._every_provider).subquery("provider")

    def _every_provider(self) -> Select[*tuple[Any, ...]]:
        provider = self._tables.provider
        return select(
            letters(provider.c.provider_no).label("provider_id"),
            seen(provider.c.last_name).label("family_name"),
            seen(provider.c.first_name).label("given_name"),
            without_separators(provider.c.ohip_no).label("practitioner_id"),
            filled(self._tables_present().column(provider.c.practitionerNo)).label("licence_id"),
            not_locked_out(self._tables).label("active"),
        )

    def merged(self) -> FromClause:
        """Every record merged away, with the one kept at the end of the chain. A circle of merges has no such end."""
        return self._once(self._every_merged).subquery("merged")

    def _every_merged(self) -> Select[*tuple[Any, ...]]:
        if not self.merges_known:
            no_id = type_coerce(null(), Integer)
            return select(no_id.label("retired_id"), no_id.label("kept_id")).where(false())
        closure = self.chains().alias("closure")
        return select(closure.c.retired_id, closure.c.kept_id).where(
            closure.c.kept_id.not_in(select(self._merges().c.retired_id))
        )

    def merged_phns(self) -> FromClause | None:
        """Of those the ones with a PHN, such as `patients` would give it."""
        if not self.merges_known:
            return None
        record, merged = self._tables.demographic, self.merged()
        phn = without_separators(record.c.hin)
        query = select(merged.c.retired_id, merged.c.kept_id, phn.label("phn"))
        query = query.join_from(merged, record, record.c.demographic_no == merged.c.retired_id)
        return query.where(phn.is_not(None)).subquery("merged_phn")

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
    def merges_known(self) -> bool:
        """Whether this OSCAR can merge records."""
        return self._tables_present().has(self._tables.demographic_merged)

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


def _status(text: ColumnElement[Any]) -> ColumnElement[str | None]:
    """OSCAR's own queries and page take `ac` and `AC ` for the active status too."""
    stored, active = letters(text), constant(OscarRoster.active_status)
    # As it is stored nearly all have it.
    return case((stored == active, active), (func.upper(func.trim(stored)) == active, active), else_=filled(text))


def day_entered(day: ColumnElement[Any]) -> ColumnElement[str | None]:
    """A date column as text, not corrected: an impossible date stays so, and OSCAR's zero date is 0000-00-00."""
    return filled(cast(day, String))


def _birth_date(year: Column[Any], month: Column[Any], day: Column[Any]) -> ColumnElement[str]:
    """ISO text of OSCAR's three strings, not corrected: an impossible date stays so. NULL when a part is missing."""
    hyphen, parts = constant("-"), (filled(year), two_digits(letters(month)), two_digits(letters(day)))
    return parts[0].concat(hyphen).concat(parts[1]).concat(hyphen).concat(parts[2])
