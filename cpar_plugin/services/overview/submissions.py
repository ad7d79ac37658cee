"""What arrived with the latest submissions: how many members were sent, and how many were excluded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select

from ...domain.submission import SubmissionState
from ...store.tables import snapshot, submission

NIGHTS = 12
_ARRIVED = submission.c.state.in_((SubmissionState.DELIVERED, SubmissionState.WRITTEN))


@dataclass(frozen=True, slots=True)
class Night:
    """The submissions of one night that were delivered or written: of one panel, or of all together."""

    due_on: date
    panels: int
    sent: int
    excluded: int


def nights(connection: Connection, panel_id: int | None) -> Sequence[Night]:
    """The last nights with submissions that arrived, the latest last. One statement."""
    of_panel = () if panel_id is None else (submission.c.panel_id == panel_id,)
    rows = connection.execute(
        select(
            submission.c.due_on,
            func.count(submission.c.panel_id.distinct()),
            func.sum(snapshot.c.sent),
            func.sum(snapshot.c.excluded),
        )
        .select_from(submission.join(snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id))
        .where(_ARRIVED, *of_panel)
        .group_by(submission.c.due_on)
        .order_by(submission.c.due_on.desc())
        .limit(NIGHTS)
    ).all()
    return [Night(due_on, panels, int(sent), int(excluded)) for due_on, panels, sent, excluded in reversed(rows)]
