"""Dates of health care coverage, which most records of a clinic do not have."""

from datetime import date, timedelta

from .people import Row

_EVERY = 50  # of so many patients one has each of these, by number: no draw, so that all else remains as it is


def enter(row: Row, number: int, as_of: date) -> None:
    """Enter the dates of a patient's coverage, where the record has any."""
    place, far = number % _EVERY, number // _EVERY
    start, end = as_of - timedelta(days=2000 - number % 300), as_of + timedelta(days=400 + number % 900)
    match place:
        case 11:  # ended
            row.update(eff_date=str(start), hc_renew_date=str(as_of - timedelta(days=1 + far % 200)))
        case 23:  # ends soon
            row.update(eff_date=str(start), hc_renew_date=str(as_of + timedelta(days=far % 30)))
        case 37:  # begins later
            row.update(eff_date=str(as_of + timedelta(days=5 + far % 60)))
        case 41:  # as programs write it
            row.update(hc_renew_date="9999-12-31")
        case _ if number % 4 == 0:
            row.update(eff_date=str(start), hc_renew_date=str(end))
