"""The coverage of active members, of one panel or of all: counted, listed by date, with the next appointment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Date, FromClause, Select, case, func, null, select, type_coerce

from ...domain.coverage import Coverage
from ...domain.patient_search import words
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import member, panel
from ..roster import coverage
from ..roster.providers import actor_names
from ..roster.searching import matches

AT_ONCE: Final = 100
_STREAMED_AT_ONCE: Final = 1000
_ONE_DAY: Final = timedelta(days=1)
LISTED: Final = (
    Coverage.ENDED,
    Coverage.ENDS_SOON,
    Coverage.BEGINS_LATER,
    Coverage.UNKNOWN,
)  # unless another state is chosen


class CoverageSort(StrEnum):
    """By what the list is sorted."""

    DATE = "date"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class CoverageCriteria:
    """Which active members, and in what order. `panel_id` is None for those of all panels."""

    panel_id: int | None = None
    state: Coverage | None = None  # None for LISTED
    text: str = ""  # in a name, or a PHN, record number or date of birth
    sort: CoverageSort = CoverageSort.DATE
    descending: bool = False


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """One member. The days of coverage are texts as the host has them, perhaps of no day."""

    patient_id: int
    family_name: str | None
    given_name: str | None
    birth_date: str | None
    phn: str | None
    panel_id: int
    panel_number: str
    mrp: str  # a name, '' for none
    coverage_start: str | None
    coverage_end: str | None
    card_version: str | None
    state: Coverage
    next_appointment: date | None


@dataclass(frozen=True, slots=True)
class CoverageListing:
    """One page. `counts` and `hidden` are of all active members, `matching` of those found on all pages."""

    rows: Sequence[CoverageRow]
    counts: Mapping[Coverage, int]
    hidden: int  # members whom the actor may not see
    matching: int


def counts(
    connection: Connection, host: Host, actor: Actor, settings: Settings, panel_id: int | None
) -> tuple[Mapping[Coverage, int], int]:
    """How many active members that the actor may see are in each state, and how many are hidden. One statement."""
    everyone = _everyone(host, actor, settings, panel_id)
    found, hidden = dict.fromkeys(Coverage, 0), 0
    groups = select(everyone.c.state, everyone.c.visible, func.count()).group_by(everyone.c.state, everyone.c.visible)
    for state, visible, count in connection.execute(groups):
        if not visible:
            hidden += count
        elif state is not None:
            found[Coverage(state)] += count
    return found, hidden


def show(
    connection: Connection,
    host: Host,
    actor: Actor,
    settings: Settings,
    criteria: CoverageCriteria,
    offset: int,
    at_once: int = AT_ONCE,
) -> CoverageListing:
    """`at_once` members from `offset` on. At most four statements, however many there are."""
    states, hidden = counts(connection, host, actor, settings, criteria.panel_id)
    found = _found(host, actor, settings, criteria)
    matching = sum(states[state] for state in _states(criteria))
    if criteria.text:
        matching = connection.scalar(select(func.count()).select_from(found.order_by(None).subquery())) or 0
    on_page = found.offset(offset).limit(at_once).subquery("on_page")
    rows = connection.execute(_with_next(host, on_page).order_by(*_order(on_page.c, criteria))).all()
    names = actor_names(connection, host, {row.mrp_id for row in rows if row.mrp_id})
    return CoverageListing([_row(row, names) for row in rows], states, hidden, matching)


def everyone_found(
    connection: Connection, host: Host, actor: Actor, settings: Settings, criteria: CoverageCriteria
) -> Iterator[CoverageRow]:
    """All that are found, in their order, streamed."""
    provider = host.roster.providers()
    names = actor_names(connection, host, set(connection.scalars(select(provider.c.provider_id))))
    found = _found(host, actor, settings, criteria).order_by(None).subquery("listed")
    query = _with_next(host, found).order_by(*_order(found.c, criteria))
    with connection.execute(query.execution_options(yield_per=_STREAMED_AT_ONCE)) as result:
        for row in result:
            yield _row(row, names)


def _everyone(host: Host, actor: Actor, settings: Settings, panel_id: int | None) -> FromClause:
    """The active members with their coverage today."""
    patient, roster = host.roster.patients(), host.roster
    today = host.clock.now().astimezone(host.clock.zone).date()
    state = coverage.state_of(patient.c, settings.coverage_rules, today)
    columns = ("family_name", "given_name", "birth_date", "phn", "mrp_id")
    of_coverage = ("coverage_start", "coverage_end", "card_version")
    query = (
        select(
            member.c.patient_id,
            member.c.panel_id,
            panel.c.number,
            *(patient.c[name] for name in columns),
            *(coverage.column(patient.c, name).label(name) for name in of_coverage),
            state.label("state"),
            case((host.identity.visible(actor, member.c.patient_id), 1), else_=0).label("visible"),
        )
        .join_from(member, panel, panel.c.panel_id == member.c.panel_id)
        .join(patient, patient.c.patient_id == member.c.patient_id)
        .where(patient.c.status == roster.active_status)
    )
    if panel_id is not None:
        query = query.where(member.c.panel_id == panel_id)
    return query.subquery("everyone")


def _found(host: Host, actor: Actor, settings: Settings, criteria: CoverageCriteria) -> Select[Any]:
    everyone = _everyone(host, actor, settings, criteria.panel_id)
    return (
        select(everyone)
        .where(
            everyone.c.visible == 1,
            everyone.c.state.in_([state.value for state in _states(criteria)]),
            *(matches(everyone.c, word) for word in words(criteria.text)),
        )
        .order_by(*_order(everyone.c, criteria))
    )


def _states(criteria: CoverageCriteria) -> Sequence[Coverage]:
    return (criteria.state,) if criteria.state else LISTED


def _order(columns: Any, criteria: CoverageCriteria) -> list[ColumnElement[Any]]:
    keys: tuple[ColumnElement[Any], ...]
    if criteria.sort is CoverageSort.NAME:
        keys = tuple(func.upper(func.coalesce(name, "")) for name in (columns.family_name, columns.given_name))
    else:
        later = columns.state == Coverage.BEGINS_LATER.value
        keys = (func.coalesce(case((later, columns.coverage_start), else_=columns.coverage_end), ""),)
    return [key.desc() if criteria.descending else key for key in (*keys, columns.patient_id)]


def _with_next(host: Host, listed: FromClause) -> Select[Any]:
    """The same with the next appointment, today's too, which is looked up for these patients only."""
    yesterday = host.clock.now().astimezone(host.clock.zone).date() - _ONE_DAY
    next_on = host.schedule.next_on(listed.c.patient_id, yesterday) if host.schedule else type_coerce(null(), Date)
    return select(listed, next_on.label("next_on"))


def _row(row: Any, names: Mapping[str, str]) -> CoverageRow:
    return CoverageRow(
        row.patient_id,
        row.family_name,
        row.given_name,
        row.birth_date,
        row.phn,
        row.panel_id,
        row.number,
        names.get(row.mrp_id, row.mrp_id) if row.mrp_id else "",
        row.coverage_start,
        row.coverage_end,
        row.card_version,
        Coverage(row.state),
        row.next_on,
    )
