"""What explains that patients who were sent in a month are not attached: reports of that month that have them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, case, exists, func, literal, or_, select

from ...domain.reports import ReportKind
from ...domain.submission import SubmissionState
from ...hooks import Host
from ...store.tables import exclusion, ledger, operation, report, report_row, snapshot, submission
from ...store.types import Moment

ARRIVED: Final = submission.c.state.in_((SubmissionState.DELIVERED, SubmissionState.WRITTEN))


class MonthSent(NamedTuple):
    """The last submission of a month that arrived."""

    patients: int
    snapshot_id: str
    taken_at: datetime


def last_sent(connection: Connection, panel_id: int, first: date) -> Mapping[date, MonthSent]:
    """What was sent of a panel, by the first days of months from `first` on."""
    query = (
        select(submission.c.due_on, snapshot.c.sent, snapshot.c.snapshot_id, snapshot.c.taken_at)
        .join_from(submission, snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id)
        .where(submission.c.panel_id == panel_id, ARRIVED, submission.c.due_on >= first)
        .order_by(submission.c.due_on, submission.c.submission_id)
    )
    return {row.due_on.replace(day=1): MonthSent(*row[1:]) for row in connection.execute(query)}


def by_month(
    connection: Connection, host: Host, panel_id: int, starts: Sequence[date], sent: Mapping[date, MonthSent]
) -> Mapping[date, tuple[int, int]]:
    """Of those who were sent with each month, how many its reports have as conflicts, and others as mismatches.

    A report is of the month of its own date, else of its upload. Patients who were found for certain, or accepted.
    Who was sent is looked up in the ledger and in the exclusions of then: whatever panel a patient is on now, and
    whatever panel the report is about. One statement.
    """
    months = {number: sent[start] for number, start in enumerate(starts) if start in sent}
    if not months:
        return {}
    patients = _reported(host, starts).subquery("patients")
    counted = (
        select(patients.c.place, func.sum(patients.c.conflict), func.count())
        .where(patients.c.place.in_(months), _was_sent(patients, panel_id, months))
        .group_by(patients.c.place)
    )
    rows = connection.execute(counted)
    return {starts[number]: (int(conflicts), int(count) - int(conflicts)) for number, conflicts, count in rows}


def _reported(host: Host, starts: Sequence[date]) -> Select[Any]:
    """Everyone in reports, once for a month: its place, the record kept, that found, and whether it is a conflict."""
    merged = host.roster.merged()
    kept_id = func.coalesce(merged.c.kept_id, report_row.c.patient_id)
    source = report_row.outerjoin(merged, merged.c.retired_id == report_row.c.patient_id)
    is_conflict = case((report.c.kind == ReportKind.CONFLICT, 1), else_=0)
    place: ColumnElement[int] = case(
        *((_is_before(host, start), number) for number, start in enumerate(starts[1:])), else_=len(starts) - 1
    )
    columns: tuple[ColumnElement[Any], ...] = (
        place.label("place"),
        kept_id.label("person_id"),
        func.min(report_row.c.patient_id).label("found_id"),
        func.max(is_conflict).label("conflict"),
    )
    return (
        select(*columns)
        .select_from(source.join(report, report.c.report_id == report_row.c.report_id))
        .where(
            report.c.kind.in_((ReportKind.CONFLICT, ReportKind.MISMATCH)),
            ~_is_before(host, starts[0]),
            report_row.c.accepted,
        )
        .group_by("place", "person_id")
    )


def _is_before(host: Host, start: date) -> ColumnElement[bool]:
    """Whether a report is of an earlier day."""
    moment = datetime.combine(start, time(), host.clock.zone).astimezone(UTC)
    is_before: ColumnElement[bool] = case(
        (report.c.reported_on.is_not(None), report.c.reported_on < start), else_=report.c.received_at < moment
    )
    return is_before


def _was_sent(patients: FromClause, panel_id: int, months: Mapping[int, MonthSent]) -> ColumnElement[bool]:
    """Under the number of the record kept, or under that of the one found, which was perhaps merged away since."""
    column = patients.c
    taken_at = case(*((column.place == number, literal(one.taken_at, Moment)) for number, one in months.items()))
    snapshot_id = case(*((column.place == number, one.snapshot_id) for number, one in months.items()))

    def sent_as(patient_id: ColumnElement[int]) -> ColumnElement[bool]:
        last = (
            select(func.max(ledger.c.operation_id))
            .join_from(ledger, operation, operation.c.operation_id == ledger.c.operation_id)
            .where(ledger.c.patient_id == patient_id, operation.c.at <= taken_at)
            .correlate(patients)
            .scalar_subquery()
        )
        of_panel = (ledger.c.patient_id == patient_id, ledger.c.operation_id == last, ledger.c.to_panel_id == panel_id)
        excluded = (exclusion.c.snapshot_id == snapshot_id, exclusion.c.patient_id == patient_id)
        return and_(
            exists().where(*of_panel).correlate(patients),
            ~exists().where(*excluded).correlate(patients),
        )

    return or_(sent_as(column.person_id), sent_as(column.found_id))
