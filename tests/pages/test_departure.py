"""A provider leaves: the way from the day to the end of the panel, as people go it, with and without script."""

import re
from collections import Counter
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from cpar_plugin.domain.departure_texts import DEFAULT_LETTER
from cpar_plugin.domain.other_panel import other_draft
from cpar_plugin.domain.panel_state import PanelState
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.other_panels import editing as other_editing
from cpar_plugin.services.other_panels import one_patient as other_patient
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.submissions import requests, run
from cpar_plugin.settings import load
from cpar_plugin.store.tables import member
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from ..conftest import ALBERTA
from .conftest import MANAGER, Person

pytestmark = pytest.mark.databases("one")


def _text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


def _on(host: OscarHost) -> Counter[int]:
    with host.database.engine.connect() as connection:
        return Counter(row.panel_id for row in connection.execute(member.select()))


def _state(host: OscarHost, panel_id: int) -> PanelState:
    with host.database.engine.connect() as connection:
        return editing.get(connection, host, panel_id).state


def _version(person: Person, address: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', person.get(address).get_data(as_text=True))
    assert found
    return found[1]


@pytest.fixture
def patients(host: OscarHost, oscar: Any, panel: int) -> list[int]:
    """Ten patients on the panel, five homes of two, all seen."""
    with oscar.at_once():
        ids = [
            oscar.patient(hin=f"1000000{10 + place}", address=f"{place // 2} Main St", city="Edmonton")
            for place in range(10)
        ]
        for patient_id in ids:
            oscar.visit(patient_id)
    bulk.carry_out(host, host.identity.system, bulk.Assign("101", "AC", panel))
    return ids


def _to_the_move(person: Person, panel: int, other_panel: int) -> str:
    address = f"/cpar/panels/{panel}/departure"
    person.post(address, step="date", leaves_on="2027-01-31")
    person.post(address, step="freeze", version=_version(person, address))
    fields = {"target": str(other_panel), f"percent-{other_panel}": "100", "together": "yes"}
    person.post(address, step="split", version=_version(person, address), **fields)
    return address


@pytest.mark.parametrize("script", [True, False])
def test_the_whole_way_in_a_browser(
    host: OscarHost, open_tab: OpenTab, patients: list[int], panel: int, other_panel: int, script: bool
) -> None:
    tab = open_tab(MANAGER, script=script)
    tab.goto(f"/cpar/panels/{panel}")
    tab.get_by_role("link", name="Provider leaves").click()
    tab.get_by_label("The provider leaves on").fill("2027-01-31")
    tab.get_by_role("button", name="Save Day").click()
    tab.get_by_role("button", name="Set In Transition").click()
    expect(tab.get_by_text("is in transition: no one can be added to it")).to_be_visible()
    tab.get_by_role("textbox", name="Share in percent").fill("90")
    tab.get_by_role("button", name="Preview").click()
    expect(tab.get_by_role("alert")).to_contain_text("The shares add up to 90%")
    tab.get_by_role("textbox", name="Share in percent").fill("100")
    tab.get_by_role("button", name="Preview").click()
    if script:
        look(tab, "departure-preview")
    tab.get_by_role("link", name="10 patients to panel").click()
    expect(tab.get_by_role("row")).to_have_count(11)
    if script:
        look(tab, "departure-patients")
    tab.get_by_role("link", name="Back").click()
    assert _on(host) == {panel: 10}
    tab.get_by_role("button", name="Move 10 Patients").click()
    expect(tab.get_by_text("The patients were moved on")).to_be_visible()
    assert _on(host) == {other_panel: 10}
    tab.get_by_role("button", name="Undo the Move").click()
    expect(tab.get_by_text("Undone: 10 patients restored.")).to_be_visible()
    assert _on(host) == {panel: 10}
    tab.get_by_role("button", name="Move 10 Patients").click()
    tab.get_by_role("textbox", name="Letter").fill("Dear {patient}: {new_provider}")
    tab.get_by_role("button", name="Save Letter").click()
    tab.get_by_label("Send the letters to the patients.").check()
    tab.get_by_role("button", name="Save List").click()
    expect(tab.get_by_label("Send the letters to the patients.")).to_be_checked()
    if script:
        look(tab, "departure-moved")
    tab.get_by_role("link", name="Print letters").click()
    expect(tab.get_by_role("article")).to_have_count(10)
    expect(tab.get_by_role("article").first).to_contain_text("Main St")
    expect(tab.get_by_role("article").first).to_contain_text("Tremblay")
    if script:
        look(tab, "departure-letters")
    tab.get_by_role("link", name="Back").click()
    tab.get_by_role("button", name="End the Panel Now").click()
    expect(tab.get_by_text("The panel has ended.")).to_be_visible()
    assert _state(host, panel) is PanelState.ENDED


@pytest.mark.parametrize("script", [True, False])
def test_affiliations_and_caseloads_go_along_in_a_browser(
    host: OscarHost, open_tab: OpenTab, oscar: Any, patients: list[int], panel: int, other_panel: int, script: bool
) -> None:
    actor = host.identity.system
    for name, kind, provider in (
        ("North", "affiliation", "101"),
        ("South", "affiliation", "102"),
        ("Nurse", "caseload", "101"),
    ):
        other_editing.create(host, actor, other_draft(kind, name, provider))
    alone = oscar.patient(last_name="Alone", provider_no="102", born="1980-02-03")
    for patient_id in (*patients[:4], alone):
        other_patient.choose(host, actor, patient_id, 1, seen_id=None, signed="2026-03-01")
    tab = open_tab(MANAGER, script=script)
    tab.goto(f"/cpar/panels/{panel}/departure")
    expect(tab.get_by_text("The provider also has affiliation North and caseload Nurse.")).to_be_visible()
    tab.get_by_label("The provider leaves on").fill("2027-01-31")
    tab.get_by_role("button", name="Save Day").click()
    tab.get_by_role("button", name="Set In Transition").click()
    tab.get_by_role("textbox", name="Share in percent").fill("100")
    affiliation = tab.get_by_label("Affiliation of those who go to panel 0077")
    expect(affiliation.locator("option:checked")).to_contain_text("South")
    expect(tab.get_by_label("What becomes of caseload Nurse").locator("option:checked")).to_have_text(
        "Ends with the panel"
    )
    affiliation.select_option("")
    tab.get_by_role("button", name="Preview").click()
    expect(tab.get_by_text("Select the affiliation of those who go to this panel.").first).to_be_visible()
    tab.get_by_label("Affiliation of those who go to panel 0077").select_option(index=1)
    tab.get_by_role("button", name="Preview").click()
    expect(tab.get_by_text("11 patients go to panels of colleagues by these rules.")).to_be_visible()
    if script:
        look(tab, "departure-lists-preview")
    tab.get_by_role("link", name="1 patient on lists only").click()
    expect(tab.get_by_role("row")).to_have_count(2)
    tab.get_by_role("link", name="Back").click()
    tab.get_by_role("button", name="Move 10 Patients, and 5 on Lists").click()
    expect(tab.get_by_text("5 patients to South")).to_be_visible()
    if script:
        look(tab, "departure-lists-moved")
    tab.get_by_role("link", name="Print letters to patients of panel").click()
    expect(tab.get_by_role("article")).to_have_count(11)
    expect(tab.get_by_text("Your Blended Capitation affiliation will then be with Hélène Tremblay.")).to_have_count(5)
    tab.get_by_role("link", name="Back").click()
    tab.get_by_role("link", name="Result, and who was not moved").click()
    expect(tab.get_by_text("Moved to another affiliation or caseload: 5")).to_be_visible()
    tab.go_back()
    tab.get_by_role("button", name="Undo the Move").click()
    expect(tab.get_by_text("Undone: 10 patients restored, and 5 on affiliations and caseloads.")).to_be_visible()
    tab.get_by_label("What becomes of affiliation North").select_option("end")
    tab.get_by_role("button", name="Preview").click()
    tab.get_by_role("link", name="Print letters to patients of affiliation North alone").click()
    expect(tab.get_by_text("Your Blended Capitation affiliation ends on Jan 31, 2027.")).to_have_count(1)


def test_after_the_next_submission_the_move_can_no_longer_be_undone(
    host: OscarHost,
    manager: Person,
    patients: list[int],
    panel: int,
    other_panel: int,
    clock: FixedClock,
    tmp_path: Path,
) -> None:
    address = _to_the_move(manager, panel, other_panel)
    manager.post(address, step="move", version=_version(manager, address))
    settings = load({**host.settings, "outbox_folder": str(tmp_path)})
    requests.ask(host, settings, host.identity.system, other_panel)
    clock.move_to(settings.calendar(clock.zone).moment(requests.run_date(host, settings), settings.night_run_at))
    run.run_due(host, settings, clock.now())
    operation = re.search(r'name="operation_id" value="(\d+)"', _text(manager.get(address)))
    assert operation
    number = operation[1]
    for where, fields in ((address, {"step": "undo", "operation_id": number}), (f"/cpar/bulk/{number}/undo", {})):
        answer = manager.post(where, **fields)
        assert answer.status_code == 422
        assert "has been submitted since: the registry has these patients with it" in _text(answer)
    assert _on(host) == {other_panel: len(patients)}


def test_a_departures_letter_begins_with_the_clinics_words_and_can_have_its_own(
    manager: Person, panel: int, other_panel: int, patients: list[int]
) -> None:
    settings, address = "/cpar/settings/letters", _to_the_move(manager, panel, other_panel)
    ours = "You do not need to do anything if you agree."
    assert ours in _text(manager.get(address))
    entered = {
        "letterhead": "",
        "text": "Please remove {patient}.",
        "letter_text": "To {patient}: {provider} is going.",
    }
    assert "Only {patient}" in unescape(
        _text(
            manager.post(
                settings, action="save", version=_version(manager, settings), **entered | {"letter_text": "{x}"}
            )
        )
    )
    shown = _text(manager.post(settings, action="preview", version=_version(manager, settings), **entered))
    assert "To Ada Okafor: Pat Example is going." in shown
    assert manager.post(settings, action="save", version=_version(manager, settings), **entered).status_code == 303
    assert "To {patient}: {provider} is going.</textarea>" in _text(manager.get(address))
    letters = _text(manager.get(f"{address}/letters", to=str(other_panel)))
    assert letters.count("is going.") == len(patients)
    manager.post(address, step="letter", version=_version(manager, address), letter_text="Bye {patient}.")
    assert "Bye {patient}.</textarea>" in _text(manager.get(address))
    assert (
        manager.post(settings, action="reset-departure", version=_version(manager, settings), **entered).status_code
        == 303
    )
    assert ours in _text(manager.get(settings))
    assert "Please remove {patient}.</textarea>" in _text(manager.get(settings))
    assert "Bye {patient}.</textarea>" in _text(manager.get(address))
    manager.post(address, step="letter", version=_version(manager, address), letter_text=DEFAULT_LETTER)
    assert ours in _text(manager.get(address))


def test_once_the_day_is_over_every_page_says_who_is_still_on_the_panel(
    host: OscarHost,
    manager: Person,
    reception: Person,
    panel: int,
    other_panel: int,
    patients: list[int],
    clock: FixedClock,
) -> None:
    address = _to_the_move(manager, panel, other_panel)
    said = "Panel 0042: its provider left on Jan 31, 2027, and 10 active patients are still on it."
    for day, is_told in ((31, False), (32, True)):
        clock.move_to(datetime(2027, 1, 31, 9, tzinfo=ALBERTA) + timedelta(days=day - 31))
        manager.sign_in()
        shown = _text(manager.get("/cpar/panels"))
        assert (said in shown) is is_told
    assert f'href="{address}"' in shown
    assert said in _text(manager.get("/cpar/settings"))
    reception.sign_in()
    assert "its provider left" not in _text(reception.get(f"/patients/{patients[0]}"))
    for patient_id in patients[1:]:
        one_patient.remove(host, host.identity.system, patient_id, seen_panel_id=panel)
    assert "1 active patient is still on it" in _text(manager.get("/cpar/panels"))
    one_patient.remove(host, host.identity.system, patients[0], seen_panel_id=panel)
    assert "its provider left" not in _text(manager.get("/cpar/panels"))


def test_what_somebody_has_not_seen_is_not_done(
    host: OscarHost, manager: Person, patients: list[int], panel: int, other_panel: int
) -> None:
    address = _to_the_move(manager, panel, other_panel)
    late = _version(manager, address)
    manager.post(address, step="registry", version=late, done="letters")
    for step in ("move", "registry", "letter", "cancel", "split", "date"):
        fields = {"letter_text": "Dear {patient}", "leaves_on": "2027-01-31", "target": str(other_panel)}
        answer = manager.post(address, step=step, version=late, **fields, **{f"percent-{other_panel}": "100"})
        assert (step, answer.status_code) == (step, 409)
        assert "Someone else changed this departure in the meantime" in _text(answer)
    refused = manager.post(address, step="end", version=_version(manager, address))
    assert refused.status_code == 422
    assert "10 active patients are still on the panel." in _text(refused)
    assert _on(host) == {panel: 10}
    assert manager.post(address, step="dance").status_code == 422
    manager.post(address, step="cancel", version=_version(manager, address))
    assert _state(host, panel) is PanelState.ACTIVE


def test_who_is_not_moved_is_in_a_file_and_a_closed_panel_gets_no_one(
    host: OscarHost, oscar: Any, manager: Person, patients: list[int], panel: int, other_panel: int
) -> None:
    one_patient.choose(host, host.identity.system, oscar.patient(patient_status="IN"), panel, seen_panel_id=None)
    address = _to_the_move(manager, panel, other_panel)
    assert "Status is Inactive" in _text(manager.get(f"{address}/not-moved"))
    manager.post(
        f"/cpar/panels/{other_panel}/edit",
        number="0043",
        facilities="113",
        providers="102",
        practitioner_ids="2234-56789",
        version="1",
        step="save",
        state="in-transition",
    )
    answer = manager.post(address, step="move", version=_version(manager, address))
    assert answer.status_code == 422
    assert "is in transition: no one can be added to it" in _text(answer)
    assert _on(host) == {panel: 11}
