"""What was sent and what the registry has reported, of each panel and month: all panels in two statements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, Connection, case, func, select

from ...domain.bands import month_starts
from ...domain.funnel import PatientCount
from ...domain.submission import SubmissionState
from ...hooks import Host
from ...store.tables import panel_metrics, snapshot, submission

ARRIVED = submission.c.state.in_((SubmissionState.DELIVERED, SubmissionState.WRITTEN))
_entry = panel_metrics.c


@dataclass(frozen=True, slots=True)
class PanelMonth:
    """A month of a panel. `sent`: its last submission that arrived."""

    month: date
    sent: PatientCount | None = None
    received: PatientCount | None = None
    attached: PatientCount | None = None


def panel_months(
    connection: Connection, host: Host, panel_id: int | None, count: int
) -> Mapping[int, Sequence[PanelMonth]]:
    """The last months of one panel, or of each, the earliest first, that of today among them. Two statements.

    A panel without any number in these months is not in it.
    """
    starts = month_starts(host.clock.now().astimezone(host.clock.zone).date(), count)
    sent = _sent(connection, panel_id, starts)
    received, attached = _reported(connection, panel_id, starts[0])
    of_each = (sent, received, attached)
    return {
        key: [PanelMonth(month, *(counts.get((key, month)) for counts in of_each)) for month in starts]
        for key in sorted({key for counts in of_each for key, _ in counts})
    }


@dataclass(frozen=True, slots=True)
class CountTotal:
    """A number of patients of several panels: of `panels` it is known."""

    patients: int = 0
    panels: int = 0

    def plus(self, count: PatientCount | None) -> "CountTotal":
        """With one panel more, where its number is known."""
        return CountTotal(self.patients + count.patients, self.panels + 1) if count else self


@dataclass(slots=True)
class MonthTotal:
    """A month of all panels together."""

    month: date
    sent: CountTotal = CountTotal()
    received: CountTotal = CountTotal()
    attached: CountTotal = CountTotal()


def months_together(panels: Iterable[Sequence[PanelMonth]]) -> Sequence[MonthTotal]:
    """The months of all panels, the earliest first; none where nothing is known of any."""
    totals: dict[date, MonthTotal] = {}
    for one in (one for months in panels for one in months):
        total = totals.setdefault(one.month, MonthTotal(one.month))
        total.sent = total.sent.plus(one.sent)
        total.received = total.received.plus(one.received)
        total.attached = total.attached.plus(one.attached)
    return [totals[month] for month in sorted(totals)]


_Counts = dict[tuple[int, date], PatientCount]


def _sent(connection: Connection, panel_id: int | None, starts: Sequence[date]) -> _Counts:
    place = case(
        *((submission.c.due_on < start, number) for number, start in enumerate(starts[1:])), else_=len(starts) - 1
    )
    latest = func.row_number().over(
        partition_by=(submission.c.panel_id, place),
        order_by=(submission.c.due_on.desc(), submission.c.submission_id.desc()),
    )
    ranked = (
        select(submission.c.panel_id, place.label("place"), submission.c.due_on, snapshot.c.sent, latest.label("rank"))
        .join_from(submission, snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id)
        .where(ARRIVED, submission.c.due_on >= starts[0], *_of_panel(submission.c.panel_id, panel_id))
        .subquery("ranked")
    )
    rows = connection.execute(select(ranked).where(ranked.c.rank == 1))
    return {(row.panel_id, starts[row.place]): PatientCount(row.sent, row.due_on) for row in rows}


def _reported(connection: Connection, panel_id: int | None, first: date) -> tuple[_Counts, _Counts]:
    """What the registry received, and what it has attached. Without a date of its source, it is of the month's end."""
    last = select(func.max(_entry.entry_id)).where(_entry.month >= first, *_of_panel(_entry.panel_id, panel_id))
    query = select(panel_metrics).where(_entry.entry_id.in_(last.group_by(_entry.panel_id, _entry.month)))
    received, attached = _Counts(), _Counts()
    for row in connection.execute(query):
        key, on = (row.panel_id, row.month), row.as_of or _end_of(row.month)
        for counts, number in ((received, row.received), (attached, row.attached)):
            if number is not None:
                counts[key] = PatientCount(number, on)
    return received, attached


def _end_of(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _of_panel(column: ColumnElement[int], panel_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return () if panel_id is None else (column == panel_id,)
