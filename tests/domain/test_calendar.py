"""The calendar, held against a second statement of the rules: lists of nights instead of arithmetic."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.calendar import RETRY_FOR, Calendar
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.settings import Settings

EDMONTON = ZoneInfo("America/Edmonton")
FIRST, LAST = date(2025, 1, 1), date(2034, 12, 31)
DATES = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
TIMES = [
    time(0, 0),
    time(1, 30),
    time(3, 14, 59, 999999),
    time(3, 15),
    time(5, 59, 59),
    time(6, 0),
    time(12),
    time(23, 59),
]


@dataclass(frozen=True)
class Rules:
    """The rules as a list of nights. `blackout` holds days of the month, a month's last day as -1."""

    night: time
    until: time
    automatic: int
    blackout: frozenset[int]

    def closed(self, day: date) -> bool:
        return day.day in self.blackout

    def next_night(self, local: datetime) -> date:
        """The first open night that starts after a civil time."""
        for ahead in range(40):
            day = local.date() + timedelta(days=ahead)
            if not self.closed(day) and datetime.combine(day, self.night) > local.replace(tzinfo=None):
                return day
        raise AssertionError("no open night in forty days")

    def to_make_up(self) -> Iterator[tuple[date, date | None]]:
        """Walk through the dates: which automatic date can each night still see to?"""
        waiting = None
        for day in DATES:
            if day.day == self.automatic:
                waiting = day
            if self.closed(day):
                waiting = None
            yield day, waiting


GUIDE = (Calendar(EDMONTON), Rules(time(3, 15), time(6), 7, frozenset(range(20, 32))))
RIVAL = (
    Calendar(
        ZoneInfo("America/Toronto"),
        night_run_at=time(21),
        catch_up_until=time(23, 30),
        automatic_day=15,
        blackout_first_day=22,
    ),
    Rules(time(21), time(23, 30), 15, frozenset(range(22, 32))),
)
EARLY = (
    Calendar(ZoneInfo("UTC"), automatic_day=28, blackout_first_day=1, blackout_last_day=5),
    Rules(time(3, 15), time(6), 28, frozenset(range(1, 6))),
)
each_calendar = pytest.mark.parametrize(("calendar", "rules"), [GUIDE, RIVAL, EARLY], ids=["guide", "rival", "early"])


@each_calendar
def test_every_date_of_ten_years_has_the_blackout_of_the_rules(calendar: Calendar, rules: Rules) -> None:
    assert [day for day in DATES if calendar.in_blackout(day)] == [day for day in DATES if rules.closed(day)]


@each_calendar
def test_an_automatic_date_can_be_made_up_until_the_next_blackout_on_every_date(
    calendar: Calendar, rules: Rules
) -> None:
    for day, waiting in rules.to_make_up():
        latest = calendar.automatic_dates(day - timedelta(days=32), day)[-1:]
        made_up = [automatic for automatic in latest if calendar.can_be_made_up(automatic, day)]
        assert made_up == ([waiting] if waiting else []), day


@each_calendar
def test_the_automatic_dates_of_any_span_are_those_with_the_automatic_day(calendar: Calendar, rules: Rules) -> None:
    automatic = [day for day in DATES if day.day == rules.automatic]
    assert calendar.automatic_dates(FIRST - timedelta(days=1), LAST) == automatic
    for begin in range(0, len(DATES) - 400, 7):
        for length in (0, 1, 6, 31, 59, 400):
            after, until = DATES[begin], DATES[begin + length]
            assert calendar.automatic_dates(after, until) == [day for day in automatic if after < day <= until]


@each_calendar
def test_a_request_goes_with_the_first_open_night_after_it_at_every_date_and_time(
    calendar: Calendar, rules: Rules
) -> None:
    for day in DATES:
        for at in TIMES:
            asked = datetime.combine(day, at, calendar.zone)
            assert calendar.run_date(asked) == rules.next_night(asked), asked


@each_calendar
def test_a_night_run_runs_in_its_window_and_at_no_other_time(calendar: Calendar, rules: Rules) -> None:
    for day in DATES:
        for at in TIMES:
            night = day if rules.night <= at < rules.until and not rules.closed(day) else None
            assert calendar.night_run_on(datetime.combine(day, at, calendar.zone)) == night, (day, at)


def clock_changes(zone: ZoneInfo) -> Iterator[date]:
    for day in DATES:
        noon = datetime.combine(day, time(12), zone)
        if noon.utcoffset() != (noon - timedelta(days=1)).astimezone(UTC).astimezone(zone).utcoffset():
            yield day


def test_around_every_clock_change_each_open_night_has_one_unbroken_window() -> None:
    calendar, rules = GUIDE
    changes = list(clock_changes(EDMONTON))
    assert len(changes) >= 2
    for change in changes:
        begin = datetime.combine(change - timedelta(days=2), time(12), EDMONTON).astimezone(UTC)
        ticks = [begin + timedelta(minutes=5 * n) for n in range(4 * 24 * 12)]
        nights = [calendar.night_run_on(tick) for tick in ticks]
        for night in {change - timedelta(days=1), change, change + timedelta(days=1)}:
            inside = [n for n, result in enumerate(nights) if result == night]
            if rules.closed(night):
                assert inside == []
            else:
                assert inside == list(range(inside[0], inside[0] + 33)), f"2 h 45 min in steps of 5 on {night}"


