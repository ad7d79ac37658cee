"""What comes with the state of a panel: who may change it, and the requests that an end calls off."""

from datetime import datetime
from typing import Final

from sqlalchemy import update
from sqlalchemy.orm import Session

from ...domain.panel_state import PanelState
from ...domain.submission import SubmissionState
from ...hooks import Actor, Host
from ...store.tables import submission
from ..operations import access
from ..operations.lease import RELEASED

_REOPEN: Final = "Only an EMR administrator can reopen a panel that has ended. Ask someone with the admin role."


def require_allowed(host: Host, actor: Actor, before: PanelState, after: PanelState) -> None:
    """Raises Forbidden for a panel that has ended and is to be reopened by someone who is no administrator."""
    if before is PanelState.ENDED and after is not PanelState.ENDED:
        access.require_administrator(host, actor, _REOPEN)


def cancel_requests(session: Session, panel_id: int, now: datetime, why: str) -> None:
    """Cancel what is queued for a panel, in words that people read. A submission under way finishes."""
    session.execute(
        update(submission)
        .where(submission.c.panel_id == panel_id, submission.c.state.in_([SubmissionState.QUEUED, SubmissionState.DUE]))
        .values(state=SubmissionState.CANCELLED, open_panel_id=None, finished_at=now, failure=why, **RELEASED)
    )
