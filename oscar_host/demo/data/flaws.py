"""What each card does to a patient without faults."""

from collections.abc import Callable
from datetime import date, timedelta

from . import names
from .draw import Draw
from .mess import IdentityFlaw, RecordFlaw
from .people import Person, Row
from .phns import doubtful, malformed, of_another_province
from .staff import FORMER_DOCTOR, NO_PROVIDER

Flaw = Callable[[Draw, Person, date], Person]

_COLUMN = 30  # characters of a name in OSCAR, which cuts the rest without a word
WEEKEND = 2  # days by which a visit may be later than drawn, when the clinic is closed
_OTHER_STATUSES = ("FI", "Waitlist", "NP - other site", "Transferred", "Walk-in only", "Prospective")
_IMPOSSIBLE = (
    ("1987", "02", "30"),
    ("1990", "13", "01"),
    ("0000", "00", "00"),
    ("1975", "11", "31"),
    ("2003", "2", "29"),
)


def apply(card: RecordFlaw | IdentityFlaw | None, draw: Draw, person: Person, as_of: date) -> Person:
    """The person after the card was played; the same one for a card that concerns two records."""
    flaw = _FLAWS.get(card) if card else None
    return flaw(draw, person, as_of) if flaw else person


def _left_clinic(draw: Draw, person: Person, as_of: date, status: str) -> Person:
    days = min(30 + draw.below(1400), person.born)
    person.row.update(patient_status=status, patient_status_date=str(as_of - timedelta(days=days)))
    return person._replace(gone=days + WEEKEND)


def _inactive(draw: Draw, person: Person, as_of: date) -> Person:
    return _left_clinic(draw, person, as_of, "IN")


def _moved(draw: Draw, person: Person, as_of: date) -> Person:
    person.row.update(province="BC", city="Kamloops", postal="V0X 0X0")
    return _left_clinic(draw, person, as_of, "MO")


def _deceased(draw: Draw, person: Person, as_of: date) -> Person:
    forty_years = 14_610  # with their ten leap days
    if person.born < forty_years:
        born = person.born + forty_years
        person = person._replace(born=born)
        _set_birth_date(person.row, as_of - timedelta(days=born))
    return _left_clinic(draw, person, as_of, "DE")


def _other_status(draw: Draw, person: Person, as_of: date) -> Person:
    return _left_clinic(draw, person, as_of, draw.pick(_OTHER_STATUSES))


def _no_mrp(draw: Draw, person: Person, as_of: date) -> Person:
    person.row["provider_no"] = draw.pick(("", "", None))
    return person


def _rare_gender(draw: Draw, person: Person, as_of: date) -> Person:
    person.row["sex"] = draw.pick(("X", "O", "T", "U", "U"))
    return person


def _other_province(draw: Draw, person: Person, as_of: date) -> Person:
    hin, version, province = of_another_province(draw)
    person.row.update(hin=hin, ver=version, hc_type=province)
    return person


def _long_name(draw: Draw, person: Person, as_of: date) -> Person:
    person.row.update(
        last_name=draw.pick(names.LONG_FAMILY)[:_COLUMN],
        first_name=draw.pick(names.LONG_GIVEN)[:_COLUMN],
        middleNames=names.LONG_MIDDLE[:100],
    )
    return person


def _no_birth_date(draw: Draw, person: Person, as_of: date) -> Person:
    nothing = draw.pick(("", None))
    person.row.update(year_of_birth=nothing, month_of_birth=nothing, date_of_birth=nothing)
    return person


def _part_of_birth_date(draw: Draw, person: Person, as_of: date) -> Person:
    person.row[draw.pick(("year_of_birth", "month_of_birth", "date_of_birth"))] = draw.pick(("", None))
    return person


def _impossible_birth_date(draw: Draw, person: Person, as_of: date) -> Person:
    in_future = (str(as_of.year + 2), "06", "15")
    year, month, day = draw.pick((*_IMPOSSIBLE, in_future))
    person.row.update(year_of_birth=year, month_of_birth=month, date_of_birth=day)
    return person


def _unpadded_birth_date(draw: Draw, person: Person, as_of: date) -> Person:
    for part in ("month_of_birth", "date_of_birth"):
        person.row[part] = str(person.row[part]).lstrip("0")
    return person


def _born_after_visits(draw: Draw, person: Person, as_of: date) -> Person:
    recorded = 1 + draw.below(200)
    _set_birth_date(person.row, as_of - timedelta(days=recorded))
    return person._replace(born=max(person.born, 1000), gone=max(person.gone, recorded + 1 + WEEKEND))


def _set_birth_date(row: Row, birth_date: date) -> None:
    year, month, day = birth_date.isoformat().split("-")
    row.update(year_of_birth=year, month_of_birth=month, date_of_birth=day)


def _with(**values: str | None) -> Flaw:
    def flaw(draw: Draw, person: Person, as_of: date) -> Person:
        person.row.update(values)
        return person

    return flaw


def _phn(change: Callable[[str, Draw], str]) -> Flaw:
    def flaw(draw: Draw, person: Person, as_of: date) -> Person:
        person.row["hin"] = change(str(person.row["hin"]).replace("-", ""), draw)
        return person

    return flaw


_FLAWS: dict[RecordFlaw | IdentityFlaw, Flaw] = {
    RecordFlaw.INACTIVE: _inactive,
    RecordFlaw.DECEASED: _deceased,
    RecordFlaw.MOVED: _moved,
    RecordFlaw.OTHER_STATUS: _other_status,
    RecordFlaw.NO_STATUS: _with(patient_status=""),
    RecordFlaw.NO_MRP: _no_mrp,
    RecordFlaw.DANGLING_MRP: _with(provider_no=NO_PROVIDER),
    RecordFlaw.FORMER_MRP: _with(provider_no=FORMER_DOCTOR),
    IdentityFlaw.NO_PHN: _with(hin=""),
    IdentityFlaw.OTHER_PROVINCE: _other_province,
    IdentityFlaw.MALFORMED_PHN: _phn(malformed),
    IdentityFlaw.DOUBTFUL_PHN: _phn(doubtful),
    IdentityFlaw.NO_GENDER: _with(sex=""),
    IdentityFlaw.RARE_GENDER: _rare_gender,
    IdentityFlaw.NO_GIVEN_NAME: _with(first_name=""),
    IdentityFlaw.NO_FAMILY_NAME: _with(last_name=""),
    IdentityFlaw.LONG_NAME: _long_name,
    IdentityFlaw.NO_BIRTH_DATE: _no_birth_date,
    IdentityFlaw.PART_OF_BIRTH_DATE: _part_of_birth_date,
    IdentityFlaw.IMPOSSIBLE_BIRTH_DATE: _impossible_birth_date,
    IdentityFlaw.UNPADDED_BIRTH_DATE: _unpadded_birth_date,
    IdentityFlaw.BORN_AFTER_VISITS: _born_after_visits,
}
