"""Whose patient is it: the lists, what they name, and putting patients on the proposed panels as one operation."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from cpar_plugin.domain.attachment import AttachmentList, AttachmentTarget
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.services.attachment import listing
from cpar_plugin.services.attachment.query import AttachmentCriteria
from cpar_plugin.services.panels import one_patient
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from .conftest import BARRED, DOCTOR, MANAGER, OTHER_DOCTOR

pytestmark = pytest.mark.databases("one")

ADDRESS = "/cpar/attachment"


@pytest.fixture
def patient(host: OscarHost, oscar: Any) -> Callable[..., int]:
    """A patient seen by these providers, one after the other, and on this panel."""

    def make(last_name: str, *seen_by: str, on: int | None = None, mrp: str = DOCTOR, **columns: Any) -> int:
        patient_id: int = oscar.patient(last_name=last_name, first_name="Kim", provider_no=mrp, **columns)
        for month, provider_id in enumerate(seen_by, 1):
            oscar.visit(patient_id, f"2026-{month:02}-03", provider_no=provider_id)
        if on:
            one_patient.choose(host, host.identity.system, patient_id, on, seen_panel_id=None)
        return patient_id

    return make


@pytest.fixture
def clinic(patient: Callable[..., int], panel: int, other_panel: int) -> Mapping[str, int]:
    """One patient for each list, and one on no list."""
    return {
        "agreed": patient("Agreed", DOCTOR, DOCTOR, on=panel),
        "alone": patient("Alone", OTHER_DOCTOR, OTHER_DOCTOR, DOCTOR),
        "unseen": patient("Unseen", mrp=OTHER_DOCTOR),
        "mrp": patient("Differing", DOCTOR, on=panel, mrp=OTHER_DOCTOR),
        "moved": patient("Movable", OTHER_DOCTOR, DOCTOR, OTHER_DOCTOR, on=panel),
        "inactive": patient("Inactive", OTHER_DOCTOR, patient_status="IN"),
    }


def listed(person: Any, which: str, **more: str) -> Mapping[str, str]:
    """What the page's rows say, by family name."""
    page = person.see(ADDRESS, show=which, **more).get_data(as_text=True)
    rows = re.findall(r"<tr>.*?</tr>", page.partition("<tbody>")[2], re.DOTALL)
    texts = (" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows)
    return {text.partition(",")[0].capitalize(): text for text in texts}


def names(person: Any, which: str, **more: str) -> set[str]:
    return set(listed(person, which, **more))


def panels_of(host: OscarHost, clinic: Mapping[str, int]) -> dict[str, str]:
    member, panel = tables.member.c, tables.panel.c
    query = select(member.patient_id, panel.number).join_from(
        tables.member, tables.panel, panel.panel_id == member.panel_id
    )
    with host.database.engine.connect() as connection:
        numbers = {row.patient_id: row.number for row in connection.execute(query)}
    return {name: numbers[patient_id] for name, patient_id in clinic.items() if patient_id in numbers}


def test_each_list_has_its_patients_and_each_row_names_the_cut_and_the_proposed_panel(
    manager: Any, clinic: Mapping[str, int]
) -> None:
    assert names(manager, "") == names(manager, "no-panel") == {"Alone", "Unseen"}
    assert names(manager, "mrp") == {"Differing"}
    assert names(manager, "four-cut") == {"Movable"}
    assert names(manager, "not-seen") == set()
    row = listed(manager, "no-panel")["Alone"]
    assert "Tremblay, Hélène: panel 0077" in row
    assert "2. The provider seen most (2 of 3 visits)" in row
    assert "No visit" in listed(manager, "no-panel")["Unseen"]
    page = manager.get(ADDRESS).get_data(as_text=True)
    for count in ("On no panel <strong>2", "MRP and panel differ <strong>1", "another provider <strong>1"):
        assert count in page


def test_those_not_seen_for_three_years_are_listed_and_those_never_seen_too(
    manager: Any, patient: Callable[..., int], oscar: Any, panel: int
) -> None:
    patient("Never", on=panel)
    oscar.visit(patient("Long", on=panel), "2023-11-10")
    oscar.visit(patient("Lately", on=panel), "2023-11-11")
    patient("Elsewhere")
    assert names(manager, "not-seen") == {"Never", "Long"}


def test_filters_and_search_narrow_a_list_and_no_name_is_in_an_address(
    manager: Any, clinic: Mapping[str, int], other_panel: int
) -> None:
    assert names(manager, "no-panel", cut="2") == {"Alone"}
    assert names(manager, "no-panel", cut="1") == set()
    assert names(manager, "four-cut", panel=str(other_panel)) == set()
    answer = manager.post(ADDRESS, show="no-panel", text="unse")
    assert "unse" not in answer.location
    page = manager.get(answer.location).get_data(as_text=True)
    assert "UNSEEN" in page
    assert "ALONE" not in page
    for wrong in ({"show": "all"}, {"cut": "5"}, {"panel": "x"}):
        assert manager.get(ADDRESS, **wrong).status_code == 422


def test_patients_whose_record_the_person_may_not_see_are_not_shown_nor_put_on_a_panel(
    host: OscarHost, manager: Any, barred: Any, oscar: Any, clinic: Mapping[str, int]
) -> None:
    oscar.privilege(BARRED, f"_demographic${clinic['alone']}", "o")
    assert names(barred, "no-panel") == {"Unseen"}
    assert "On no panel <strong>1" in barred.get(ADDRESS).get_data(as_text=True)
    answer = barred.post(f"{ADDRESS}/selected", show="no-panel", selected=[clinic["alone"]], action="four-cut")
    assert answer.status_code == 422
    assert names(manager, "no-panel") == {"Alone", "Unseen"}


def test_the_file_and_the_paper_have_what_the_page_has(manager: Any, clinic: Mapping[str, int]) -> None:
    answer = manager.get(f"{ADDRESS}/export", show="no-panel")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    assert [row["Family name"] for row in rows] == ["Alone", "Unseen"]
    assert rows[0]["Proposed provider"] == "Tremblay, Hélène"
    assert rows[0]["Panel of the proposed provider"] == "0077"
    assert (rows[0]["Cut"], rows[0]["Visits with the proposed provider"], rows[0]["Visits that count"]) == (
        "2",
        "2",
        "3",
    )
    paper = manager.get(f"{ADDRESS}/print", show="no-panel").get_data(as_text=True)
    assert "Tremblay, Hélène: panel 0077" in paper


def test_those_selected_are_reviewed_put_on_panels_as_one_operation_and_undone_like_one(
    host: OscarHost, manager: Any, clinic: Mapping[str, int]
) -> None:
    before = panels_of(host, clinic)
    everyone = manager.post(f"{ADDRESS}/selected", show="no-panel", all="yes", action="four-cut")
    review = manager.get(everyone.location).get_data(as_text=True)
    text = " ".join(re.sub(r"<[^>]+>", " ", review).split())
    assert "1 patient of those selected will stay as it is" in text
    assert "Put 1 Patient on the Panel" in text
    assert panels_of(host, clinic) == before
    fields = dict(re.findall(r'name="(selection|form_key|expected)" value="([^"]+)"', review))
    done = manager.post(f"{ADDRESS}/review", **fields)
    assert panels_of(host, clinic) == before | {"alone": "0077"}
    result = manager.get(done.location).get_data(as_text=True)
    assert "Selected patients put on panel 0077." in result
    assert manager.post(f"{ADDRESS}/review", **fields).location == done.location  # the button was clicked twice
    assert panels_of(host, clinic) == before | {"alone": "0077"}
    manager.post(f"{done.location}/undo")
    assert panels_of(host, clinic) == before


def test_the_mrps_panel_can_be_chosen_instead(host: OscarHost, manager: Any, clinic: Mapping[str, int]) -> None:
    chosen = manager.post(f"{ADDRESS}/selected", show="mrp", selected=[clinic["mrp"]], action="mrp")
    review = manager.get(chosen.location).get_data(as_text=True)
    fields = dict(re.findall(r'name="(selection|form_key|expected)" value="([^"]+)"', review))
    manager.post(f"{ADDRESS}/review", **fields)
    assert panels_of(host, clinic)["mrp"] == "0077"
    assert names(manager, "mrp") == set()


def test_nobody_selected_is_said_and_another_persons_selection_is_not_opened(
    manager: Any, cpar_role: Any, clinic: Mapping[str, int]
) -> None:
    nobody = manager.post(f"{ADDRESS}/selected", show="no-panel", action="four-cut")
    assert nobody.status_code == 422
    assert "Select at least one patient." in nobody.get_data(as_text=True)
    chosen = manager.post(f"{ADDRESS}/selected", show="no-panel", selected=[clinic["alone"]], action="four-cut")
    assert cpar_role.get(chosen.location).status_code == 410
    assert manager.get(f"{ADDRESS}/review").location.endswith(ADDRESS)


def test_a_host_that_cannot_say_who_has_seen_patients_keeps_the_other_lists(
    host: OscarHost, clinic: Mapping[str, int]
) -> None:
    silent: Any = replace(host, visits=None)  # type: ignore[arg-type]
    actor, rules = host.identity.system, Settings()
    with host.database.engine.connect() as connection:
        shown = listing.show(connection, silent, actor, rules, AttachmentCriteria(), 0)
        assert [(row.family_name, row.decision) for row in shown.rows] == [("Alone", None), ("Unseen", None)]
        assert shown.counts[AttachmentList.MRP_DIFFERS] == 1
        assert shown.counts[AttachmentList.FOUR_CUT_DIFFERS] == 0
        target = AttachmentTarget.FOUR_CUT
        chosen = listing.choose(connection, silent, actor, rules, AttachmentCriteria(), target, None)
        assert (chosen.patients, chosen.without_panel) == ({}, 2)
        with pytest.raises(Refused, match="Select at least one"):
            listing.choose(connection, silent, actor, rules, AttachmentCriteria(), target, [])


def test_patients_are_put_on_the_proposed_panel_in_five_clicks_from_the_panels_tab(
    open_tab: OpenTab, clinic: Mapping[str, int]
) -> None:
    page = open_tab(MANAGER)
    page.goto("/cpar/panels")
    page.get_by_role("link", name="Whose Patient Is It").click()
    expect(page.get_by_role("row").filter(has_text="ALONE")).to_contain_text("The provider seen most")
    look(page, "attachment")
    page.get_by_role("button", name="Select all on this page").click()
    look(page, "attachment-selected")
    page.get_by_role("button", name="Put on the proposed provider's panel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Whose patient is it: review changes")
    look(page, "attachment-review")
    page.get_by_role("button", name="Put 1 Patient on the Panel").click()
    expect(page.get_by_text("Selected patients put on panel 0077.")).to_be_visible()
    page.goto(f"{ADDRESS}/print?show=no-panel")
    look(page, "attachment-print")


def test_a_page_works_out_the_four_cut_once(clinic: Mapping[str, int], manager: Any, statements: list[str]) -> None:
    for which in AttachmentList:
        for page in ({}, {"page": "9"}):
            statements.clear()
            shown = manager.get(ADDRESS, show=which, **page).get_data(as_text=True)
            assert sum(statement.count("counted_visit AS") for statement in statements) == 1 + bool(page)
            for counted, number in ((AttachmentList.NO_PANEL, 2), (AttachmentList.MRP_DIFFERS, 1)):
                assert re.search(rf'show={counted}"[^>]*>[^<]*<strong>{number}</strong>', shown), (which, counted)
