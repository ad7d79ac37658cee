"""What SQL says about coverage is what the rule says about each record, whatever stands in its columns."""

from datetime import date
from itertools import product
from typing import Any

import pytest
from sqlalchemy import delete, select, text

from cpar_plugin.domain.coverage import Coverage, CoverageRules, CoverageUse, UnknownCoverage
from cpar_plugin.services.roster import coverage
from oscar_host.host import OscarHost

TODAY = date(2026, 11, 10)
DAYS = (
    None,
    "0000-00-00",
    "0001-01-01",
    "1900-01-01",
    "1901-01-01",
    "9999-12-31",
    "9998-12-31",
    "2026-00-00",
    "2026-11-00",
    "2024-02-29",
    *(f"2026-{month}" for month in ("11-09", "11-10", "11-11", "11-30", "12-10", "12-11")),
)
# What a column of SQLite holds where a program wrote into it what it liked.
TEXTS = ("", " ", "soon", "20261109", "2026-2-3", "2026-02-30", "2026-11-09 00:00:00", "9999", "\u200b")
CARDS = ("AB", "", "BC", "US-AK", None)


def write(emr: OscarHost, records: list[tuple[Any, ...]]) -> None:
    """As the EMR's server takes it, which looks at no date."""
    name = emr.tables.demographic.fullname
    row = "(:number, 'F', '2026-01-01', :card, :start, :end)"
    columns = "(demographic_no, sex, lastUpdateDate, hc_type, eff_date, hc_renew_date)"
    with emr.database.writing() as connection:
        connection.execute(delete(emr.tables.demographic))
        if connection.dialect.name != "sqlite":
            connection.execute(text("SET SESSION sql_mode = ''"))
        values = [dict(zip(("card", "start", "end"), record, strict=True)) for record in records]
        numbered = [{"number": number, **value} for number, value in enumerate(values, start=1)]
        connection.execute(text(f"INSERT INTO {name} {columns} VALUES {row}"), numbered)


@pytest.mark.parametrize(
    ("soon", "unknown"), [(0, "zero"), (1, "unusable"), (30, "all"), (30, "zero"), (400, "unusable")]
)
def test_sql_and_the_rule_say_the_same_of_every_pair_of_dates(
    host: OscarHost, emr: OscarHost, soon: int, unknown: str
) -> None:
    days = DAYS if emr.database.engine.dialect.name != "sqlite" else DAYS + TEXTS
    records = list(product(CARDS, days, days))
    write(emr, records)
    patient, rules = host.roster.patients(), CoverageRules(CoverageUse.CAUTION, soon, UnknownCoverage(unknown))
    state_in_sql = coverage.state_of(patient.c, rules, TODAY).label("state_in_sql")
    ended = coverage.ended_on(patient.c, TODAY).label("ended_on_day")
    with host.database.engine.connect() as connection:
        rows = connection.execute(select(patient, state_in_sql, ended)).all()
    assert len(rows) == len(records)
    for row in rows:
        state = rules.state(row, TODAY)
        assert row.state_in_sql == state, row
        assert row.ended_on_day in (0, 1), row
        assert bool(row.ended_on_day) is (state is Coverage.ENDED), row


def test_oscars_zero_date_is_given_as_it_is_and_an_empty_one_as_none(host: OscarHost, emr: OscarHost) -> None:
    write(emr, [("AB", None, None), ("AB", "0000-00-00", "0000-00-00"), ("AB", "2026-11-00", "2026-11-09")])
    patient = host.roster.patients()
    with host.database.engine.connect() as connection:
        rows = connection.execute(select(patient).order_by(patient.c.patient_id)).all()
    assert [(row.coverage_start, row.coverage_end) for row in rows] == [
        (None, None),
        ("0000-00-00", "0000-00-00"),
        ("2026-11-00", "2026-11-09"),
    ]
