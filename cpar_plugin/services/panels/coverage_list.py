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
from ...store.types import LAST_KEY
from ..roster import coverage
from ..roster.providers import actor_names
from ..roster.searching import matches

AT_ONCE: Final = 100
_STREAMED_AT_ONCE: Final = 1000
_ONE_DAY: Final = timedelta(days=1)
_NAMES: Final = ("family_name", "given_name")
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
    everyone = _everyone(host, actor, settings, panel_id).subquery("judged")
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
    rows = connection.execute(_with_details(host, on_page, criteria)).all()
    names = actor_names(connection, host, {row.mrp_id for row in rows if row.mrp_id})
    return CoverageListing([_row(row, names) for row in rows], states, hidden, matching)


def everyone_found(
    connection: Connection, host: Host, actor: Actor, settings: Settings, criteria: CoverageCriteria
) -> Iterator[CoverageRow]:
    """All that are found, in their order, streamed."""
    provider = host.roster.providers()
    names = actor_names(connection, host, set(connection.scalars(select(provider.c.provider_id))))
    found = _found(host, actor, settings, criteria).order_by(None).subquery("listed")
    query = _with_details(host, found, criteria)
    with connection.execute(query.execution_options(yield_per=_STREAMED_AT_ONCE)) as result:
        for row in result:
            yield _row(row, names)


def _everyone(
    host: Host, actor: Actor, settings: Settings, panel_id: int | None, names: Sequence[str] = ()
) -> Select[Any]:
    """The active members with their coverage today, and these columns of the roster.

    The limits exclude no one. They keep databases from working out again what a name stands for at each mention of it.
    """
    patient = host.roster.patients()
    visible = host.identity.visible(actor, member.c.patient_id)
    query = (
        select(
            member.c.patient_id,
            patient.c.phn_jurisdiction,
            *(coverage.column(patient.c, name).label(name) for name in ("coverage_start", "coverage_end")),
            *(patient.c[name] for name in names),
            case((visible, 1), else_=0).label("visible"),
        )
        .join_from(member, patient, patient.c.patient_id == member.c.patient_id)
        .where(patient.c.status == host.roster.active_status)
        .limit(LAST_KEY)
    )
    if panel_id is not None:
        query = query.where(member.c.panel_id == panel_id)
    read = query.subquery("everyone")
    today = host.clock.now().astimezone(host.clock.zone).date()
    state = coverage.state_of(read.c, settings.coverage_rules, today)
    return select(read, state.label("state")).limit(LAST_KEY)


def _found(host: Host, actor: Actor, settings: Settings, criteria: CoverageCriteria) -> Select[Any]:
    names = {
        **dict.fromkeys(_NAMES if criteria.text or criteria.sort is CoverageSort.NAME else ()),
        **dict.fromkeys(("phn", "birth_date") if criteria.text else ()),
    }
    everyone = _everyone(host, actor, settings, criteria.panel_id, tuple(names)).subquery("judged")
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


def _with_details(host: Host, listed: FromClause, criteria: CoverageCriteria) -> Select[Any]:
    """The same in their order, with what is shown of them: it is looked up for these members only."""
    patient = host.roster.patients()
    yesterday = host.clock.now().astimezone(host.clock.zone).date() - _ONE_DAY
    next_on = host.schedule.next_on(listed.c.patient_id, yesterday) if host.schedule else type_coerce(null(), Date)
    return (
        select(
            listed.c.patient_id,
            listed.c.state,
            listed.c.coverage_start,
            listed.c.coverage_end,
            *(patient.c[name] for name in (*_NAMES, "birth_date", "phn", "mrp_id")),
            coverage.column(patient.c, "card_version").label("card_version"),
            member.c.panel_id,
            panel.c.number,
            next_on.label("next_on"),  # today's too
        )
        .select_from(listed)
        .join(member, member.c.patient_id == listed.c.patient_id)
        .join(panel, panel.c.panel_id == member.c.panel_id)
        .join(patient, patient.c.patient_id == listed.c.patient_id)
        .order_by(*_order(listed.c, criteria))
    )


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
