"""Patients are found for a list with one look at the roster: SQLite, which has no statistics, must see the way."""

import pytest
from sqlalchemy import text

from cpar_plugin.services.uploads import matching
from cpar_plugin.store.folding import can_fold
from oscar_host.host import OscarHost


@pytest.fixture
def database_kind() -> str:
    """MariaDB estimates by looking into the indexes; 60,000 patients and 34,000 rows took it as long as SQLite."""
    return "sqlite"


def plan_of(host: OscarHost, number: int) -> list[str]:
    query = matching.queries(host, host.identity.system, "0" * 32)[number]
    with host.database.engine.connect() as connection:
        can_fold(connection)
        sql = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
        return [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {sql}"))]


def finds_rows_by(index: str, plan: list[str]) -> bool:
    return any(step.startswith(f"SEARCH cpar_upload_row USING COVERING INDEX {index} ") for step in plan)


@pytest.mark.parametrize(("number", "index"), [(0, "cpar_upload_row_by_phn"), (2, "cpar_upload_row_by_birth_date")])
def test_the_rows_are_found_by_an_index_for_each_patient_in_turn(host: OscarHost, number: int, index: str) -> None:
    plan = plan_of(host, number)
    assert plan[0].startswith("SCAN demographic")
    assert finds_rows_by(index, plan)


def test_the_records_merged_away_and_those_kept_are_looked_up_by_their_numbers(host: OscarHost) -> None:
    plan = plan_of(host, 1)
    assert finds_rows_by("cpar_upload_row_by_phn", plan)
    assert not any(step.startswith("SCAN demographic") and "merged" not in step for step in plan), plan
