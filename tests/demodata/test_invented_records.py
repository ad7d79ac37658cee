"""The invented clinic itself, before it is written anywhere."""

import hashlib
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpar_plugin.domain.identifiers import is_phn, phn_check_digit_fits
from oscar_host.demo.data import visits
from oscar_host.demo.data.clinic import Record, records
from oscar_host.demo.data.draw import Draw
from oscar_host.demo.data.people import COLUMNS
from oscar_host.demo.data.phns import MOST, Phns
from oscar_host.demo.data.staff import DOCTORS, FORMER_DOCTOR, NO_PROVIDER
from oscar_host.schema import host_tables

AS_OF = date(2026, 11, 10)
NOT_SEEN = ("C", "N", "D")
SEEDS = st.integers(0, 2**63 - 1)


@pytest.fixture(scope="module")
def clinic() -> list[Record]:
    return list(records(7, 3000, AS_OF))


def fingerprint(seed: int, patients: int) -> str:
    return hashlib.sha256(repr(list(records(seed, patients, AS_OF))).encode()).hexdigest()


def visit_of(values: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(visits.COLUMNS, values, strict=True))


def all_visits(clinic: list[Record]) -> list[dict[str, Any]]:
    return [visit_of(values) for record in clinic for values in record.visits]


def born(patient: dict[str, Any]) -> list[str | None]:
    return [patient["year_of_birth"], patient["month_of_birth"], patient["date_of_birth"]]


def birth_date(patient: dict[str, Any]) -> date | None:
    """The recorded birth date; None where it is empty or there is no such day."""
    try:
        return date(*(int(part or "") for part in born(patient)))
    except ValueError:
        return None


def fits(phn: str | None) -> bool:
    return phn is not None and is_phn(phn) and phn_check_digit_fits(phn)


@pytest.mark.parametrize("seed", [0, 1, 7, 2**63 - 2])
def test_the_same_seed_makes_the_same_rows_and_another_seed_other_rows(seed: int) -> None:
    assert fingerprint(seed, 20) == fingerprint(seed, 20)
    assert fingerprint(seed, 20) != fingerprint(seed + 1, 20)