def test_every_hour_around_every_clock_change_a_request_goes_with_the_next_open_night() -> None:
    calendar, rules = GUIDE
    for change in clock_changes(EDMONTON):
        begin = datetime.combine(change - timedelta(days=1), time(0), EDMONTON).astimezone(UTC)
        for hours in range(72):
            asked = begin + timedelta(hours=hours)
            assert calendar.run_date(asked) == rules.next_night(asked.astimezone(EDMONTON)), asked


def test_a_quarter_past_three_exists_exactly_once_on_every_date_of_ten_years() -> None:
    calendar, _ = GUIDE
    for day in DATES:
        moment = calendar.moment(day, calendar.night_run_at)
        assert moment.tzinfo is UTC
        local = moment.astimezone(EDMONTON)
        assert (local.date(), local.time()) == (day, time(3, 15))
        twin = datetime.combine(day, time(3, 15), EDMONTON)
        assert twin.utcoffset() == twin.replace(fold=1).utcoffset(), day


def test_what_is_requested_on_the_19th_in_daytime_goes_on_the_1st() -> None:
    calendar, _ = GUIDE
    assert calendar.run_date(datetime(2026, 11, 19, 10, tzinfo=EDMONTON)) == date(2026, 12, 1)
    assert calendar.run_date(datetime(2026, 11, 19, 3, tzinfo=EDMONTON)) == date(2026, 11, 19)
    assert calendar.run_date(datetime(2026, 12, 31, 23, tzinfo=EDMONTON)) == date(2027, 1, 1)


def test_today_is_the_date_of_the_clinic_not_of_utc() -> None:
    calendar, _ = GUIDE
    assert calendar.today(datetime(2026, 11, 11, 5, tzinfo=UTC)) == date(2026, 11, 10)


first_attempts = st.builds(lambda day, at: datetime.combine(day, at, EDMONTON), st.sampled_from(DATES), st.times())


@given(first=first_attempts, attempts=st.integers(1, 40), later=st.timedeltas(timedelta(0), timedelta(days=3)))
def test_a_retry_comes_later_within_a_day_of_the_first_attempt_and_never_in_the_blackout(
    first: datetime, attempts: int, later: timedelta
) -> None:
    calendar, rules = GUIDE
    now = first.astimezone(UTC) + later
    again = calendar.next_attempt(first, attempts, now)
    pause = timedelta(minutes=[1, 5, 15, 30, 60, 120, 240, 480][min(attempts, 8) - 1])
    allowed = now + pause <= first + RETRY_FOR and not rules.closed((now + pause).astimezone(EDMONTON).date())
    assert again == (now + pause if allowed else None)


@given(first=first_attempts)
def test_retries_end_and_their_pauses_grow(first: datetime) -> None:
    calendar, _ = GUIDE
    moments = [first.astimezone(UTC)]
    while (again := calendar.next_attempt(first, len(moments), moments[-1])) is not None:
        moments.append(again)
        assert len(moments) < 20
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert pauses == sorted(pauses)
    assert moments[-1] - moments[0] <= timedelta(days=1)


days = st.integers(-3, 40)


@given(automatic=days, first=days, last=days)
def test_a_calendar_is_refused_exactly_when_its_days_contradict_each_other(
    automatic: int, first: int, last: int
) -> None:
    possible = (
        all(1 <= day <= 31 for day in (automatic, first, last))
        and automatic <= 28
        and first <= last
        and not first <= automatic <= last
    )
    settings = Settings(automatic_day=automatic, blackout_first_day=first, blackout_last_day=last)
    if possible:
        calendar = settings.calendar(EDMONTON)
        assert calendar.run_date(datetime(2026, 2, 1, tzinfo=EDMONTON)).year == 2026
    else:
        with pytest.raises(Refused, match="Calendar"):
            settings.calendar(EDMONTON)


def test_a_catch_up_that_ends_before_the_night_run_is_refused() -> None:
    with pytest.raises(Refused, match="catch-up"):
        Calendar(EDMONTON, night_run_at=time(6), catch_up_until=time(6))


def test_an_attempt_exactly_a_day_after_the_first_is_the_last_that_is_allowed() -> None:
    calendar, _ = GUIDE
    first = datetime(2026, 11, 7, 11, tzinfo=UTC)
    assert calendar.next_attempt(first, 8, first + timedelta(hours=16)) == first + timedelta(hours=24)
    assert calendar.next_attempt(first, 8, first + timedelta(hours=16, microseconds=1)) is None


@pytest.mark.parametrize(
    ("now", "night"),
    [
        ("2026-11-10T06:00", date(2026, 11, 10)),
        ("2026-11-10T05:59", date(2026, 11, 9)),
        ("2026-11-25T10:00", date(2026, 11, 19)),
        ("2026-12-01T05:00", date(2026, 11, 19)),
        ("2026-12-01T06:00", date(2026, 12, 1)),
    ],
)
def test_the_latest_night_run_that_is_over_lies_outside_the_blackout(now: str, night: date) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=EDMONTON)
    assert Calendar(zone=EDMONTON).last_night(moment) == night
