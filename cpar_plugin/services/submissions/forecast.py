"""What would become of a panel's coming submission: in which night run, whether it would be held, and until when."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from ...domain.calendar import Calendar
from ...domain.dates import date_text
from ...domain.guard import SubmissionOutlook, WindowEnd, hold
from ...domain.panel_state import NOT_SUBMITTED
from ...hooks import Host
from ...settings import Settings
from ...store.tables import panel, submission
from ..snapshots.outlook import LastSent
from . import texts


@dataclass(frozen=True, slots=True)
class Forecast:
    """The coming submission, if it were prepared with the data of `rehearsed_at`.

    `run_on`: the night run that it goes with. `held`: why it would be held, and `window` what follows from that; both
    "" where it would be sent. `released`: the held submission that is released with it, which the guard lets pass.
    """

    panel_id: int
    panel_number: str
    rehearsed_at: datetime
    run_on: date
    last: LastSent | None
    outlook: SubmissionOutlook
    held: str
    window: str
    released: int | None
    ended: bool  # the panel has ended: it is not submitted


def forecast(
    connection: Connection,
    host: Host,
    settings: Settings,
    panel_id: int,
    last: LastSent | None,
    expected: SubmissionOutlook,
    now: datetime,
) -> Forecast:
    """What would become of a submission that is as expected: of the one asked for, or the next automatic one."""
    calendar = settings.calendar(host.clock.zone)
    row = connection.execute(
        select(panel.c.number, panel.c.state, submission.c.due_on, submission.c.releases)
        .outerjoin_from(panel, submission, submission.c.open_panel_id == panel.c.panel_id)
        .where(panel.c.panel_id == panel_id)
    ).one()
    automatic = calendar.next_automatic(now)
    run_on = automatic if row.due_on is None else min(row.due_on, automatic)
    limits, before = settings.guard_limits, last.before if last else None
    ended = row.state in NOT_SUBMITTED
    found = None if row.releases or ended else hold(before, expected, limits)
    held = texts.held(found, before, expected, limits) if found and before else ""
    return Forecast(
        panel_id=panel_id,
        panel_number=row.number,
        rehearsed_at=now,
        run_on=run_on,
        last=last,
        outlook=expected,
        held=held,
        window=window(calendar, settings, run_on) if held else "",
        released=row.releases,
        ended=ended,
    )


def window(calendar: Calendar, settings: Settings, run_on: date) -> str:
    """Until when what is held in a night run can be released for this month, and what happens then."""
    last = calendar.last_before_blackout(run_on)
    sends = settings.hold_window_end is WindowEnd.SEND
    if sends and run_on == last:
        return (
            f"That night run, on {date_text(last)}, is the last before the Blackout Period: the submission would be "
            "sent without a release."
        )
    end = (
        f"What is still held in the night run of {date_text(last)}, the last before the Blackout Period, is sent "
        "without a release."
        if sends
        else f"The night run of {date_text(last)} is the last before the Blackout Period: without a release nothing is "
        "sent for this month."
    )
    return f"It would be held in the night run of {date_text(run_on)} until someone releases it. {end}"
