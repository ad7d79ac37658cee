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


@pytest.mark.parametrize("index", ["cpar_upload_row_by_phn", "cpar_upload_row_by_birth_date"])
def test_the_rows_are_found_by_an_index_for_each_patient_in_turn(host: OscarHost, index: str) -> None:
    queries = matching.queries(host, host.identity.system, "0" * 32)
    plans = []
    with host.database.engine.connect() as connection:
        can_fold(connection)
        for query in queries:
            sql = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
            plans.append([row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {sql}"))])
    [plan] = [plan for plan in plans if any(index in step for step in plan)]
    assert plan[0].startswith("SCAN demographic")
    assert any(step.startswith(f"SEARCH cpar_upload_row USING COVERING INDEX {index} ") for step in plan)
