"""Whom the roster finds by a health number: just those to whom it gives that number, and without reading everybody."""

from collections.abc import Collection

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, delete, insert, literal, select

from cpar_plugin.domain.texts import without_separators
from cpar_plugin.host_kit.schemas import as_text
from oscar_host.host import OscarHost

from ..examples import examples

NUMBERS = st.text("19A a-.", min_size=1, max_size=4)
TYPED = st.lists(st.text("19Aa .-_!\t~\u00a0\u200b\u2013\u3164", max_size=20), min_size=1, max_size=12)


def given_to(host: OscarHost, phn: str) -> set[int]:
    """Who has the number, by the roster's own word."""
    patients = host.roster.patients()
    with host.database.engine.connect() as connection:
        return {row.patient_id for row in connection.execute(select(patients)) if row.phn == phn}


def found(host: OscarHost, phn: str) -> set[int]:
    with host.database.engine.connect() as connection:
        return set(connection.scalars(host.roster.with_phn(literal(phn))))


def found_with_another(host: OscarHost, phn: str) -> set[int]:
    with host.database.engine.connect() as connection:
        return set(connection.scalars(host.roster.with_phns([phn, "000000000"])))


def fill(host: OscarHost, oscar, hins: Collection[str]) -> None:
    with oscar.database.writing() as connection:
        connection.execute(delete(oscar.tables.demographic))
        connection.execute(
            insert(oscar.tables.demographic),
            [
                {"last_name": "A", "first_name": "B", "sex": "F", "hin": hin, "lastUpdateDate": host.clock.now()}
                for hin in hins
            ],
        )


@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hins=TYPED,
    number=NUMBERS,
    breaks=st.lists(
        st.sampled_from(["", " ", "-", "- ", "\t", "\u200b", "\u00ad", "\u2013", "\u00a0"]), min_size=9, max_size=9
    ),
)
def test_they_are_those_whose_number_it_is_however_it_was_typed(host: OscarHost, oscar, hins, number, breaks):
    typed = "".join(letter + between for letter, between in zip(f"\u202f{number}", breaks, strict=False))
    fill(host, oscar, [*hins, typed[:20]])
    for phn in (without_separators(number), *hins):
        if phn.isascii() and phn == phn.rstrip():  # MariaDB compares without blanks at the end
            assert found(host, phn) == given_to(host, phn)


@pytest.mark.parametrize("hin", ["123456789", "12345-6789", "123 456 789", " 1-2-3-4-5-6-7-8-9 ", "123456789 - "])
def test_a_number_is_found_with_separators_anywhere(host: OscarHost, oscar, hin):
    expected = oscar.patient(hin=hin)
    for other in ("1234567890", "12345678", "023456789", "12345.6789", "", None):
        oscar.patient(hin=other)
    assert found(host, "123456789") == found_with_another(host, "123456789") == {expected}


COLLATIONS = ("latin1_swedish_ci", "utf8mb3_general_ci", "utf8mb4_unicode_ci", "utf8mb4_unicode_520_ci")


@pytest.mark.parametrize("collation", [*COLLATIONS, "utf8mb4_uca1400_ai_ci", "utf8mb4_bin", "utf8mb4_nopad_bin"])
def test_numbers_are_found_whatever_collation_the_column_has(host: OscarHost, emr: OscarHost, oscar, collation: str):
    table = oscar.tables.demographic
    with emr.database.writing() as connection:
        if connection.dialect.name != "sqlite":  # has no such thing
            charset = collation.partition("_")[0]
            change = f"ALTER TABLE {table.fullname} MODIFY hin VARCHAR(20) CHARACTER SET {charset} COLLATE {collation}"
            connection.exec_driver_sql(change).close()
    hins = [
        "123456789",
        "1 23456789",
        "12-3456789",
        "123456789-",
        "123456789 ",
        "12345 - 6789",
        "-123456789",
        "12",
        "A",
    ]
    hins += ["12345\t6789", "\n123456789", "123456789\u00a0", "1\u00ad23456789"]  # in every character set
    if "latin1" not in collation:
        hins += [f"12345{dash}6789" for dash in "\u2010\u2013\u2014\u2212\u301c"]
        hins += [f"1234{unseen}56789" for unseen in "\u200b\u200e\u202e\u2060\u3164\ufeff\u2007\u202f\u2800"]
    expected = len(hins) - 2
    fill(host, oscar, [*hins, "a", "1234567890", "12345,6789", "12345.6789", "12345\u00b7678"])
    assert len(found(host, "123456789")) == expected
    assert found_with_another(host, "123456789") == found(host, "123456789")
    for phn in ("123456789", "A", "a", "12", "1234567890", "12345.6789"):
        assert found(host, phn) == given_to(host, phn), phn


def test_no_one_reads_all_records_to_find_one(host: OscarHost, oscar):
    fill(host, oscar, [str(100_000_000 + number) for number in range(3000)])
    query = host.roster.with_phn(bindparam("phn", "100000007"))
    sql = as_text(host.database.engine, query)
    with host.database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]
            assert not [line for line in plan if line.startswith("SCAN")], plan
        else:
            (row,) = connection.exec_driver_sql("EXPLAIN " + sql.replace("%", "%%"))
            assert row.type == "range", row
            assert int(row.rows) < 100, row
