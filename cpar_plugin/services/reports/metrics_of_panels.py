"""What the registry last counted of each panel, beside what was submitted in that month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, and_, func, or_, select

from ...domain.bands import month_starts
from ...domain.metrics import MONTHS, RegistryCounts
from ...hooks import Host
from ...store.tables import panel, panel_metrics, snapshot, submission
from .metrics import counts_of
from .metrics_explained import ARRIVED

_entry = panel_metrics.c


@dataclass(frozen=True, slots=True)
class PanelMetrics:
    """The last month of a panel for which there are counts. `sent`: with its last submission that arrived."""

    panel_id: int
    number: str
    month: date
    sent: int | None
    counts: RegistryCounts

    @property
    def not_attached(self) -> int | None:
        """Of those sent; negative where more are attached. None unless both are known."""
        known = self.sent is not None and self.counts.attached is not None
        return (self.sent or 0) - (self.counts.attached or 0) if known else None


def last_counts(connection: Connection, host: Host) -> Sequence[PanelMetrics]:
    """Of each live panel that has counts in the last months, by number. Two statements, whatever the panels."""
    first = month_starts(host.clock.now().astimezone(host.clock.zone).date(), MONTHS)[0]
    holding = select(func.max(_entry.entry_id)).where(_entry.month >= first).group_by(_entry.panel_id, _entry.month)
    present = or_(_entry.received.is_not(None), _entry.attached.is_not(None))
    query = (
        select(panel_metrics, panel.c.number)
        .join(panel, and_(panel.c.panel_id == _entry.panel_id, panel.c.deleted_at.is_(None)))
        .where(_entry.entry_id.in_(holding), present)
        .order_by(panel.c.number, _entry.month)
    )
    last = {row.panel_id: row for row in connection.execute(query)}
    sent = _sent(connection, first) if last else {}
    return [
        PanelMetrics(panel_id, row.number, row.month, sent.get((panel_id, row.month)), counts_of(row))
        for panel_id, row in last.items()
    ]


def _sent(connection: Connection, first: date) -> dict[tuple[int, date], int]:
    query = (
        select(submission.c.panel_id, submission.c.due_on, snapshot.c.sent)
        .join_from(submission, snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id)
        .where(ARRIVED, submission.c.due_on >= first)
        .order_by(submission.c.due_on, submission.c.submission_id)
    )
    return {(panel_id, due_on.replace(day=1)): sent for panel_id, due_on, sent in connection.execute(query)}
