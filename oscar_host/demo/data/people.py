"""Invented patients as rows of `demographic`."""

from datetime import date, timedelta
from typing import NamedTuple

from . import names
from .draw import Draw
from .staff import DOCTORS, SYSTEM

Row = dict[str, str | int | None]

_MRPS = [doctor for doctor, share in zip(DOCTORS, (6, 5, 4, 3, 2, 1), strict=True) for _ in range(share)]
# Each age as often as it is met: evenly until 65, then ever fewer.
_AGES = [age for age in range(101) for _ in range(12 if age < 65 else max(1, (102 - age) // 3))]
_POSTAL_LETTERS = "ABCEGHJKLMNPRSTVWXYZ"
_TWO_DIGITS = [f"{number:02d}" for number in range(100)]


class Person(NamedTuple):
    """A row of `demographic`, with what the visits depend on: days counted back from the as-of date."""

    row: Row
    born: int  # of the true birth date, whatever the row says
    gone: int = 0  # the last contact of someone who no longer comes


def person(draw: Draw, number: int, phn: str, as_of: date) -> Person:
    """An active patient of one of the doctors, with nothing wrong. The keys of every row are the same, in one order."""
    female = draw.chance(0.51)
    given_name = draw.pick(names.FEMALE if female else names.MALE)
    family = draw.pick(names.FAMILY)
    if draw.chance(0.05):
        given_name, family = given_name.upper(), family.upper()
    born = int((draw.pick(_AGES) + draw.roll()) * 365.2425)
    birth_date = as_of - timedelta(days=born)
    postal = draw.below(10**6)
    row: Row = {
        "demographic_no": number,
        "last_name": family,
        "first_name": given_name,
        "middleNames": draw.pick(names.FEMALE if female else names.MALE) if draw.chance(0.3) else "",
        "alias": "",
        "pref_name": draw.pick(names.FEMALE if female else names.MALE) if draw.chance(0.05) else "",
        "year_of_birth": str(birth_date.year),
        "month_of_birth": _TWO_DIGITS[birth_date.month],
        "date_of_birth": _TWO_DIGITS[birth_date.day],
        "sex": "F" if female else "M",
        "hin": f"{phn[:5]}-{phn[5:]}" if draw.chance(0.02) else phn,
        "ver": "",
        "hc_type": "AB" if draw.chance(0.97) else None,
        "eff_date": None,
        "hc_renew_date": None,
        "provider_no": draw.pick(_MRPS),
        "roster_status": "",
        "patient_status": "AC",
        "patient_status_date": None,
        "chart_no": str(10_000 + number),
        "address": f"{1 + draw.below(9000)} {draw.pick(names.STREETS)}",
        "city": draw.pick(names.TOWNS),
        "province": "AB",
        "postal": f"T{postal % 10}{_POSTAL_LETTERS[postal // 10 % 20]} {postal // 1000 % 10}"
        f"{_POSTAL_LETTERS[postal // 10_000 % 20]}{postal // 100 % 10}",
        "phone": f"{draw.pick(('403', '587', '780', '825'))}-555-01{_TWO_DIGITS[draw.below(100)]}",
        "phone2": "",
        "email": f"patient{number}@example.com" if draw.chance(0.6) else "",
        "lastUpdateUser": SYSTEM,
        "lastUpdateDate": f"{as_of - timedelta(days=draw.below(1000))} 00:00:00",
    }
    return Person(row, born)


COLUMNS = tuple(person(Draw(0), 0, "000000000", date(2000, 1, 1)).row)


def duplicate(draw: Draw, original: Person, number: int) -> Person:
    """A second record of the same person, as clinics find and merge them."""
    row = original.row | {"demographic_no": number, "chart_no": str(10_000 + number)}
    if draw.chance(0.5):
        row["hin"] = ""
    if draw.chance(0.3):
        row["first_name"] = str(row["first_name"])[:1]
    return original._replace(row=row)
