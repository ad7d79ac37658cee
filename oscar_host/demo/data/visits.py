"""Invented appointments, as rows of `appointment`."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import count

from .draw import Draw
from .mess import AttendanceFlaw
from .people import Person, Row
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
_When = tuple[str, str | None, str]  # the day, the status, and the day of the last change
_Particulars = tuple[str | None, str | None, str, str, str, bool]

_DAYS_BACK = 5 * 365
_FURTHEST = _DAYS_BACK + 4 * 365  # of someone who left four years ago
_DAYS_AHEAD = 90
_DIFFERENT = 5000  # particulars drawn beforehand: to draw all for each visit takes twice as long
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


def _weighted(shares: Mapping[str | None, int]) -> tuple[str | None, ...]:
    return tuple(status for status, share in shares.items() for _ in range(share))


_PAST_STATUSES = _weighted(_ATTENDED | _MISSED)
_MISSED_STATUSES = _weighted(_MISSED)
_AHEAD_STATUSES = _weighted(_AHEAD)
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
    "📞 rather than email",
)


class Diary:
    """Makes appointments, numbered from 1, around the as-of date."""

    def __init__(self, draw: Draw, as_of: date) -> None:
        self._draw = draw
        self._numbers = count(1)
        self._today = str(as_of)
        self._back = [_open_day(as_of - timedelta(days=days), as_of) for days in range(_FURTHEST + 1)]
        self._ahead = [_open_day(as_of + timedelta(days=days), date.max) for days in range(1, _DAYS_AHEAD + 1)]
        self._particulars = [_particulars(draw) for _ in range(_DIFFERENT)]

    def visits(self, person: Person, attendance: AttendanceFlaw | None) -> list[Visit]:
        """The appointments of one patient: about five, now and then one of them still to come."""
        if attendance is AttendanceFlaw.NEVER:
            return []
        draw = self._draw
        if attendance is AttendanceFlaw.ONLY_IN_FUTURE:
            return self._rows(person.row, [] if person.gone else [self._one_ahead() for _ in range(1 + draw.below(2))])
        statuses = _MISSED_STATUSES if attendance is AttendanceFlaw.ONLY_MISSED else _PAST_STATUSES
        day_span = min(max(person.born - person.gone, 0), _DAYS_BACK)
        appointments = []
        for _ in range(draw.pick(_HOW_MANY)):
            days = person.gone + int(day_span * draw.roll() ** 2)  # the square: more of late than long ago
            day = self._back[days]
            appointments.append((day, draw.pick(statuses), day))
        if not person.gone and draw.chance(0.25):
            appointments.append(self._one_ahead())
        return self._rows(person.row, appointments)

    def meeting(self) -> Visit:
        """An entry in the appointments that is no one's: OSCAR gives it the patient 0."""
        staff_entry: Row = {"provider_no": None, "last_name": ".Staff", "first_name": "meeting", "demographic_no": 0}
        return self._rows(staff_entry, [self._one_ahead()])[0]

    def _one_ahead(self) -> _When:
        return self._draw.pick(self._ahead), self._draw.pick(_AHEAD_STATUSES), self._today

    def _rows(self, patient: Row, appointments: list[_When]) -> list[Visit]:
        number, pick, particulars = patient["demographic_no"], self._draw.pick, self._particulars
        name = f"{patient['last_name']},{patient['first_name']}"[:50]
        own_doctor = patient["provider_no"] if patient["provider_no"] in DOCTORS else None
        rows: list[Visit] = []
        for day, status, changed_on in appointments:
            start, end, note, reason, other_doctor, with_own = pick(particulars)
            doctor = own_doctor if own_doctor and with_own else other_doctor
            changed = f"{changed_on} {start or '08:00:00'}"
            rows.append((next(self._numbers), doctor, day, start, end, name, number, note, reason, status, changed))
        return rows


def _particulars(draw: Draw) -> _Particulars:
    """Alike for every patient: start, end, note, reason, a colleague, and whether the own doctor sees them."""
    start, end = _NO_TIME if draw.chance(0.005) else draw.pick(_TIMES)
    roll = draw.below(1000)
    note = "" if roll > 50 else draw.pick(_EMOJI_NOTES if roll < 4 else _NOTES)
    return start, end, note, draw.pick(_REASONS), draw.pick(_SEEN_BY), draw.chance(0.75)


def _open_day(day: date, latest: date) -> str:
    """The day itself, or the Monday after a weekend; never later than `latest`."""
    monday = day + timedelta(days=7 - day.weekday())
    return str(monday if day.weekday() >= _SATURDAY and monday <= latest else day)
