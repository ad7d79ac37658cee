"""`domain.birth.birth_date` in SQL."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, String, and_, case, func, literal_column, or_


def _written(value: str | int) -> ColumnElement[Any]:
    """A few digits of ours, written into the SQL: a statement with fewer parameters is put together and sent sooner."""
    return literal_column(repr(value), String() if isinstance(value, str) else Integer())


_LEAP: Final = [_written(f"{year:02}") for year in range(4, 100, 4)]
_MONTHS: Final = [_written(f"{month:02}") for month in range(1, 13)]
_LONG_MONTHS: Final = [_written(f"{month:02}") for month in (1, 3, 5, 7, 8, 10, 12)]
_DAYS: Final = [_written(f"{day:02}") for day in range(1, 29)]  # that every month has
_FEBRUARY, _HYPHEN, _ZERO, _NINE = _written("02"), _written("-"), _written("0"), _written("9")


def is_calendar_date(text: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the text is the ISO date of a day that the calendar has; NULL for NULL.

    Compared as text throughout: a cast of what is no number is an error on some databases. Use a plain column:
    it looks at the text a dozen times.
    """

    def part(first: int, length: int) -> ColumnElement[str]:
        return func.substr(text, _written(first), _written(length))

    century, year_of_century, month, day = part(1, 2), part(3, 2), part(6, 2), part(9, 2)
    leap = or_(year_of_century.in_(_LEAP), and_(year_of_century == _written("00"), century.in_(_LEAP)))
    return and_(
        func.length(text) == _written(10),
        *(part(place, 1).between(_ZERO, _NINE) for place in (1, 2, 3, 4)),
        text > _written("0001"),
        part(5, 1) == _HYPHEN,
        part(8, 1) == _HYPHEN,
        month.in_(_MONTHS),
        or_(
            day.in_(_DAYS),
            case(
                (month == _FEBRUARY, and_(day == _written("29"), leap)),
                else_=or_(
                    day.in_([_written("29"), _written("30")]), and_(day == _written("31"), month.in_(_LONG_MONTHS))
                ),
            ),
        ),
    )
