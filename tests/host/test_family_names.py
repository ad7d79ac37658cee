"""Patients by the index of last names, whatever its collation: no name is missing that a search has to find."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, String, insert, literal_column, not_, select, table

from cpar_plugin.domain.texts import BLANKS, NOTHING
from cpar_plugin.store.folding import folded, text_fits
from oscar_host.host import OscarHost
from oscar_host.name_ranges import COLLATIONS

from .test_roster_plans import plan

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ("{0}", "{0}ar", "a{0}r", "ar{0}", "aru{0}")
USUAL = ("utf8mb3_general_ci", "latin1_swedish_ci")  # of OSCAR's own scripts, and of old servers


def of_size(collation: str) -> object:
    return pytest.param(collation, marks=[] if collation in USUAL else [pytest.mark.large])


@pytest.mark.parametrize("collation", [of_size(each) for each in sorted(COLLATIONS)])
def test_no_name_is_missing_whatever_the_collation_of_the_index(
    older: Callable[..., OscarHost], writer: OscarHost, database_kind: str, collation: str
) -> None:
    character_set, _, _ = collation.partition("_")
    change = (
        f"ALTER TABLE {{demographic}} MODIFY last_name VARCHAR(30) CHARACTER SET {character_set} COLLATE {collation} "
        "NOT NULL DEFAULT ''"
    )
    emr = older(*([change] if database_kind == "mariadb" else []))
    stored = emr.roster.stored_patients()
    if database_kind == "sqlite":
        assert stored.family_begins("tr") is None
        return
    with writer.database.engine.connect() as connection:
        alike = dict.fromkeys(signs_alike(connection, str(writer.tables.demographic.schema)))
    held = [name for name in names(alike) if fits_in(name, character_set)]
    rows = [
        {"last_name": name, "first_name": "A", "sex": "F", "lastUpdateDate": emr.clock.now().replace(tzinfo=None)}
        for name in dict.fromkeys(held)
    ]
    with writer.database.writing() as connection:
        connection.execute(insert(writer.tables.demographic), rows)
    with emr.database.engine.connect() as connection:
        for beginning in (word.format(letter) for word in WORDS for letter in LETTERS):
            possible = stored.family_begins(beginning)
            assert possible is not None
            fits = text_fits(stored.columns["family_name"], None, beginning)
            fitting = select(stored.rows.c.last_name).where(fits)
            assert connection.scalars(fitting.where(not_(possible))).all() == [], beginning
            assert connection.scalars(fitting.limit(1)).all(), beginning


def test_few_names_are_read_from_the_index(host: OscarHost, oscar: Any, database_kind: str) -> None:
    for name in ("Smith", "SMITH ", "Smythe"):
        for _ in range(100):
            oscar.patient(last_name=name)
    smithson = oscar.patient(last_name="Smithson")
    stored = host.roster.stored_patients()
    possible = stored.family_begins("smithson")
    if database_kind == "sqlite":
        assert possible is None
        return
    assert possible is not None
    query = select(stored.rows.c.patient_id).where(possible)
    with host.database.engine.connect() as connection:
        assert connection.scalars(query).all() == [smithson]
    assert plan(host, query)[0].startswith("range demographic by demographic_name")


def signs_alike(connection: Connection, schema: str) -> Iterator[tuple[str, str]]:
    """Each sign that is compared like a letter, with this letter; and all that is not seen, with none."""
    sign = literal_column("CONVERT(CHAR(seq USING ucs2) USING utf8mb4)", String())
    for letter in LETTERS:
        query = select(sign).select_from(table("seq_1_to_65535", schema=schema)).where(folded(sign).like(letter))
        yield from ((one, letter) for one in connection.scalars(query))
    for first, last in (*NOTHING, *BLANKS):
        yield from ((chr(code), "") for code in range(first, last + 1) if 0 < code < 0x10000)


def names(alike: dict[tuple[str, str], None]) -> Iterator[str]:
    for sign, letter in alike:
        for word in WORDS:
            if letter:
                yield word.format(sign) + "x"
                continue
            plain = word.format("u")
            yield from (plain[:place] + sign + plain[place:] + "x" for place in range(len(plain)))
            yield 2 * sign + plain


def fits_in(name: str, character_set: str) -> bool:
    if character_set != "latin1":
        return True
    try:
        name.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
