"""A clinic whose records are as odd as those of clinics that imported twice, and SQL that says who must be excluded.

The SQL knows nothing of the product's own: it is a second statement of the rules, in words that both databases read.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Connection, insert, text

from cpar_plugin.store import tables
from oscar_host.host import OscarHost

_SHARE = 0.02  # of the patients have each oddity
_AT_ONCE = 2000

_ALBERTA = (" AB ", "ab", "CA-AB", "ca-ab", "Alberta", "ALBERTA")
_UNKNOWN = (None, "", "AB1", "null", "XX", "other")
OTHER_JURISDICTIONS = ("BC", "bc", "ON ", "CA-SK", "Saskatchewan", "nova scotia", "OT", "US-AK", "us-wy")
_HEALTH_CARDS: tuple[Any, ...] = (*_ALBERTA, *_UNKNOWN, *OTHER_JURISDICTIONS)
# How people and programs write nine digits, what is none, and one number that many records have.
_DOUBLE = "555555551"
_NUMBERS = (
    "{0}-{1}",
    "{0} {1}",
    "{0}\u2013{1}",
    "{0}\u2011{1}",
    "{0}\u2212{1}",
    "{0}\u00a0{1}",
    "{0}\u2009{1}",
    "\t{0}{1}\r\n",
    "{0}\u200b{1}",
    "\u202e{0}{1}",
    "{0}{1}\ufeff",
    "{0}",
    "{0}{1}7",
    "{0}{1}X",
    "\u200b\u00a0",
    "",
    None,
    _DOUBLE,
    "555-555-551",
)
_FAMILY_NAMES = ("", " ", "\u00a0", "\u200b", "\t\r\n", "\u202e\u2066", "null", "O\\'Brien", "Tr?mblay??", "\u202eWren")
_GIVEN_NAMES = ("", "\u200b", "n/a", "none", "Ren&eacute;e", "Jos\u00c3\u00a9")
_MIDDLE_NAMES = (None, "undefined", "NULL", "Lee")
_SEXES = ("", "m", "f", "U", "X", "T", "Z")
_STATUSES = ("ac", "AC ", " Ac", "IN", "DE", "MO", "in", "", None, "Waitlist", "ACT")
_BIRTH_DATES = (
    ("", "", ""),
    (None, None, None),
    ("1987", "02", "30"),
    ("2100", "02", "29"),
    ("1990", "13", "01"),
    ("0000", "00", "00"),
    ("0001", "01", "01"),
    ("2031", "05", "05"),
    ("1899", "12", "31"),
    ("1900", "02", "29"),
    ("2000", "2", "29"),
    ("2024", "02", "29"),
    ("1980", "7", "4"),
    ("2026", "11", "10"),
    ("2026", "11", "11"),
)
_COVERED_FROM = (date(2026, 11, 11), date(2020, 2, 29), date(1, 1, 1), date(9999, 12, 31))
_COVERED_UNTIL = (
    *(date(2026, 11, day) for day in (9, 9, 10, 11)),
    date(2020, 2, 29),
    date(1, 1, 1),
    date(1900, 1, 1),
    date(9999, 12, 31),
)
# Day, time and status of a patient's only appointment; None for none.
_APPOINTMENTS: tuple[tuple[date, time | None, str | None] | None, ...] = (
    None,
    (date(2026, 5, 4), time(9), "C"),
    (date(2026, 5, 4), time(9), "N"),
    (date(2026, 5, 4), time(9), "D"),
    (date(2026, 5, 4), time(9), "NS"),
    (date(2026, 5, 4), time(9), " C"),
    (date(2026, 5, 4), time(9), "\u200bN"),
    (date(2026, 5, 4), time(9), "c"),
    (date(2026, 5, 4), time(9), " c"),
    (date(2026, 5, 4), time(9), None),
    (date(2026, 5, 4), time(9), ""),
    (date(1895, 5, 4), time(9), "B"),
    (date(2026, 11, 10), time(9, 59), "B"),
    (date(2026, 11, 10), time(10, 1), "B"),
    (date(2026, 11, 10), None, "B"),
    (date(2026, 12, 1), time(9), "t"),
)
_USUAL_DAY = (date(2026, 5, 4), time(9), "B")

# What is taken out of a number: blanks, dashes, and what cannot be seen.
_SEPARATORS = " -\u2013\u2011\u2212\u00a0\u2009\t\r\n\u200b\u202e\ufeff"
_INVISIBLE = " \u00a0\t\r\n\u200b\u202e\u2066"


def fill(emr: OscarHost, panel_id: int, patients: int, seed: int) -> None:
    """Write so many patients, all on the panel."""
    draw = random.Random(seed)
    numbers = range(1, patients + 1)
    with emr.database.writing() as connection:
        for table, rows in (
            (emr.tables.demographic, _records(draw, numbers)),
            (emr.tables.appointment, _appointments(draw, numbers)),
            (tables.member, _members(draw, numbers, panel_id)),
        ):
            _write(connection, table, rows)


def _write(connection: Connection, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    waiting: list[dict[str, Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == _AT_ONCE:
            connection.execute(insert(table), waiting)
            waiting = []
    if waiting:
        connection.execute(insert(table), waiting)


def _either(draw: random.Random, usual: Any, oddities: Sequence[Any]) -> Any:
    place = int(draw.random() / _SHARE)
    return oddities[place] if place < len(oddities) else usual


def _records(draw: random.Random, numbers: range) -> Iterator[dict[str, Any]]:
    for number in numbers:
        phn = f"{200_000_000 + number}"
        form = _either(draw, "{0}{1}", _NUMBERS)
        year, month, day = _either(draw, ("1980", "02", "03"), _BIRTH_DATES)
        yield {
            "demographic_no": number,
            "last_name": _either(draw, f"Family{number}", _FAMILY_NAMES),
            "first_name": _either(draw, f"Given{number}", _GIVEN_NAMES),
            "middleNames": _either(draw, "", _MIDDLE_NAMES),
            "year_of_birth": year,
            "month_of_birth": month,
            "date_of_birth": day,
            "sex": _either(draw, "F", _SEXES),
            "hin": form.format(phn[:5], phn[5:]) if form is not None else None,
            "hc_type": _either(draw, "AB", _HEALTH_CARDS),
            "eff_date": _either(draw, None, _COVERED_FROM),
            "hc_renew_date": _either(draw, None, _COVERED_UNTIL),
            "patient_status": _either(draw, "AC", _STATUSES),
            "lastUpdateDate": datetime(2026, 1, 1),  # noqa: DTZ001  # a civil time, as OSCAR keeps it
        }


def _appointments(draw: random.Random, numbers: range) -> Iterator[dict[str, Any]]:
    for number in numbers:
        appointment = _either(draw, _USUAL_DAY, _APPOINTMENTS)
        if appointment is not None:
            day, start, status = appointment
            yield {
                "provider_no": "101",
                "appointment_date": day,
                "start_time": start,
                "demographic_no": number,
                "status": status,
            }


def _members(draw: random.Random, numbers: range, panel_id: int) -> Iterator[dict[str, Any]]:
    for number in numbers:
        yield {
            "patient_id": number,
            "panel_id": panel_id,
            "since": datetime(2026, 3, 1, tzinfo=UTC),
            "confirmed_on": _either(draw, date(2026, 3, 1), (None,)),
            "confirmed_how": "last visit",
        }


def _without(column: str, characters: str) -> tuple[str, dict[str, str]]:
    """SQL that takes the characters out of a column, and its parameters."""
    sql, parameters = column, {}
    for place, character in enumerate(characters):
        name = f"{column.replace('.', '_')}_{place}"
        sql, parameters[name] = f"REPLACE({sql}, :{name}, '')", character
    return sql, parameters


def expected(
    connection: Connection, schema: str | None, with_given_name: bool = False, with_coverage: bool = False
) -> tuple[int, dict[str, int]]:
    """How many are submitted on 10 November 2026 at 10:00, and how many are excluded for each reason."""
    emr = f"{schema}." if schema else ""
    number, separators = _without("p.hin", _SEPARATORS)
    family, of_family = _without("p.last_name", _INVISIBLE)
    given, of_given = _without("p.first_name", _INVISIBLE)
    status, of_status = _without("a.status", " \u200b")
    length = "LENGTH" if connection.dialect.name == "sqlite" else "CHAR_LENGTH"
    exactly = "" if connection.dialect.name == "sqlite" else "BINARY "
    nine_digits = " AND ".join(f"SUBSTR(number, {place}, 1) BETWEEN '0' AND '9'" for place in range(1, 10))
    leap = "(y % 4 = 0 AND (y % 100 <> 0 OR y % 400 = 0))"
    days = f"CASE WHEN m IN (4, 6, 9, 11) THEN 30 WHEN m = 2 THEN 28 + {leap} ELSE 31 END"
    others = ", ".join(f"'{one.strip().lower()}'" for one in OTHER_JURISDICTIONS)
    facts = f"""
        SELECT p.demographic_no AS id, LOWER(TRIM(COALESCE(p.patient_status, ''))) AS status,
            {family} AS family, {given} AS given, p.sex AS sex, COALESCE({number}, '') AS number,
            LOWER(TRIM(COALESCE(p.hc_type, ''))) AS card,
            REPLACE(p.eff_date, '-', '') + 0 AS covered_from, REPLACE(p.hc_renew_date, '-', '') + 0 AS covered_until,
            COALESCE(p.year_of_birth, '') AS year, p.year_of_birth + 0 AS y, p.month_of_birth + 0 AS m,
            p.date_of_birth + 0 AS d, c.confirmed_on AS confirmed_on,
            (SELECT MAX(REPLACE(a.appointment_date, '-', '') + 0) FROM {emr}appointment a
             WHERE a.demographic_no = p.demographic_no
               AND (a.appointment_date < '2026-11-10'
                    OR a.appointment_date = '2026-11-10' AND a.start_time < '10:00:00')
               AND {exactly}SUBSTR(COALESCE({status}, ''), 1, 1) NOT IN ('C', 'N', 'D')) AS visit
        FROM cpar_member c JOIN {emr}demographic p ON p.demographic_no = c.patient_id"""
    possible = f"y > 1 AND m BETWEEN 1 AND 12 AND d BETWEEN 1 AND {days}"
    is_day = "BETWEEN 19010101 AND 99981231"
    ended = f"covered_until {is_day} AND covered_until < 20261110 AND card NOT IN ({others})"
    ended += f" AND NOT COALESCE(covered_from {is_day} AND covered_from > covered_until, 0)"
    reasons = {
        "not-active": "status <> 'ac'",
        "no-family-name": "family = ''",
        "no-given-name": "given = ''" if with_given_name else "1 = 0",
        "no-birth-date": "year = ''",
        "impossible-birth-date": f"year <> '' AND NOT ({possible} AND y * 10000 + m * 100 + d <= 20261110)",
        "no-gender": "sex = ''",
        "no-phn": "number = ''",
        "other-jurisdiction": f"number <> '' AND card IN ({others})",
        "malformed-phn": (f"number <> '' AND card NOT IN ({others}) AND NOT ({length}(number) = 9 AND {nine_digits})"),
        "coverage-ended": ended if with_coverage else "1 = 0",
        "no-visit": "visit IS NULL",
        "visit-before-birth": f"visit < y * 10000 + m * 100 + d AND year <> '' AND {possible}",
        "no-confirmation": "confirmed_on IS NULL",
    }
    judged = ", ".join(f"COALESCE({sql}, 0) AS r{place}" for place, sql in enumerate(reasons.values()))
    anything = " + ".join(f"r{place}" for place in range(len(reasons)))
    counted = ", ".join(f"SUM(r{place})" for place in range(len(reasons)))
    of_both = separators | of_family | of_given | of_status
    ways = f"WITH facts AS ({facts}), judged AS (SELECT number, {judged} FROM facts)"
    counts = connection.execute(text(f"{ways} SELECT COUNT(*), {counted} FROM judged"), of_both).one()
    sendable, shared = connection.execute(
        text(
            f"{ways}, sendable AS (SELECT number, COUNT(*) AS n FROM judged WHERE {anything} = 0 GROUP BY number)"
            " SELECT SUM(n), SUM(CASE WHEN n > 1 THEN n ELSE 0 END) FROM sendable"
        ),
        of_both,
    ).one()
    results = {reason: int(count) for reason, count in zip(reasons, counts[1:], strict=True) if count}
    if shared:
        results["shared-phn"] = int(shared)
    return int(sendable - shared), results
