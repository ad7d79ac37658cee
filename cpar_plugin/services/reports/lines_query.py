"""Which lines of reports to show, and in what order: as SQL."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, func, or_, select

from ...domain.report_lines import TO_DO, ReportLineState
from ...domain.reports import ReportKind
from ...hooks import Actor, Host
from ...store.tables import member, panel, report_line, report_row
from ..work_lines import changing
from . import listing

_line, _row = report_line.c, report_row.c


class ReportLineSort(StrEnum):
    """By what the lines are sorted."""

    AGE = "age"  # and so by the day on which they are due
    NAME = "name"
    PANEL = "panel"


class LinesShown(StrEnum):
    """Which lines are shown where it is no single state."""

    TO_DO = ""
    NOT_CLOSED = "not-closed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ReportLineCriteria:
    """What the list is narrowed by, and its order."""

    kind: ReportKind | None = None
    panel_id: int | None = None  # of the patient; where no one is found, of the report
    mrp_id: str | None = None
    owner_id: str | None = None  # NO_ONE: taken by no one
    state: ReportLineState | None = None
    shown: LinesShown = LinesShown.TO_DO  # without a state
    opened_before: datetime | None = None  # for those that are overdue
    sort: ReportLineSort = ReportLineSort.AGE
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ReportLineSource:
    """The lines that an actor may see, with row, patient, panel: the join, the patients in it, and the conditions."""

    source: FromClause
    patient: FromClause
    kept_id: ColumnElement[int]
    visible: ColumnElement[bool]

    def order(self, criteria: ReportLineCriteria) -> list[ColumnElement[Any]]:
        """As the criteria say, then the oldest first."""
        columns: list[ColumnElement[Any]]
        match criteria.sort:
            case ReportLineSort.AGE:
                columns = [_line.opened_at]
            case ReportLineSort.NAME:
                columns = [func.upper(func.coalesce(self.patient.c[name], _row[name])) for name in _NAMES]
            case ReportLineSort.PANEL:
                columns = [func.coalesce(panel.c.number, "")]
        return [
            *(column.desc() if criteria.descending else column for column in columns),
            _line.opened_at,
            _row.row_number,
            _line.line_id,
        ]

    def narrowing(self, criteria: ReportLineCriteria) -> list[ColumnElement[bool]]:
        """The conditions of the criteria."""
        conditions = [self.visible, *changing.narrowing(report_line, criteria.owner_id, criteria.state)]
        is_closed = criteria.shown is LinesShown.CLOSED and criteria.state is None
        conditions.append(_line.closed_at.is_not(None) if is_closed else _line.closed_at.is_(None))
        if criteria.shown is LinesShown.TO_DO and criteria.state is None:
            conditions.append(_line.state.in_(TO_DO))
        if criteria.kind is not None:
            conditions.append(_line.kind == criteria.kind)
        if criteria.panel_id is not None:
            conditions.append(panel.c.panel_id == criteria.panel_id)
        if criteria.mrp_id is not None:
            conditions.extend([self.patient.c.mrp_id == criteria.mrp_id, _row.accepted])
        if criteria.opened_before is not None:
            conditions.append(_line.opened_at < criteria.opened_before)
        return conditions


def deleted_at_of_panel() -> ColumnElement[datetime]:
    """When the panel of a line's report was deleted; NULL where it was not, or the report is about all panels."""
    of_report = panel.alias("of_report")
    query = select(of_report.c.deleted_at).where(of_report.c.panel_id == _line.panel_id)
    return query.correlate(report_line).scalar_subquery()


_NAMES = ("family_name", "given_name")


def source_of(host: Host, actor: Actor) -> ReportLineSource:
    """The lines with their rows, patients, and panels. Proposals that no one has accepted are on no panel."""
    rows, patient, kept_id = listing.joined(host)
    lines = rows.join(report_line, and_(_line.report_id == _row.report_id, _line.line_key == _row.line_key))
    members = lines.outerjoin(member, and_(member.c.patient_id == kept_id, _row.accepted))
    source = members.outerjoin(panel, panel.c.panel_id == func.coalesce(member.c.panel_id, _line.panel_id))
    visible = or_(_row.patient_id.is_(None), host.identity.visible(actor, kept_id))
    return ReportLineSource(source, patient, kept_id, visible)
