"""Invented appointments, as rows of `appointment`."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import count

from .draw import Draw
from .mess import Attendance
from .people import Person
from .staff import DOCTORS, NURSE

COLUMNS = (
    "appointment_no",
    "provider_no",
    "appointment_date",
    "start_time",
    "end_time",
    "name",
    "demographic_no",
    "notes",
    "reason",
    "status",
    "updatedatetime",
)
Visit = tuple[str | int | None, ...]

_DAYS_BACK = 5 * 365
_FURTHEST = _DAYS_BACK + 4 * 365  # of somebody who left four years ago
_DAYS_AHEAD = 90
_SATURDAY = 5

# Each status as often as it is met. First letters: B billed, H here, P picked, E empty room, t to do, T printed, h and
# a to f the clinic's own (c too), C cancelled, N no show, D deleted; the second letter is S for signed, V for verified.
_MISSED: dict[str | None, int] = {"C": 5, "CS": 1, "CV": 1, "N": 3, "NS": 1, "NV": 1, "D": 1}
_ATTENDED: dict[str | None, int] = {
    "B": 46,
    "BS": 8,
    "BV": 6,
    "H": 2,
    "HS": 1,
    "P": 2,
    "PS": 1,
    "E": 1,
    "ES": 1,
    "t": 4,
    "T": 2,
    "h": 2,
}
_ATTENDED |= {"a": 1, "b": 1, "c": 3, "d": 1, "e": 1, "f": 1, "": 1, None: 1}
_AHEAD: dict[str | None, int] = {"t": 9, "T": 2, "h": 4, "C": 2, "c": 1, "a": 1, "tS": 1}


def _as_often(shares: Mapping[str | None, int]) -> tuple[str | None, ...]:
    return tuple(status for status, share in shares.items() for _ in range(share))


_PAST_STATUSES = _as_often(_ATTENDED | _MISSED)
_MISSED_STATUSES = _as_often(_MISSED)
_AHEAD_STATUSES = _as_often(_AHEAD)
_HOW_MANY = (1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8, 10, 13)

_TIMES = [
    (f"{hour:02d}:{minute:02d}:00", f"{hour:02d}:{minute + 14:02d}:00")
    for hour in range(8, 17)
    for minute in (0, 15, 30, 45)
]
_NO_TIME = (None, None)
_SEEN_BY = (*DOCTORS, NURSE)
_REASONS = (
    "",
    "",
    "Follow-up",
    "Follow-up",
    "Prescription",
    "Periodic health visit",
    "Results",
    "Forms",
    "Vaccination",
)
_NOTES = ("Prefers mornings", "Call before 3 pm", "Wheelchair: room 2", "Interpreter needed", "Brings a support person")
_EMOJI_NOTES = (
    "Loves to chat 😀",
    "Guide dog 🐕 comes along",
    "New baby 👶🏽!",
    "Family 👨‍👩‍👧‍👦 visit",
    "📞 rather than e-mail",
)


class Diary:
    """Makes appointments, numbered from 1, around the as-of date."""

    def __init__(self, draw: Draw, as_of: date) -> None:
        self._draw = draw
        self._numbers = count(1)
        self._today = str(as_of)
        self._back = [_open_day(as_of - timedelta(days=days), as_of) for days in range(_FURTHEST + 1)]
        self._ahead = [_open_day(as_of + timedelta(days=days), date.max) for days in range(1, _DAYS_AHEAD + 1)]

    def visits(self, person: Person, attendance: Attendance | None) -> list[Visit]:
        """The appointments of one patient: about five, now and then one of them still to come."""
        draw = self._draw
        if attendance is Attendance.NEVER:
            return []
        if attendance is Attendance.ONLY_IN_FUTURE:
            return [self._ahead_of(person) for _ in range(1 + draw.below(2))]
        statuses = _MISSED_STATUSES if attendance is Attendance.ONLY_MISSED else _PAST_STATUSES
        made = [self._past(person, draw.pick(statuses)) for _ in range(draw.pick(_HOW_MANY))]
        if not person.gone and draw.chance(0.25):
            made.append(self._ahead_of(person))
        return made

    def _past(self, person: Person, status: str | None) -> Visit:
        reach = min(max(person.born - person.gone, 0), _DAYS_BACK)
        days = person.gone + int(reach * self._draw.roll() ** 2)  # the square: more of late than long ago
        day = self._back[min(days, _FURTHEST)]
        return self._row(person, day, status, changed_on=day)

    def _ahead_of(self, person: Person) -> Visit:
        draw = self._draw
        return self._row(person, draw.pick(self._ahead), draw.pick(_AHEAD_STATUSES), changed_on=self._today)

    def _row(self, person: Person, day: str, status: str | None, changed_on: str) -> Visit:
        draw = self._draw
        row = person.row
        mrp = row["provider_no"]
        seen_by = mrp if mrp in DOCTORS and draw.chance(0.75) else draw.pick(_SEEN_BY)
        start, end = _NO_TIME if draw.chance(0.005) else draw.pick(_TIMES)
        lot = draw.below(1000)
        return (
            next(self._numbers),
            seen_by,
            day,
            start,
            end,
            f"{row['last_name']},{row['first_name']}"[:50],
            row["demographic_no"],
            "" if lot > 50 else draw.pick(_EMOJI_NOTES if lot < 4 else _NOTES),
            draw.pick(_REASONS),
            status,
            f"{changed_on} {start or '08:00:00'}",
        )


def _open_day(day: date, latest: date) -> str:
    """The day itself, or the Monday after a weekend; never later than `latest`."""
    monday = day + timedelta(days=7 - day.weekday())
    return str(monday if day.weekday() >= _SATURDAY and monday <= latest else day)
