"""The list of coverage: whom it shows, in what order, with the next appointment, and what it costs."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from cpar_plugin.domain.coverage import Coverage
from cpar_plugin.hooks import Actor
from cpar_plugin.services.panels import coverage_csv, coverage_list, one_patient
from cpar_plugin.services.panels.coverage_list import CoverageCriteria, CoverageSort
from cpar_plugin.services.panels.patient_list import listed_patients
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

TODAY = date(2026, 11, 10)


@pytest.fixture
def panel_id(make_panel: Callable[..., int]) -> int:
    return make_panel("0042")


@pytest.fixture
def member(site: OscarHost, oscar: Any, clerk: Actor, panel_id: int) -> Callable[..., int]:
    """Make a member, on panel 0042 unless of another one; what else is given are columns of the record."""

    def make(name: str, *, panel: int = panel_id, **columns: Any) -> int:
        patient_id: int = oscar.patient(last_name=name, **columns)
        one_patient.choose(site, clerk, patient_id, panel, seen_panel_id=None)
        return patient_id

    return make


@pytest.fixture
def shown(site: OscarHost, clerk: Actor) -> Callable[..., coverage_list.CoverageListing]:
    def read(
        *, offset: int = 0, at_once: int = 100, actor: Actor = clerk, **criteria: Any
    ) -> coverage_list.CoverageListing:
        chosen = CoverageCriteria(**criteria)
        with site.database.engine.connect() as connection:
            return coverage_list.show(connection, site, actor, Settings(), chosen, offset, at_once)

    return read


def names(listing: coverage_list.CoverageListing) -> list[str | None]:
    return [row.family_name for row in listing.rows]


@pytest.fixture
def clinic(member: Callable[..., int], make_panel: Callable[..., int]) -> dict[str, int]:
    other = make_panel("0043")
    return {
        "ended": member("Ended", hc_renew_date=date(2026, 10, 31)),
        "soon": member("Soon", hc_renew_date=date(2026, 11, 30), ver="AB"),
        "later": member("Later", eff_date=date(2026, 11, 20), hc_renew_date=date(2028, 1, 1)),
        "nothing": member("Nothing"),
        "useless": member("Useless", hc_renew_date=date(9999, 12, 31)),
        "current": member("Current", hc_renew_date=date(2028, 1, 1)),
        "inactive": member("Inactive", hc_renew_date=date(2020, 1, 1), patient_status="IN"),
        "other province": member("Province", hc_renew_date=date(2020, 1, 1), hc_type="BC"),
        "other panel": member("Other", hc_renew_date=date(2020, 1, 1), panel=other),
    }


def test_active_members_are_listed_by_date_those_of_one_panel_or_of_all(
    clinic: dict[str, int], shown: Callable[..., coverage_list.CoverageListing], panel_id: int
) -> None:
    of_panel = shown(panel_id=panel_id)
    assert names(of_panel) == ["Ended", "Later", "Soon", "Useless"]
    assert of_panel.counts == {
        Coverage.ENDED: 1,
        Coverage.ENDS_SOON: 1,
        Coverage.BEGINS_LATER: 1,
        Coverage.UNKNOWN: 1,
        Coverage.NOT_ENTERED: 1,
        Coverage.CURRENT: 1,
    }
    assert names(shown()) == ["Other", "Ended", "Later", "Soon", "Useless"]
    assert names(shown(descending=True)) == ["Useless", "Soon", "Later", "Ended", "Other"]
    assert names(shown(sort=CoverageSort.NAME)) == ["Ended", "Later", "Other", "Soon", "Useless"]
    for state, expected in (
        (Coverage.UNKNOWN, ["Useless"]),
        (Coverage.NOT_ENTERED, ["Nothing"]),
        (Coverage.CURRENT, ["Current"]),
    ):
        assert names(shown(state=state, panel_id=panel_id)) == expected


def test_the_next_appointment_is_todays_or_the_first_one_after_also_of_a_record_merged_away(
    clinic: dict[str, int], shown: Callable[..., coverage_list.CoverageListing], oscar: Any, panel_id: int
) -> None:
    oscar.visit(clinic["ended"], TODAY - timedelta(days=1), status="t")
    oscar.visit(clinic["ended"], TODAY, "16:00", "t")
    oscar.visit(clinic["soon"], TODAY + timedelta(days=3), status="C")
    retired = oscar.patient(last_name="Retired")
    oscar.visit(retired, TODAY + timedelta(days=5), status="t")
    oscar.merge(retired, clinic["later"])
    next_days = {row.family_name: row.next_appointment for row in shown(panel_id=panel_id).rows}
    assert next_days == {"Ended": TODAY, "Soon": None, "Later": TODAY + timedelta(days=5), "Useless": None}


def test_a_search_finds_names_and_numbers_among_those_listed(
    clinic: dict[str, int], shown: Callable[..., coverage_list.CoverageListing]
) -> None:
    found = shown(text="end")
    assert (names(found), found.matching) == (["Ended"], 1)
    assert names(shown(text=str(clinic["soon"]))) == ["Soon"]
    assert names(shown(text="current")) == []


def test_who_may_not_see_a_patient_gets_a_number_and_nothing_else(
    clinic: dict[str, int], shown: Callable[..., coverage_list.CoverageListing], oscar: Any, panel_id: int
) -> None:
    oscar.privilege("102", "_demographic", "r")
    oscar.privilege("102", f"_demographic${clinic['ended']}", "o")
    reader = Actor(actor_id="102", display_name="Reader")
    listing = shown(panel_id=panel_id, actor=reader)
    assert (names(listing), listing.hidden, listing.counts[Coverage.ENDED]) == (["Later", "Soon", "Useless"], 1, 0)


def test_pages_and_the_file_hold_everyone_once(
    site: OscarHost,
    clerk: Actor,
    panel_id: int,
    member: Callable[..., int],
    shown: Callable[..., coverage_list.CoverageListing],
    statements: Any,
) -> None:
    for number in range(7):
        member(f"Patient{number}", hc_renew_date=date(2026, 10, 1 + number // 2))
    pages = [names(shown(panel_id=panel_id, offset=offset, at_once=3)) for offset in (0, 3, 6)]
    assert [name for page in pages for name in page] == [f"Patient{number}" for number in range(7)]
    with statements() as sent:
        shown(panel_id=panel_id)
    assert len(sent) <= 3
    with site.database.engine.connect() as connection:
        found = coverage_list.everyone_found(connection, site, clerk, Settings(), CoverageCriteria(panel_id))
        head, *rows = coverage_csv.export(found)
    assert [dict(zip(head, row, strict=True))["Family name"] for row in rows] == [f"Patient{n}" for n in range(7)]


def test_what_is_doubtful_about_coverage_is_something_to_do_about_an_active_member_alone(
    site: OscarHost, clerk: Actor, clinic: dict[str, int]
) -> None:
    ids = {patient_id: name for name, patient_id in clinic.items()}
    listed = listed_patients(site, clerk, Settings(), clinic.values())
    due = {ids[patient.patient_id] for patient in listed if "coverage" in patient.to_do}
    assert due == {"ended", "soon", "later", "useless", "other panel"}
    listed = listed_patients(site, clerk, Settings(coverage="exclude"), clinic.values())
    assert {ids[patient.patient_id] for patient in listed if "coverage" in patient.to_do} == {
        "soon",
        "later",
        "useless",
    }
    assert not [
        patient
        for patient in listed_patients(site, clerk, Settings(coverage="off"), clinic.values())
        if "coverage" in patient.to_do
    ]
