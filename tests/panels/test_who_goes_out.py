"""The lists by what becomes of members, read with a quick answer in SQL, against the rules asked about everybody."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import delete, insert

from cpar_plugin.domain.cautions import Caution
from cpar_plugin.domain.reasons import Reason
from cpar_plugin.hooks import Actor
from cpar_plugin.services.panels import members as panel_members
from cpar_plugin.services.panels.members_query import Fate, Sort, Wanted
from cpar_plugin.services.roster import member_rows, same_phn
from cpar_plugin.services.roster.eligible_in_sql import plainly_sent
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

_NAMES = ("Example", "O'Brien", "Élan", "李", "ᐊᓂ", "ß", "1", "-", " ", "\x1f", "\u200b", "\u200bA", "")
_NAMES += ("\u00a0", "Ann\tMarie", "null")
_YEARS = ("0001", "2000", "2024", "1900", "1899", "0000", "2026", "2027", "19x0", "198", "")
_DAYS = ("01", "1", "28", "29", "30", "31", "32", "00", "x1", "1\n", "")
_CARD_TYPES = ("ab", "CA-AB", "alberta ", "BC", "OT", "US-AK", "A", "null", "")
_PHNS = (
    "999999999",
    "10000\u20130001",
    "\u200b100000002\t",
    "100000001",
    "100000002",
    "100 000 003",
    "10000-0004",
    "10000000",
    "1000000005",
    "10000000x",
    "１２３４５６７８９",
    "",
)
_VISITS = (
    date(1899, 12, 31),
    date(1980, 2, 28),
    date(2000, 2, 29),
    date(2026, 11, 9),
    date(2026, 11, 10),
    date(2027, 1, 1),
)


USUAL: dict[str, Any] = {
    "last_name": "Wren",
    "first_name": "Pat",
    "year_of_birth": "1980",
    "month_of_birth": "02",
    "date_of_birth": "03",
    "sex": "F",
    "hin": "200000001",
    "hc_type": "AB",
    "patient_status": "AC",
    "visit": date(2026, 10, 5),
    "confirmed_on": date(2026, 3, 2),
    "gone": "",
}


def mostly(usual: str, *others: str) -> st.SearchStrategy[str]:
    """Mostly the usual, so that a row is often odd in one place only."""
    return st.sampled_from((*[usual] * (2 * len(others)), *others))


rows = st.fixed_dictionaries(
    {
        "last_name": mostly("Wren", *_NAMES),
        "first_name": mostly("Pat", *_NAMES),
        "year_of_birth": mostly(
            "1980", "0001", "2000", "2024", "1900", "1899", "0000", "2026", "2027", "19x0", "198", ""
        ),
        "month_of_birth": mostly("02", "2", "04", "12", "11", "13", "00", "x", ""),
        "date_of_birth": mostly("03", *_DAYS),
        "sex": mostly("F", "M", "X", "U", "O", "f", "\x1f", ""),
        "hin": mostly("200000001", *_PHNS) | st.integers(300_000_000, 399_999_999).map(str),
        "hc_type": mostly("AB", *_CARD_TYPES),
        "patient_status": mostly("AC", "ac", "AC ", "AC\u200b", "IN", "DE", ""),
        "visit": st.sampled_from((*[date(2026, 10, 5)] * 8, *_VISITS, None)),
        "confirmed_on": st.sampled_from((*[date(2026, 3, 2)] * 4, None)),
        "gone": mostly("", "gone"),
    }
)


@pytest.fixture
def panel_id(make_panel: Callable[..., int]) -> int:
    return make_panel("0042")


def write(host: OscarHost, panel_id: int, patients: list[dict[str, Any]]) -> None:
    """These patients are the clinic's only ones, all on the panel."""
    demographic, appointment = host.tables.demographic, host.tables.appointment
    with host.database.writing() as connection:
        for table in (tables.member, appointment, demographic):
            connection.execute(delete(table))
        for patient_id, patient in enumerate(patients, start=1):
            columns = {**patient, "demographic_no": patient_id, "lastUpdateDate": host.clock.now().replace(tzinfo=None)}
            visit, confirmed_on, gone = (columns.pop(name) for name in ("visit", "confirmed_on", "gone"))
            if not gone:
                connection.execute(insert(demographic).values(columns))
            if visit:
                connection.execute(insert(appointment).values(demographic_no=patient_id, appointment_date=visit))
            connection.execute(
                insert(tables.member).values(
                    patient_id=patient_id, panel_id=panel_id, since=host.clock.now(), confirmed_on=confirmed_on
                )
            )


