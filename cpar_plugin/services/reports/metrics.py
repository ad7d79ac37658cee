"""What the registry counts of a panel month by month, beside what was sent; every change of it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, func, insert, select
from sqlalchemy.orm import Session

from ...domain.bands import month_starts
from ...domain.metrics import MONTHS, NO_COUNTS, AttachmentGap, RegistryCounts, gap
from ...domain.refusals import NotFound, Refused, Stale
from ...hooks import Actor, Host
from ...store.tables import panel, panel_metrics
from ..operations import clinic, record
from ..operations.record import OperationKind
from ..roster.providers import actor_names
from . import metrics_explained
from .metrics_explained import last_sent

NO_ENTRY: Final = 0
_entry = panel_metrics.c
_CHANGED: Final = "Someone else has changed the metrics of this month. Nothing was saved: review them and try again."


@dataclass(frozen=True, slots=True)
class MetricsEntry:
    """What was entered for a month, or taken from the report; without counts it was removed."""

    entry_id: int
    month: date
    counts: RegistryCounts
    report_id: int | None
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class MetricsMonth:
    """A month of a panel. `sent`: with its last submission that arrived; None for none."""

    month: date
    sent: int | None
    counts: RegistryCounts
    entry_id: int  # the entry that holds, NO_ENTRY for none
    gap: AttachmentGap | None


def months(connection: Connection, host: Host, panel_id: int, count: int) -> Sequence[MetricsMonth]:
    """The last months, the earliest first, that of today among them. Three statements, whatever the panel's size."""
    starts = month_starts(_today(host), count)
    sent, entries = last_sent(connection, panel_id, starts[0]), _entries(connection, panel_id, starts[0])
    explained = metrics_explained.by_month(connection, host, panel_id, starts, sent)
    result = []
    for month in starts:
        entry = entries.get(month)
        counts = counts_of(entry) if entry else NO_COUNTS
        patients = sent[month].patients if month in sent else None
        difference = gap(patients, counts.attached, *explained.get(month, (0, 0)))
        entry_id = entry.entry_id if entry else NO_ENTRY
        result.append(MetricsMonth(month, patients, counts, entry_id, difference))
    return result


def history(connection: Connection, host: Host, panel_id: int, month: date) -> Sequence[MetricsEntry]:
    """Every entry of a month, the latest first. Two statements."""
    of_month = select(panel_metrics).where(_entry.panel_id == panel_id, _entry.month == month)
    rows = connection.execute(of_month.order_by(_entry.entry_id.desc())).all()
    names = actor_names(connection, host, {row.actor_id for row in rows})
    return [
        MetricsEntry(row.entry_id, row.month, counts_of(row), row.report_id, row.at, names[row.actor_id])
        for row in rows
    ]


def save(host: Host, actor: Actor, panel_id: int, month: date, seen: int, counts: RegistryCounts) -> None:
    """Enter the counts of a month. `seen`: the entry that the page showed. An entry that changes nothing is not made.

    Raises NotFound, Refused, and Stale where another entry holds by now.
    """
    with host.database.session() as session:
        _lock(session, host, panel_id, month, seen)
        _put(session, host, actor, panel_id, month, counts)


def restore(host: Host, actor: Actor, panel_id: int, month: date, seen: int, entry_id: int) -> None:
    """Enter once more what an earlier entry had. NO_ENTRY: remove the counts. Raises the same."""
    with host.database.session() as session:
        _lock(session, host, panel_id, month, seen)
        of_month = and_(_entry.panel_id == panel_id, _entry.month == month, _entry.entry_id == entry_id)
        earlier = session.execute(select(panel_metrics).where(of_month)).one_or_none()
        if earlier is None and entry_id != NO_ENTRY:
            raise NotFound("This entry is not there: reload the page.")
        counts = counts_of(earlier) if earlier else NO_COUNTS
        _put(session, host, actor, panel_id, month, counts, earlier.report_id if earlier else None)


def of_report(connection: Connection, report_id: int) -> Sequence[tuple[int, str, date]]:
    """The panels, with their numbers, and the months for which counts were taken from a report."""
    query = (
        select(panel.c.panel_id, panel.c.number, _entry.month)
        .join_from(panel_metrics, panel, panel.c.panel_id == _entry.panel_id)
        .where(_entry.report_id == report_id, panel.c.deleted_at.is_(None))
        .distinct()
        .order_by(panel.c.number, _entry.month)
    )
    return [(row.panel_id, row.number, row.month) for row in connection.execute(query)]


def latest(session: Session, panel_id: int, month: date) -> Row[Any] | None:
    """The entry that holds for a month."""
    of_month = select(panel_metrics).where(_entry.panel_id == panel_id, _entry.month == month)
    return session.execute(of_month.order_by(_entry.entry_id.desc()).limit(1)).one_or_none()


def add(
    session: Session,
    host: Host,
    actor: Actor,
    panel_id: int,
    month: date,
    counts: RegistryCounts,
    report_id: int | None = None,
) -> bool:
    """Append an entry, after `clinic.lock`. False where it would say what holds already."""
    before = latest(session, panel_id, month)
    if (counts_of(before) if before else NO_COUNTS) == counts:
        return False
    values = {"received": counts.received, "attached": counts.attached, "as_of": counts.as_of, "report_id": report_id}
    made = {"panel_id": panel_id, "month": month, "at": host.clock.now(), "actor_id": actor.actor_id}
    session.execute(insert(panel_metrics).values(**values, **made))
    return True


def _put(
    session: Session,
    host: Host,
    actor: Actor,
    panel_id: int,
    month: date,
    counts: RegistryCounts,
    report_id: int | None = None,
) -> None:
    if add(session, host, actor, panel_id, month, counts, report_id):
        detail = {"month": month, "received": counts.received, "attached": counts.attached, "as_of": counts.as_of}
        record.begin(session, host, actor, OperationKind.ENTER_METRICS, panel_id=panel_id, detail=detail)


def _lock(session: Session, host: Host, panel_id: int, month: date, seen: int) -> None:
    clinic.lock(session)
    live = select(panel.c.panel_id).where(panel.c.panel_id == panel_id, panel.c.deleted_at.is_(None))
    if session.scalar(live) is None:
        raise NotFound("Panel not found. It may have been deleted.")
    if month not in month_starts(_today(host), MONTHS):
        raise Refused(f"Metrics can be entered for the last {MONTHS} months: select one in the table.")
    entry = latest(session, panel_id, month)
    if (entry.entry_id if entry else NO_ENTRY) != seen:
        raise Stale(_CHANGED)


def _entries(connection: Connection, panel_id: int, first: date) -> Mapping[date, Row[Any]]:
    last = select(func.max(_entry.entry_id)).where(_entry.panel_id == panel_id, _entry.month >= first)
    query = select(panel_metrics).where(_entry.entry_id.in_(last.group_by(_entry.month)))
    return {row.month: row for row in connection.execute(query)}


def counts_of(row: Row[Any]) -> RegistryCounts:
    """What an entry says."""
    return RegistryCounts(row.received, row.attached, row.as_of)


def _today(host: Host) -> date:
    return host.clock.now().astimezone(host.clock.zone).date()
