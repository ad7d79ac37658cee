"""`domain.birth.birth_date` in SQL."""

from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, func, or_

_DAYS_OF_YEAR = tuple(f"{date(2001, 1, 1) + timedelta(days):%m-%d}" for days in range(365))
_LEAP = tuple(f"{year:02}" for year in range(4, 100, 4))


def is_calendar_date(text: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the text is the ISO date of a day that the calendar has; NULL for NULL.

    Compared as text throughout: a cast of what is no number is an error on some databases. Use a plain column:
    it looks at the text a dozen times.
    """

    def part(first: int, length: int) -> ColumnElement[str]:
        return func.substr(text, first, length)

    century, year_of_century, day = part(1, 2), part(3, 2), part(6, 5)
    leap = or_(year_of_century.in_(_LEAP), and_(year_of_century == "00", century.in_(_LEAP)))
    return and_(
        func.length(text) == 10,
        *(part(place, 1).between("0", "9") for place in (1, 2, 3, 4)),
        text > "0001",
        part(5, 1) == "-",
        or_(day.in_(_DAYS_OF_YEAR), and_(day == "02-29", leap)),
    )
