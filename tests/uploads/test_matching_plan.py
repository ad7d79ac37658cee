"""Patients are found for a list with one look at the roster: SQLite, which has no statistics, must see the way."""

from typing import Any

import pytest
from sqlalchemy import Select, text

from cpar_plugin.services.reports import storing
from cpar_plugin.services.uploads import matching
from cpar_plugin.store.folding import can_fold
from oscar_host.host import OscarHost


@pytest.fixture
def database_kind() -> str:
    """MariaDB estimates by looking into the indexes; 60,000 patients and 34,000 rows took it as long as SQLite."""
    return "sqlite"


def plan_of(host: OscarHost, number: int) -> list[str]:
    return plan(host, matching.queries(host, host.identity.system, "0" * 32)[number])


def plan(host: OscarHost, query: Select[Any]) -> list[str]:
    with host.database.engine.connect() as connection:
        can_fold(connection)
        sql = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
        return [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {sql}"))]


def finds_rows_by(index: str, steps: list[str]) -> bool:
    return any(step.startswith("SEARCH cpar_") and f" USING COVERING INDEX {index} " in step for step in steps)


@pytest.mark.parametrize(("number", "index"), [(0, "cpar_upload_row_by_phn"), (2, "cpar_upload_row_by_birth_date")])
def test_the_rows_are_found_by_an_index_for_each_patient_in_turn(host: OscarHost, number: int, index: str) -> None:
    steps = plan_of(host, number)
    assert steps[0].startswith("SCAN demographic")
    assert finds_rows_by(index, steps)


def test_the_rows_of_a_report_are_found_by_an_index_for_each_patient_in_turn(host: OscarHost) -> None:
    steps = plan(host, storing.by_phn_query(host, 1, "0" * 32))
    assert steps[0].startswith("SCAN demographic")
    assert finds_rows_by("cpar_report_row_by_phn", steps)


def test_the_records_merged_away_and_those_kept_are_looked_up_by_their_numbers(host: OscarHost) -> None:
    steps = plan_of(host, 1)
    assert finds_rows_by("cpar_upload_row_by_phn", steps)
    assert not any(step.startswith("SCAN demographic") and "merged" not in step for step in steps), steps
