"""When the registry learns that a patient was removed from a panel: it is told nothing but the panel's next list."""

from datetime import date

from sqlalchemy import Connection, exists, select

from ...domain.submission import SubmissionState
from ...hooks import Host
from ...settings import Settings
from ...store.tables import member, submission


def learned_on(connection: Connection, host: Host, settings: Settings, panel_id: int, patient_id: int) -> date | None:
    """The civil date of the panel's next submission: the one that is queued, else the automatic one. One statement.

    None where no one else is on the panel: an empty one is not submitted.
    """
    which = (submission.c.open_panel_id == panel_id, submission.c.state == SubmissionState.QUEUED)
    queued_on = select(submission.c.due_on).where(*which).scalar_subquery()
    has_others = exists().where(member.c.panel_id == panel_id, member.c.patient_id != patient_id)
    queued, others = connection.execute(select(queued_on, has_others)).one()
    if not others:
        return None
    automatic = settings.calendar(host.clock.zone).next_automatic(host.clock.now())
    return min(automatic, queued) if queued else automatic
