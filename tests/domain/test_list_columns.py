"""Columns of lists: their names, what they look like, and what is missing."""

import pytest

from cpar_plugin.domain.list_cells import DateOrder
from cpar_plugin.domain.list_columns import (
    ColumnField,
    date_orders,
    fingerprint,
    header_row,
    missing_columns,
    named_field,
    proposed_fields,
)

F = ColumnField


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("PHN", F.PHN),
        ("ULI", F.PHN),
        ("Health Card #", F.PHN),
        ("Personal Health Number", F.PHN),
        ("HIN", F.PHN),
        ("Last Name", F.FAMILY_NAME),
        ("SURNAME", F.FAMILY_NAME),
        ("LastName", F.FAMILY_NAME),
        ("Nom de famille", F.FAMILY_NAME),
        ("First Name(s)", F.GIVEN_NAME),
        ("Prénom", F.GIVEN_NAME),
        ("Patient Name", F.FAMILY_FIRST),
        ("Patient", F.FAMILY_FIRST),
        ("D.O.B.", F.BIRTH_DATE),
        ("Birth Date", F.BIRTH_DATE),
        ("Date de naissance", F.BIRTH_DATE),
        ("Sex", F.GENDER),
        ("Doctor Last Name", F.PANEL),
        ("Panel #", F.PANEL),
        ("Middle Name", F.IGNORED),
        ("Preferred name", F.IGNORED),
        ("Telephone", None),
        ("", None),
    ],
)
def test_a_column_is_known_by_its_name(name: str, field: ColumnField | None) -> None:
    assert named_field(name) is field


def test_the_row_with_column_names_is_found_below_titles() -> None:
    header = ["PHN", "Patient Name", "DOB"]
    assert header_row([["Panel of Dr. Okafor"], ["Printed 2026-11-10", "Page 1"], header, ["1", "A, B", "x"]]) == 2
    assert header_row([["123456789", "A, B", "1980-02-03"]]) is None
    assert header_row([["Panel of Dr. Okafor"], ["PHN"], ["123456789"]]) == 1


def test_columns_without_names_are_proposed_by_their_contents() -> None:
    rows = [["123456789", "Example, Pat", "1980-02-03", "F", "x"], ["45678901", "Côté, Hélène", "1981-12-31", "M", ""]]
    assert proposed_fields([], rows) == (F.PHN, F.FAMILY_FIRST, F.BIRTH_DATE, F.GENDER, F.IGNORED)


def test_a_full_name_without_commas_begins_with_the_given_name() -> None:
    assert proposed_fields(["Name", "DOB"], [["Pat Example", "1980-02-03"]]) == (F.GIVEN_FIRST, F.BIRTH_DATE)
    assert proposed_fields(["Name", "Last name", "First name"], []) == (F.IGNORED, F.FAMILY_NAME, F.GIVEN_NAME)


def test_a_layout_is_recognized_by_its_names_whatever_their_case_and_empty_columns_at_the_end() -> None:
    assert fingerprint(["PHN", "Last  Name"]) == fingerprint(["phn", "last name", "", " "])
    assert fingerprint(["PHN", "Name"]) != fingerprint(["Name", "PHN"])
    assert fingerprint(["", " "]) == ""


def test_patients_are_found_by_phn_or_by_name_and_date_of_birth() -> None:
    assert missing_columns([F.PHN]) == ""
    assert missing_columns([F.GIVEN_FIRST, F.BIRTH_DATE]) == ""
    assert missing_columns([F.FAMILY_NAME, F.GIVEN_NAME]).startswith("Select the column with the PHN")
    assert missing_columns([F.PHN, F.PHN]) == "Two columns are set to PHN: change one of them."


def test_the_order_of_dates_is_asked_only_where_no_date_decides_it() -> None:
    assert date_orders(["1980-02-03", "Feb 3, 1980", "29253", "x", ""]) == ()
    assert date_orders(["03/02/1980", "04/05/1981"]) == (DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST)
    assert date_orders(["03/02/1980", "25/12/1981"]) == (DateOrder.DAY_FIRST,)
    assert date_orders(["80-12-25"]) == (DateOrder.YEAR_FIRST,)
