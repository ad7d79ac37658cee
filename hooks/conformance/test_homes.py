"""`Homes`: where patients live, as SQL. A host without this port has nothing to check."""

from typing import Any

import pytest
from sqlalchemy import select

from .. import Homes
from .bench import Bench, NewPatient


def _homes(bench: Bench) -> Homes:
    homes = bench.host.homes
    if homes is None:
        pytest.skip("this host does not know where patients live")
    return homes


def _address(bench: Bench, patient_id: int) -> Any:
    patient = bench.host.roster.patients()
    address = _homes(bench).address(patient.c.patient_id)
    with bench.host.database.engine.connect() as connection:
        return connection.scalar(select(address).where(patient.c.patient_id == patient_id))


def _compared(text: str) -> str:
    return " ".join(text.casefold().split())


def test_people_of_one_home_have_one_address_and_others_another(bench: Bench) -> None:
    names = ("Okafor", "Singh")
    one, same = (bench.patient(NewPatient(family_name=name, street="12 Spruce St")) for name in names)
    other = bench.patient(NewPatient(family_name="Okafor", street="14 Spruce St"))
    first, second, third = (_address(bench, patient_id) for patient_id in (one, same, other))
    assert "12 Spruce St" in first
    assert _compared(first) == _compared(second) != _compared(third)


def test_without_a_street_there_is_no_address(bench: Bench) -> None:
    assert _address(bench, bench.patient(NewPatient(street=None))) is None