def check(host: OscarHost, clerk: Actor, panel_id: int, how: Settings, *asked: Reason | Caution) -> None:
    """What is listed is what the rules say when they are asked about each member."""
    now = host.clock.now()
    everyone = member_rows.members(host, now=now)
    with host.database.engine.connect() as connection:
        rules = same_phn.eligibility(connection, host, how, now)
        members = list(member_rows.member_rows(connection, host, panel_id, now=now))
        judged = {row.patient_id: rules.reasons(row) for row in members}
        doubts = {row.patient_id: () if judged[row.patient_id] else rules.cautions(row) for row in members}
        plain = connection.scalars(
            everyone.with_only_columns(tables.member.c.patient_id).where(plainly_sent(everyone, rules))
        )
        assert all(judged[patient_id] == () for patient_id in plain)
        for fate in (*Fate, *asked):
            wanted = Wanted(fate=fate, sort=Sort.RECORD)
            found = panel_members.listing(connection, host, clerk, how, panel_id, wanted)
            assert {one.row.patient_id: one.reasons for one in found.members} == {
                patient_id: reasons
                for patient_id, reasons in judged.items()
                if fate in (*reasons, *doubts[patient_id], Fate.LEFT_OUT if reasons else Fate.SENT)
                or (fate is Fate.TO_CHECK and doubts[patient_id])
            }
            assert found.found == len(found.members)
            cautioned = fate is Fate.TO_CHECK or isinstance(fate, Caution)
            assert found.tally == panel_members.Tally(
                sent=sum(not reasons for reasons in judged.values()),
                left_out=sum(bool(reasons) for reasons in judged.values()),
                reasons=Counter(reason for reasons in judged.values() for reason in reasons),
                to_check=sum(bool(cautions) for cautions in doubts.values()) if cautioned else None,
                cautions=Counter(one for cautions in doubts.values() for one in cautions if cautioned),
            )


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    patients=st.lists(rows, min_size=1, max_size=40),
    given_name_required=st.booleans(),
    told=st.sampled_from([*Reason, *Caution]),
)
def test_the_lists_are_what_the_rules_say_of_each_member(
    host: OscarHost,
    emr: OscarHost,
    clerk: Actor,
    panel_id: int,
    patients: list[dict[str, Any]],
    given_name_required: bool,
    told: Reason | Caution,
) -> None:
    write(emr, panel_id, patients)
    check(host, clerk, panel_id, Settings(given_name_required=given_name_required), told)


def test_of_ordinary_patients_it_is_plain_that_they_go_out(host: OscarHost, emr: OscarHost, panel_id: int) -> None:
    ordinary = [
        USUAL | {"last_name": "O'Brien"},
        USUAL | {"hin": "1000-00 002", "sex": "X", "month_of_birth": "12", "date_of_birth": "31"},
        USUAL | {"hin": "100000003", "hc_type": "", "first_name": ""},
    ]
    write(emr, panel_id, ordinary)
    now = host.clock.now()
    everyone = member_rows.members(host, now=now)
    with host.database.engine.connect() as connection:
        rules = same_phn.eligibility(connection, host, Settings(), now)
        plain = everyone.with_only_columns(tables.member.c.patient_id).where(plainly_sent(everyone, rules))
        assert len(connection.scalars(plain).all()) == len(ordinary)


def test_very_many_shared_phns_are_left_to_the_rules(
    host: OscarHost, emr: OscarHost, clerk: Actor, panel_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cpar_plugin.services.roster.eligible_in_sql._MOST_SHARED", 1)
    phns = ("100000001", "100000001", "100000002", "100000002", "100000003")
    write(emr, panel_id, [USUAL | {"hin": phn} for phn in phns])
    check(host, clerk, panel_id, Settings(), Reason.SHARED_PHN)
