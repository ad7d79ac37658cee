"""When submissions go: the night run, the automatic day, the blackout, catch-up and retries.

Every question is answered in civil dates and times of the clinic's zone. Source: the user guide (the 7th, the blackout
from the 20th to the 1st); the vendors disagree on the days, so all of them are settings.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .refusals import Refused

RETRY_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240, 480))
RETRY_FOR = timedelta(days=1)
_LAST_DAY = 31


def last_attempt(next_attempt_at: datetime, attempts: int) -> datetime:
    """When the `attempts`-th attempt of a submission ended, whose next one is due then."""
    return next_attempt_at - _pause(attempts)


def _pause(attempts: int) -> timedelta:
    return RETRY_PAUSES[min(attempts, len(RETRY_PAUSES)) - 1]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The calendar of one clinic. Days are days of the month; 31 means the month's last day.

    Raises Refused for days that leave no night to send in, or an automatic day inside the blackout.
    """

    zone: ZoneInfo
    night_run_at: time = time(3, 15)
    catch_up_until: time = time(6, 0)
    automatic_day: int = 7
    blackout_first_day: int = 20
    blackout_last_day: int = _LAST_DAY

    def __post_init__(self) -> None:
        days = (self.automatic_day, self.blackout_first_day, self.blackout_last_day)
        if not all(1 <= day <= _LAST_DAY for day in days) or self.automatic_day > 28:
            raise Refused("Calendar: days must be 1 to 31, the automatic date 1 to 28.")
        if self.blackout_first_day > self.blackout_last_day:
            raise Refused(
                "Calendar: the blackout must start after the day it ends on; it crosses the end of the month."
            )
        if self.blackout_first_day <= self.automatic_day <= self.blackout_last_day:
            raise Refused("Calendar: the automatic date is within the blackout.")
        if not self.night_run_at < self.catch_up_until:
            raise Refused("Calendar: the catch-up must end after the time of the night run.")

    def today(self, now: datetime) -> date:
        """The clinic's civil date at an aware moment."""
        return now.astimezone(self.zone).date()

    def in_blackout(self, day: date) -> bool:
        """Whether nothing may be sent on this date."""
        return self.blackout_first_day <= day.day <= self.blackout_last_day

    def is_last_before_blackout(self, day: date) -> bool:
        """Whether nothing may be sent any more on the day after."""
        return not self.in_blackout(day) and self.in_blackout(day + timedelta(days=1))

    def last_before_blackout(self, day: date) -> date:
        """The last date from `day` on whose night run is before the next blackout. `day` is outside of it."""
        while not self.is_last_before_blackout(day):
            day += timedelta(days=1)
        return day

    def night_run_on(self, now: datetime) -> date | None:
        """The date whose night run may run at this moment, catch-up included; None outside of it."""
        local = now.astimezone(self.zone)
        day = local.date()
        in_time = self.night_run_at <= local.time().replace(tzinfo=None) < self.catch_up_until
        return day if in_time and not self.in_blackout(day) else None

    def last_night(self, now: datetime) -> date:
        """The latest date outside the blackout whose night run, catch-up included, is over at this moment."""
        local = now.astimezone(self.zone)
        day = local.date()
        if local.time() < self.catch_up_until:
            day -= timedelta(days=1)
        while self.in_blackout(day):
            day -= timedelta(days=1)
        return day

    def run_date(self, requested_at: datetime) -> date:
        """The date of the first night run after this moment that is outside the blackout."""
        local = requested_at.astimezone(self.zone)
        day = local.date()
        if local.time() >= self.night_run_at:
            day += timedelta(days=1)
        while self.in_blackout(day):
            day += timedelta(days=1)
        return day

    def automatic_dates(self, after: date, until: date) -> list[date]:
        """The automatic dates later than `after`, up to and including `until`."""
        months = range(after.year * 12 + after.month - 1, until.year * 12 + until.month)
        dates = (date(month // 12, month % 12 + 1, self.automatic_day) for month in months)
        return [day for day in dates if after < day <= until]

    def next_automatic(self, now: datetime) -> date:
        """The next automatic date whose night run has not begun at this moment."""
        local = now.astimezone(self.zone)
        last = local.date() - timedelta(days=local.time() < self.night_run_at)
        return self.automatic_dates(last, last + timedelta(days=2 * _LAST_DAY))[0]

    def can_be_made_up(self, automatic: date, day: date) -> bool:
        """Whether the night run of `day` may still run an earlier automatic date: no blackout has begun since."""
        days = range((day - automatic).days + 1)
        return not any(self.in_blackout(automatic + timedelta(days=passed)) for passed in days)

    def moment(self, day: date, at: time) -> datetime:
        """The UTC moment of a civil time of the clinic."""
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def next_attempt(self, first_attempt_at: datetime, attempts: int, now: datetime) -> datetime | None:
        """When a submission that failed for the `attempts`-th time is tried again; None when it has failed for good.

        The pauses grow; the last attempt is within a day of the first and never in the blackout.
        """
        at = now + _pause(attempts)
        late = at - first_attempt_at > RETRY_FOR
        return None if late or self.in_blackout(self.today(at)) else at
