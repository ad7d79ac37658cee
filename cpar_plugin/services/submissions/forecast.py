"""What would become of a panel's coming submission: in which night run, whether it would be held, and until when."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import assert_never

from sqlalchemy import Connection, select

from ...domain.calendar import Calendar
from ...domain.dates import date_text
from ...domain.guard import HoldCause, SubmissionOutlook, WindowEnd, hold
from ...domain.panel_state import NOT_SUBMITTED
from ...hooks import Host
from ...settings import Settings
from ...store.tables import panel, submission
from ..snapshots.outlook import LastSent
from . import history, texts
from .history import Submission


@dataclass(frozen=True, slots=True)
class Forecast:
    """The coming submission, if it were prepared with the data of `rehearsed_at`.

    `run_on`: the night run that it goes with. `held`: why it would be held, "" where it would be sent; `window`: until
    when it, or the one that is held, can be released. `released`: the held submission that is released with it, which
    the guard lets pass.
    """

    panel_id: int
    panel_number: str
    rehearsed_at: datetime
    run_on: date
    last: LastSent | None
    outlook: SubmissionOutlook
    held: str
    cause: HoldCause | None  # of `held`
    window: str
    released: int | None
    ended: bool  # the panel has ended: it is not submitted
    holding: Submission | None  # the panel's latest submission, where it is held and can be released


def forecast(
    connection: Connection,
    host: Host,
    settings: Settings,
    panel_id: int,
    last: LastSent | None,
    expected: SubmissionOutlook,
    now: datetime,
) -> Forecast:
    """What would become of a submission that is as expected: of the one asked for, the release of the one that is held,
    or the next automatic one.
    """
    calendar = settings.calendar(host.clock.zone)
    row = connection.execute(
        select(panel.c.number, panel.c.state, submission.c.due_on, submission.c.releases)
        .outerjoin_from(panel, submission, submission.c.open_panel_id == panel.c.panel_id)
        .where(panel.c.panel_id == panel_id)
    ).one()
    latest = next(iter(history.history_page(connection, host, panel_id=panel_id, limit=1).submissions), None)
    holding = latest if latest is not None and latest.may_release else None
    run_on = calendar.next_automatic(now)
    if row.due_on is not None or holding is not None:
        run_on = min(run_on, row.due_on or calendar.run_date(now))
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
        cause=found.cause if held and found else None,
        window=_end_of_window(calendar, settings, run_on)
        if holding
        else window(calendar, settings, run_on)
        if held
        else "",
        released=row.releases,
        ended=ended,
        holding=holding,
    )


def window(calendar: Calendar, settings: Settings, run_on: date) -> str:
    """Until when what is held in a night run can be released for this month, and what happens then."""
    if settings.hold_window_end is WindowEnd.SEND and calendar.is_last_before_blackout(run_on):
        return (
            f"That night run, on {date_text(run_on)}, is the last before the Blackout Period: the submission would be "
            "sent without a release."
        )
    end = _end_of_window(calendar, settings, run_on)
    return f"It would be held in the night run of {date_text(run_on)} until someone releases it. {end}"


def _end_of_window(calendar: Calendar, settings: Settings, night: date) -> str:
    last = date_text(calendar.last_before_blackout(night))
    match settings.hold_window_end:
        case WindowEnd.SEND:
            return (
                f"What is still held in the night run of {last}, the last before the Blackout Period, is sent without "
                "a release."
            )
        case WindowEnd.HOLD:
            return (
                f"The night run of {last} is the last before the Blackout Period: without a release nothing is sent "
                "for this month."
            )
        case _:
            assert_never(settings.hold_window_end)
