"""When the registry learns of a change of a panel: it is told nothing but the next list."""

from datetime import date

from sqlalchemy import Connection, select

from ...domain.submission import SubmissionState
from ...hooks import Host
from ...settings import Settings
from ...store.tables import submission


def learned_on(connection: Connection, host: Host, settings: Settings, panel_id: int) -> date:
    """The civil date of the panel's next submission: the one that is queued, else the automatic one."""
    automatic = settings.calendar(host.clock.zone).next_automatic(host.clock.now())
    which = (submission.c.open_panel_id == panel_id, submission.c.state == SubmissionState.QUEUED)
    queued: date | None = connection.scalar(select(submission.c.due_on).where(*which))
    return min(automatic, queued) if queued else automatic