def test_the_rows_depend_neither_on_the_process_nor_on_its_clock() -> None:
    program = (
        "import hashlib; from datetime import date; from oscar_host.demo.data.clinic import records;"
        "print(hashlib.sha256(repr(list(records(7, 300, date(2026, 11, 10)))).encode()).hexdigest())"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo"}
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == fingerprint(7, 300)


def test_a_patient_does_not_depend_on_how_many_follow(clinic: list[Record]) -> None:
    assert list(records(7, 100, AS_OF)) == clinic[:100]


def test_a_later_as_of_date_moves_the_visits_along(clinic: list[Record]) -> None:
    a_week = timedelta(days=7)  # the same weekdays
    later = list(records(7, 100, AS_OF + a_week))
    moved = [date.fromisoformat(visit["appointment_date"]) + a_week for visit in all_visits(clinic[:100])]
    assert [date.fromisoformat(visit["appointment_date"]) for visit in all_visits(later)] == moved


@pytest.mark.parametrize("day", [date(2000, 1, 1), date(2024, 2, 29), date(2100, 12, 31)])
def test_any_day_can_be_the_as_of_date(day: date) -> None:
    assert len(list(records(1, 1000, day))) == 1000


@settings(deadline=None)
@given(seed=SEEDS, start=st.integers(0, MOST - 50))
def test_good_phns_fit_the_check_digit_begin_with_0_and_no_two_are_alike(seed: int, start: int) -> None:
    phns = Phns(Draw(seed))
    made = [phns.of(place) for place in range(start, start + 50)]
    assert all(fits(phn) and phn[0] == "0" for phn in made)
    assert len(set(made)) == 50
    assert len({phns.of(place) for place in range(0, MOST, MOST // 10)}) == 10  # the walk comes to all of them


PATIENTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "an ordinary one": lambda p: p["patient_status"] == "AC" and fits(p["hin"]) and p["provider_no"] in DOCTORS,
    "no PHN": lambda p: p["hin"] == "",
    "a PHN with a hyphen": lambda p: len(p["hin"]) == 10 and fits(p["hin"].replace("-", "")),
    "a PHN of another province": lambda p: p["hc_type"] in ("BC", "SK", "MB", "ON", "QC", "NT"),
    "a PHN of nine digits of another province": lambda p: p["hc_type"] == "SK" and is_phn(p["hin"]),
    "a malformed PHN": lambda p: p["hc_type"] == "AB" and p["hin"] and not is_phn(p["hin"].replace("-", "")),
    "a PHN with a wrong check digit": lambda p: p["hc_type"] == "AB" and is_phn(p["hin"]) and not fits(p["hin"]),
    "a PHN without a province": lambda p: p["hc_type"] is None and fits(p["hin"]),
    "no gender": lambda p: p["sex"] == "",
    "a rare gender": lambda p: p["sex"] in ("X", "O", "T"),
    "an unknown gender": lambda p: p["sex"] == "U",
    "no given name": lambda p: p["first_name"] == "",
    "no family name": lambda p: p["last_name"] == "",
    "names as long as their columns": lambda p: len(p["last_name"]) == len(p["first_name"]) == 30,
    "an apostrophe": lambda p: "'" in p["last_name"],
    "an accent": lambda p: not p["last_name"].isascii(),
    "a name in two parts": lambda p: " " in p["last_name"],
    "a preferred name": lambda p: p["pref_name"] not in ("", p["first_name"]),
    "a name in capitals": lambda p: len(p["last_name"]) > 2 and p["last_name"].isupper(),
    "inactive": lambda p: p["patient_status"] == "IN",
    "deceased": lambda p: p["patient_status"] == "DE" and p["patient_status_date"] is not None,
    "moved": lambda p: p["patient_status"] == "MO",
    "a status in the clinic's own words": lambda p: p["patient_status"] == "Waitlist",
    "no status": lambda p: p["patient_status"] == "",
    "an empty MRP": lambda p: p["provider_no"] == "",
    "no MRP": lambda p: p["provider_no"] is None,
    "a dangling MRP": lambda p: p["provider_no"] == NO_PROVIDER,
    "an MRP who has left": lambda p: p["provider_no"] == FORMER_DOCTOR,
    "no birth date": lambda p: not any(born(p)),
    "a birth date with an empty part": lambda p: any(born(p)) and not all(born(p)),
    "a birth date without leading zeros": lambda p: birth_date(p) is not None and len("".join(map(str, born(p)))) < 8,
    "an impossible birth date": lambda p: all(born(p)) and birth_date(p) is None,
    "a birth date to come": lambda p: (birth_date(p) or AS_OF) > AS_OF,
}


@pytest.mark.parametrize("kind", PATIENTS)
def test_some_patients_have(kind: str, clinic: list[Record]) -> None:
    assert 0 < sum(bool(PATIENTS[kind](record.patient)) for record in clinic) < len(clinic)


VISITS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "cancelled": lambda v: v["status"] == "C",
    "missed": lambda v: v["status"] == "N",
    "deleted": lambda v: v["status"] == "D",
    "billed": lambda v: v["status"] == "B",
    "signed": lambda v: v["status"] == "BS",
    "verified": lambda v: v["status"] == "BV",
    "cancelled and signed": lambda v: v["status"] == "CS",
    "missed and verified": lambda v: v["status"] == "NV",
    "customized with a lower-case c": lambda v: v["status"] == "c" and v["appointment_date"] < str(AS_OF),
    "without a status": lambda v: v["status"] == "",
    "with a NULL status": lambda v: v["status"] is None,
    "without a time": lambda v: v["start_time"] is None,
    "on the as-of day": lambda v: v["appointment_date"] == str(AS_OF),
    "still to come": lambda v: v["appointment_date"] > str(AS_OF),
    "cancelled beforehand": lambda v: v["appointment_date"] > str(AS_OF) and v["status"] == "C",
    "with an emoji in the note": lambda v: any(character > "\uffff" for character in v["notes"]),
    "nobody's": lambda v: v["demographic_no"] == 0,
}


@pytest.mark.parametrize("kind", VISITS)
def test_some_appointments_are(kind: str, clinic: list[Record]) -> None:
    made = all_visits(clinic)
    assert 0 < sum(bool(VISITS[kind](visit)) for visit in made) < len(made) / 2


def days(record: Record, *, attended: bool = False) -> list[date]:
    made = [visit_of(values) for values in record.visits]
    own = [visit for visit in made if visit["demographic_no"] != 0]
    return [
        date.fromisoformat(visit["appointment_date"])
        for visit in own
        if not attended or (visit["status"] or "?")[0] not in NOT_SEEN
    ]


def test_some_patients_never_come_some_only_in_the_future_and_some_only_miss_their_visits(clinic: list[Record]) -> None:
    seen = [(days(record), days(record, attended=True)) for record in clinic]
    assert any(not made for made, _ in seen)
    assert any(made and min(made) > AS_OF for made, _ in seen)
    assert any(made and min(made) <= AS_OF and not attended for made, attended in seen)


def test_only_a_wrong_birth_date_lies_after_a_visit(clinic: list[Record]) -> None:
    early = [
        record
        for record in clinic
        if (on := birth_date(record.patient)) and on <= AS_OF and any(day < on for day in days(record))
    ]
    assert 0 < len(early) < 20
    assert all(max(day for day in days(record) if day <= AS_OF) < _recorded(record) for record in early)


def _recorded(record: Record) -> date:
    on = birth_date(record.patient)
    assert on is not None
    return on


def test_no_one_comes_after_having_died(clinic: list[Record]) -> None:
    dead = [record for record in clinic if record.patient["patient_status"] == "DE" and record.merge is None]
    for record in dead:
        died = date.fromisoformat(str(record.patient["patient_status_date"]))
        assert all(day <= died for day in days(record))
    assert any(days(record) for record in dead)


def test_records_are_merged_some_in_a_chain_and_some_split_again(clinic: list[Record]) -> None:
    merged = {record.merge[0]: record.merge[1] for record in clinic if record.merge and not record.merge[2]}
    people = {record.patient["demographic_no"]: record for record in clinic}
    assert any(kept in merged for kept in merged.values())
    assert any(record.merge and record.merge[2] for record in clinic)
    assert all(kept < retired for retired, kept in merged.items())  # no circles
    assert any(people[retired].visits for retired in merged)
    assert all(
        people[retired].patient["last_name"] == people[kept].patient["last_name"] for retired, kept in merged.items()
    )


def test_two_different_people_share_a_phn(clinic: list[Record]) -> None:
    names: dict[str, set[tuple[Any, Any]]] = {}
    for record in clinic:
        if fits(phn := str(record.patient["hin"])):
            names.setdefault(phn, set()).add((record.patient["last_name"], record.patient["date_of_birth"]))
    assert any(len(known) > 1 for known in names.values())


def test_there_are_about_five_appointments_for_each_patient(clinic: list[Record]) -> None:
    assert 4.7 < len(all_visits(clinic)) / len(clinic) < 5.3


def test_every_text_fits_its_column_in_oscar(clinic: list[Record]) -> None:
    tables = host_tables()
    for table, rows in (
        (tables.demographic, [record.patient for record in clinic]),
        (tables.appointment, all_visits(clinic)),
    ):
        widths = {result.name: getattr(result.type, "length", None) or 20 for result in table.c}
        assert all(len(str(value or "")) <= widths[name] for row in rows for name, value in row.items())
    assert all(tuple(record.patient) == COLUMNS for record in clinic)


def test_memory_does_not_grow_with_the_number_of_patients() -> None:
    assert _peak_of(6000) - _peak_of(1500) < 512 * 1024  # to keep the rows would take forty times as much


def _peak_of(patients: int) -> int:
    tracemalloc.start()
    try:
        for _ in records(7, patients, AS_OF):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
