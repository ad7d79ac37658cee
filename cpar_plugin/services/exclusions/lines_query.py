"""Which lines of the list of exclusions to show, in what order and from where on: as SQL."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, or_, select, true

from ...domain.exclusion_lines import LineState
from ...domain.paging import Paged
from ...domain.reasons import Reason
from ...hooks import Actor, Host
from ...store.tables import exclusion_line, member, panel
from ..work_lines import changing

_line = exclusion_line.c


class LineSort(StrEnum):
    """By what the lines are sorted."""

    NAME = "name"
    RECORD = "record"
    PANEL = "panel"
    AGE = "age"


class LineKey(NamedTuple):
    """A line: one reason of one patient."""

    patient_id: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class LineCriteria(Paged[LineKey]):
    """Which lines, and in what order. The page begins after the line `after`, or ends before `before`."""

    panel_id: int | None = None
    mrp_id: str | None = None
    reason: Reason | None = None
    owner_id: str | None = None  # or NO_ONE
    state: LineState | None = None  # of open lines; None for all of these
    closed: bool = False  # the closed lines instead
    sort: LineSort = LineSort.NAME

    @property
    def narrowed(self) -> bool:
        """Whether the list is limited to some of the open lines."""
        return self.first_page != LineCriteria(sort=self.sort, descending=self.descending)


@dataclass(frozen=True, slots=True)
class LineSource:
    """The lines with their panels and patients. A patient is on the panel now; a closed line was on it then."""

    patient: FromClause
    source: FromClause
    conditions: tuple[ColumnElement[bool], ...]

    def key(self, sort: LineSort) -> ColumnElement[Any]:
        """What lines are sorted by. Never NULL: it is compared with that of the line where a page begins."""
        match sort:
            case LineSort.NAME:
                family_name, given_name = (
                    func.upper(func.coalesce(name, ""))
                    for name in (self.patient.c.family_name, self.patient.c.given_name)
                )
                return family_name.concat(", ").concat(given_name)
            case LineSort.PANEL:
                return panel.c.number
            case LineSort.AGE:
                return _line.opened_at
            case LineSort.RECORD:
                return _line.patient_id


def source_of(host: Host, actor: Actor, criteria: LineCriteria) -> LineSource:
    """Lines that the actor may see, of the panel and the MRP of the criteria, closed or open as they say."""
    patient = host.roster.patients()
    conditions = [host.identity.visible(actor, _line.patient_id)]
    if criteria.closed:
        panels = exclusion_line.join(panel, panel.c.panel_id == _line.panel_id)
        conditions.append(_line.closed_at.is_not(None))
    else:
        members = exclusion_line.join(member, member.c.patient_id == _line.patient_id)
        panels = members.join(panel, panel.c.panel_id == member.c.panel_id)
        conditions.append(_line.closed_at.is_(None))
    if criteria.panel_id is not None:
        conditions.append(panel.c.panel_id == criteria.panel_id)
    if criteria.mrp_id is not None:
        conditions.append(patient.c.mrp_id == criteria.mrp_id)
    source = panels.outerjoin(patient, patient.c.patient_id == _line.patient_id)
    return LineSource(patient, source, tuple(conditions))


def narrowing(criteria: LineCriteria) -> list[ColumnElement[bool]]:
    """The conditions on reason, owner and state."""
    conditions = changing.narrowing(exclusion_line, criteria.owner_id, criteria.state)
    if criteria.reason is not None:
        conditions.append(_line.reason == criteria.reason)
    return conditions


def key_of_mark(lines: LineSource, criteria: LineCriteria) -> Select[Any] | None:
    """The sort key of the line where the page begins, closed since or not; None for a first page."""
    if criteria.mark is None:
        return None
    patient_id, reason = criteria.mark
    return (
        select(lines.key(criteria.sort))
        .select_from(lines.source)
        .where(_line.patient_id == patient_id, _line.reason == reason)
    )


def order(key: ColumnElement[Any], criteria: LineCriteria) -> list[ColumnElement[Any]]:
    """By the key, and by patient and reason where it is the same."""
    columns = dict.fromkeys((key, _line.patient_id, _line.reason))
    return [column.desc() if criteria.falling else column for column in columns]


def beyond(key: ColumnElement[Any], mark_key: object, criteria: LineCriteria) -> ColumnElement[bool]:
    """Which lines come, in that order, after the one whose sort key is `mark_key`."""
    if criteria.mark is None:
        return true()
    columns = (key, _line.patient_id, _line.reason)
    values = (mark_key, *criteria.mark)
    steps = []
    for place, (column, value) in enumerate(zip(columns, values, strict=True)):
        same = (earlier == other for earlier, other in zip(columns[:place], values, strict=False))
        steps.append(and_(*same, column < value if criteria.falling else column > value))
    return or_(*steps)
