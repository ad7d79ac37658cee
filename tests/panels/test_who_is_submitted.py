"""The lists by what becomes of members, read with a quick answer in SQL, against the rules asked about everybody."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import Phase, given, settings
from sqlalchemy import delete, insert

from cpar_plugin.domain.cautions import Caution
from cpar_plugin.domain.coverage import CoverageUse
from cpar_plugin.domain.reasons import Reason
from cpar_plugin.hooks import Actor
from cpar_plugin.services.panels import members as panel_members
from cpar_plugin.services.panels.members_query import Criteria, Fate, Sort
from cpar_plugin.services.roster import member_rows, same_phn
from cpar_plugin.services.roster.eligible_in_sql import RULES_OUT, certainly_eligible, require_every_reason
from cpar_plugin.services.roster.member_rows import MemberRow
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..examples import examples

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


# The clock says November 10, 2026, 10:00 in Alberta.
COVERAGE = (
    *(date(2026, 11, day) for day in (9, 10, 11)),
    date(2026, 12, 10),
    date(2026, 12, 11),
    date(2020, 2, 29),
    date(1900, 1, 1),
    date(9999, 12, 31),
    date(1, 1, 1),
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
    "eff_date": None,
    "hc_renew_date": None,
    "patient_status": "AC",
    "visit": date(2026, 10, 5),
    "confirmed_on": date(2026, 3, 2),
    "gone": "",
}


ODD: dict[str, st.SearchStrategy[Any]] = {
    "last_name": st.sampled_from(_NAMES),
    "first_name": st.sampled_from(_NAMES),
    "year_of_birth": st.sampled_from(_YEARS),
    "month_of_birth": st.sampled_from(("2", "04", "12", "11", "13", "00", "x", "")),
    "date_of_birth": st.sampled_from(_DAYS),
    "sex": st.sampled_from(("M", "X", "U", "O", "f", "\x1f", "")),
    "hin": st.sampled_from(_PHNS),
    "hc_type": st.sampled_from(_CARD_TYPES),
    "eff_date": st.sampled_from(COVERAGE),
    "hc_renew_date": st.sampled_from(COVERAGE),
    "patient_status": st.sampled_from(("ac", "AC ", "AC\u200b", "IN", "DE", "")),
    "visit": st.sampled_from((*_VISITS, None)),
    "confirmed_on": st.none(),
    "gone": st.just("gone"),
}
# A row is odd in two places at most: in more, one reason would hide that another is not seen.
rows = (
    st.lists(st.sampled_from(sorted(ODD)), max_size=2, unique=True)
    .flatmap(lambda names: st.fixed_dictionaries({"hin": st.integers(300_000_000, 399_999_999).map(str)} | pick(names)))
    .map(lambda odd: USUAL | odd)
)


def pick(names: list[str]) -> dict[str, st.SearchStrategy[Any]]:
    return {name: ODD[name] for name in names}


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
        rows = {row.patient_id: row for row in member_rows.member_rows(connection, host, panel_id, now=now)}
        judged = {patient_id: rules.reasons(row) for patient_id, row in rows.items()}
        doubts = {patient_id: () if judged[patient_id] else rules.cautions(row) for patient_id, row in rows.items()}
        plain = connection.scalars(
            everyone.with_only_columns(tables.member.c.patient_id).where(
                certainly_eligible(everyone.selected_columns, rules)
            )
        )
        for patient_id in plain:
            same(rows[patient_id], "left out by the rules, sent by certainly_eligible", judged[patient_id], ())
        for fate in (*Fate, *asked):
            criteria = Criteria(fate=fate, sort=Sort.RECORD)
            listing = panel_members.listing(connection, host, clerk, how, panel_id, criteria)
            listed = {one.row.patient_id: one.reasons for one in listing.members}
            for patient_id, reasons in judged.items():
                of_fate = (
                    fate in (*reasons, *doubts[patient_id], Fate.EXCLUDED if reasons else Fate.SENT)
                    or (fate is Fate.TO_CHECK and bool(doubts[patient_id]))
                    or (fate is Fate.CONFIRMATION_ONLY and list(reasons) == [Reason.NO_CONFIRMATION])
                )
                same(rows[patient_id], f"listed under {fate!r}", patient_id in listed, of_fate)
                if of_fate:
                    same(rows[patient_id], f"reasons under {fate!r}", listed[patient_id], reasons)
            assert listing.matching == len(listing.members)
            cautioned = fate is Fate.TO_CHECK or isinstance(fate, Caution)
            assert listing.tally == panel_members.Tally(
                sent=sum(not reasons for reasons in judged.values()),
                excluded=sum(bool(reasons) for reasons in judged.values()),
                confirmation_only=sum(list(reasons) == [Reason.NO_CONFIRMATION] for reasons in judged.values()),
                reasons=Counter(reason for reasons in judged.values() for reason in reasons),
                to_check=sum(bool(cautions) for cautions in doubts.values()) if cautioned else None,
                cautions=Counter(one for cautions in doubts.values() for one in cautions if cautioned),
            )


def same(row: MemberRow, what: str, seen: object, expected: object) -> None:
    """Fails with the row, which nothing shortens."""
    if seen != expected:
        pytest.fail(f"{what}: {seen!r} instead of {expected!r}, for the row {row!r}", pytrace=False)


def test_the_lists_are_what_the_rules_say_of_each_member(
    host: OscarHost, emr: OscarHost, clerk: Actor, panel_id: int
) -> None:
    # Nothing is shrunk: each try fills the database, and the failure names the row.
    @settings(max_examples=examples(10), phases=(Phase.explicit, Phase.reuse, Phase.generate))
    @given(
        patients=st.lists(rows, min_size=1, max_size=40),
        given_name_required=st.booleans(),
        use=st.sampled_from(CoverageUse),
        code=st.sampled_from([*Reason, *Caution]),
    )
    def lists(
        patients: list[dict[str, Any]], given_name_required: bool, use: CoverageUse, code: Reason | Caution
    ) -> None:
        write(emr, panel_id, patients)
        check(host, clerk, panel_id, Settings(given_name_required=given_name_required, coverage=use), code)

    lists()


def test_of_ordinary_patients_it_is_plain_that_they_are_submitted(
    host: OscarHost, emr: OscarHost, panel_id: int
) -> None:
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
        plain = everyone.with_only_columns(tables.member.c.patient_id).where(
            certainly_eligible(everyone.selected_columns, rules)
        )
        assert len(connection.scalars(plain).all()) == len(ordinary)


def test_very_many_shared_phns_are_left_to_the_rules(
    host: OscarHost, emr: OscarHost, clerk: Actor, panel_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cpar_plugin.services.roster.eligible_in_sql._MOST_SHARED", 1)
    phns = ("100000001", "100000001", "100000002", "100000002", "100000003")
    write(emr, panel_id, [USUAL | {"hin": phn} for phn in phns])
    check(host, clerk, panel_id, Settings(), Reason.SHARED_PHN)


EXCLUDED: dict[Reason, dict[str, Any]] = {
    Reason.UNKNOWN_PATIENT: {"gone": "gone"},
    Reason.NOT_ACTIVE: {"patient_status": "IN"},
    Reason.NO_FAMILY_NAME: {"last_name": "", "first_name": ""},
    Reason.NO_GIVEN_NAME: {"first_name": ""},
    Reason.NO_BIRTH_DATE: {"year_of_birth": ""},
    Reason.IMPOSSIBLE_BIRTH_DATE: {"date_of_birth": "30"},
    Reason.NO_GENDER: {"sex": ""},
    Reason.NO_PHN: {"hin": ""},
    Reason.OTHER_JURISDICTION: {"hc_type": "BC"},
    Reason.MALFORMED_PHN: {"hin": "12345"},
    Reason.COVERAGE_ENDED: {"hc_renew_date": date(2026, 11, 9)},
    Reason.SHARED_PHN: {"hin": "200000001"},
    Reason.NO_VISIT: {"visit": None},
    Reason.VISIT_BEFORE_BIRTH: {"visit": date(1979, 12, 31)},
    Reason.NO_CONFIRMATION: {"confirmed_on": None},
}


def test_for_no_reason_does_the_sql_take_someone_for_sent(host: OscarHost, emr: OscarHost, panel_id: int) -> None:
    patients = [USUAL | {"hin": str(300_000_000 + place)} | EXCLUDED[reason] for place, reason in enumerate(Reason)]
    write(emr, panel_id, [*patients, USUAL])
    now, how = host.clock.now(), Settings(given_name_required=True, coverage=CoverageUse.EXCLUDE)
    everyone = member_rows.members(host, now=now)
    with host.database.engine.connect() as connection:
        rules = same_phn.eligibility(connection, host, how, now)
        rows = list(member_rows.member_rows(connection, host, panel_id, now=now))
        plain = everyone.with_only_columns(tables.member.c.patient_id).where(
            certainly_eligible(everyone.selected_columns, rules)
        )
        sent = connection.scalars(plain).all()
    for reason, row in zip(Reason, rows, strict=False):
        assert reason in rules.reasons(row), reason
        same(row, f"sent by certainly_eligible in spite of {reason!r}", row.patient_id in sent, expected=False)


def test_a_reason_without_sql_is_named_at_start() -> None:
    others = [reasons for reasons in RULES_OUT if Reason.NO_GENDER not in reasons]
    with pytest.raises(RuntimeError, match=r"Reason without SQL: <Reason\.NO_GENDER: 'no-gender'>"):
        require_every_reason(others)
