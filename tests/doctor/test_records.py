"""Merges and statuses as clinics really have them."""

from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import insert

from oscar_host.host import OscarHost

from .conftest import Doctor


def test_merges_that_end_at_a_record_are_fine(doctor: Doctor, oscar: Any) -> None:
    kept, second, first = oscar.patient(), oscar.patient(), oscar.patient()
    oscar.merge(second, kept)
    oscar.merge(first, second)
    report = doctor()["merges"]
    assert (report.level, report.message) == ("ok", "2 records are merged, each into an existing one.")


def test_merges_in_a_circle_are_counted_and_no_record_is_named(doctor: Doctor, oscar: Any) -> None:
    one, other, third = (oscar.patient(demographic_no=number) for number in (70001, 70002, 70003))
    oscar.merge(one, other)
    oscar.merge(other, one)
    oscar.merge(third, one)
    report = doctor()["merges"]
    assert (report.level, "Of 3 merged records: 3 in a circle" in report.message) == ("warning", True)
    assert "7000" not in report.message + report.remedy


def test_a_merge_into_nothing_is_counted(doctor: Doctor, oscar: Any) -> None:
    oscar.merge(oscar.patient(), 99999)
    report = doctor()["merges"]
    assert (report.level, "1 into one that does not exist" in report.message) == ("warning", True)


def test_a_long_chain_is_reported(doctor: Doctor, oscar: Any) -> None:
    records = [oscar.patient() for _ in range(23)]
    for retired, kept in pairwise(records):
        oscar.merge(retired, kept)
    report = doctor()["merges"]
    assert (report.level, "a chain has 22 merges" in report.message) == ("warning", True)


def test_the_statement_that_it_gives_lists_the_merges_at_fault_and_no_others(
    doctor: Doctor, oscar: Any, emr: OscarHost
) -> None:
    for _ in range(5):
        kept, second, first = oscar.patient(), oscar.patient(), oscar.patient()
        oscar.merge(second, kept)
        oscar.merge(first, second)
    one, other, into = oscar.patient(), oscar.patient(), oscar.patient()
    oscar.merge(one, other)
    oscar.merge(other, one)
    oscar.merge(into, one)
    oscar.merge(into, kept, deleted=1)
    lost = oscar.patient()
    oscar.merge(lost, 99999)
    statement = doctor()["merges"].remedy.partition("To find them: ")[2]
    with emr.database.engine.connect() as connection:
        listed = set(map(tuple, connection.exec_driver_sql(statement)))
    assert listed == {(one, other), (other, one), (lost, 99999)}


def test_a_merge_that_was_undone_does_not_count(doctor: Doctor, oscar: Any) -> None:
    oscar.merge(oscar.patient(), 99999, deleted=1)
    assert doctor()["merges"].level == "ok"


def test_every_status_of_the_rule_is_known(doctor: Doctor, oscar: Any) -> None:
    patient = oscar.patient()
    for status in ("t", "TS", "H", "PV", "E", "a", "bS", "c", "d", "e", "f", "h", "B", "BS", "C", "CS", "N", "NV", "D"):
        oscar.visit(patient, status=status)
    oscar.visit(patient, status=None)
    oscar.visit(patient, status="")
    assert doctor()["visit-statuses"] == ("ok", "The visit rule covers every status in all appointments.", "")


def test_a_status_that_the_rule_does_not_know_is_named_with_how_often_it_is_used(doctor: Doctor, oscar: Any) -> None:
    patient = oscar.patient()
    for status in ("B", "X", "XS", "X", "n"):
        oscar.visit(patient, status=status)
    report = doctor()["visit-statuses"]
    assert report.level == "warning"
    assert "count as visits: X (2), XS (1), n (1)." in report.message


@pytest.mark.parametrize(
    ("status", "description", "level"),
    [
        ("d", "No Show - charged", "warning"),
        ("c", "Late cancellation", "warning"),
        ("C", "Cancelled", "ok"),
        ("a", "Lab", "ok"),
    ],
)
def test_a_status_that_the_clinic_has_named_otherwise_than_the_rule_takes_it_is_reported(
    status: str, description: str, level: str, doctor: Doctor, emr: OscarHost
) -> None:
    with emr.database.writing() as connection:
        connection.execute(insert(emr.tables.appointment_status).values(status=status, description=description))
    report = doctor()["visit-statuses"]
    assert report.level == level
    assert (f"{status} ({description})" in report.message) == (level == "warning")
