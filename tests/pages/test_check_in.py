"""The check-in list in a browser: one key for each patient, two receptionists, and a press without script."""

import html
import re
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import expect

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from cpar_plugin.store.tables import check_in, member
from oscar_host.host import OscarHost

from ..browser import OpenTab, no_findings, picture
from .conftest import RECEPTION

TODAY = date(2026, 11, 10)


@pytest.fixture
def database_kind() -> str:
    """No database changes what the page looks like; what it asks is tested on each in tests/panels."""
    return "sqlite"


@pytest.fixture(params=[12])
def morning(request: pytest.FixtureRequest, host: OscarHost, oscar: Any, clock: FixedClock, panel: int) -> list[int]:
    """Appointments of patients who were confirmed two years ago, three minutes apart."""
    now, patients = clock.now(), []
    clock.move_to(now - timedelta(days=730))
    for number in range(request.param):
        patient = oscar.patient(last_name=f"Guest{number:03}", first_name="Kim", hin=str(300_000_000 + number))
        one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
        patients.append(patient)
    clock.move_to(now)
    for number, patient in enumerate(patients):
        oscar.visit(patient, "2026-10-05")
        oscar.visit(patient, TODAY, time(8 + number // 20, number % 20 * 3), "t")
    return patients


def answers(host: OscarHost) -> dict[int, str]:
    with host.database.engine.connect() as connection:
        return {row.patient_id: row.answer for row in connection.execute(check_in.select())}


@pytest.mark.parametrize("morning", [12, pytest.param(120, marks=pytest.mark.large)], indirect=True)
def test_a_morning_of_appointments_is_worked_off_by_keyboard_by_two_receptionists(
    app: Flask, host: OscarHost, morning: list[int], open_tab: OpenTab
) -> None:
    first, second, many = open_tab(RECEPTION), open_tab(RECEPTION), len(morning)
    half = many // 2
    for page in (first, second):
        page.goto("/")
        page.get_by_role("link", name="Check-in").click()
        expect(page.get_by_text(f"{many} with something to ask.")).to_be_visible()
    expect(first.get_by_text("Is Okafor, Adaeze your regular family provider?").first).to_be_visible()
    for number in range(half):
        first.keyboard.press("1" if number < half - 1 else "2")  # without waiting for an answer
    expect(first.locator(".cpar-check-in-row").nth(half).locator("[data-key='1']")).to_be_focused()
    for number in range(half):
        expect(first.locator(".cpar-check-in-row").nth(number).get_by_role("status")).to_be_visible()
    for number in range(half, many):
        second.locator(".cpar-check-in-row").nth(number).locator("[data-key='1']").focus()
        second.keyboard.press("1" if number < many - 2 else "4" if number == many - 2 else "3")
        expect(second.locator(".cpar-check-in-row").nth(number).get_by_role("status")).to_be_visible()
    given = answers(host)
    assert [
        list(given.values()).count(answer) for answer in ("asked", "other-provider", "not-asked", "moved-away")
    ] == [
        *(many - 3, 1, 1, 1),
    ]
    first.reload()
    expect(first.get_by_text("Nothing to ask")).to_be_visible()


def test_a_press_on_what_a_colleague_has_changed_says_so_in_the_row(
    app: Flask, host: OscarHost, morning: list[int], panel: int, other_panel: int, open_tab: OpenTab
) -> None:
    page = open_tab(RECEPTION)
    page.goto("/cpar/check-in")
    one_patient.choose(host, host.identity.system, morning[0], other_panel, seen_panel_id=panel)
    page.keyboard.press("1")
    row = page.locator(".cpar-check-in-row").first
    expect(row.get_by_role("alert")).to_contain_text("moved this patient to panel")
    page.keyboard.press("1")  # now that it has been seen
    expect(row).to_contain_text("Confirmed: asked at check-in.")


def test_without_script_a_press_comes_back_to_the_list(reception: Any, host: OscarHost, morning: list[int]) -> None:
    with host.database.engine.connect() as connection:
        panel_id = connection.execute(member.select().where(member.c.patient_id == morning[0])).one().panel_id
    form = {"answer": "asked", "day": TODAY.isoformat(), "seen_panel_id": panel_id}
    answer = reception.post(f"/cpar/check-in/{morning[0]}", **form)
    assert (answer.status_code, answer.location) == (303, "/cpar/check-in")
    page = reception.get("/cpar/check-in").get_data(as_text=True)
    assert "Confirmed: asked at check-in." in page
    assert "11 with something to ask." in " ".join(page.split())
    for wrong in ({"answer": "maybe"}, {"day": "today"}, {"seen_panel_id": "x"}):
        assert reception.post(f"/cpar/check-in/{morning[1]}", **(form | wrong)).status_code == 422
    assert reception.post(f"/cpar/check-in/{morning[1]}", **(form | {"day": "2026-11-09"})).status_code == 409


def test_the_clinic_asks_in_its_own_words_and_can_go_back_to_ours(
    manager: Any, reception: Any, morning: list[int]
) -> None:
    def page(answer: Any) -> str:
        return html.unescape(answer.get_data(as_text=True))

    address, own = "/cpar/settings/check-in", {"question": "Still with {provider}?", "question_not_paneled": "Whose?"}
    own["question_conflict"] = "Which clinic?"
    assert address in page(manager.get("/cpar/settings"))
    form = page(manager.get(address))
    assert "It is asked as: <q>Is Okafor, Ada your regular family provider?</q>" in form
    version = form.partition('name="version" value="')[2].partition('"')[0]
    preview = manager.post(address, **own, action="preview", version=version)
    assert (preview.status_code, "<q>Still with Okafor, Ada?</q>" in page(preview)) == (200, True)
    assert "Still with" not in page(reception.get("/cpar/check-in")), "a preview is not saved"
    wrong = manager.post(address, **own | {"question": "Still with {doctor}?"}, action="save", version=version)
    assert (wrong.status_code, "remove {doctor}" in page(wrong)) == (422, True)
    assert 'value="Still with {doctor}?"' in page(wrong)
    assert manager.post(address, **own, action="save", version=version).location == address
    for shown in ("/cpar/check-in", "/cpar/check-in/slips", f"/cpar/check-in/{morning[0]}"):
        assert "Still with Okafor, Adaeze?" in page(reception.get(shown)), shown
    stale = manager.post(address, **own | {"question_not_paneled": "Who?"}, action="save", version=version)
    assert (stale.status_code, "Someone else changed these settings" in page(stale)) == (409, True)
    assert manager.post(address, action="reset", version=str(int(version) + 1)).status_code == 303
    assert "Is Okafor, Adaeze your regular family provider?" in page(reception.get("/cpar/check-in"))


def test_slips_are_printed_one_for_each_patient_with_no_more_than_they_need(
    app: Flask, oscar: Any, morning: list[int], open_tab: OpenTab, tmp_path: Path
) -> None:
    oscar.visit(morning[0], TODAY, "16:00", "t")  # a second appointment, and no second slip
    free = oscar.patient(last_name="Free", first_name="Ann", hin="300000999")
    oscar.visit(free, TODAY, "16:10", "t")
    page = open_tab(RECEPTION)
    page.add_init_script("window.print = () => { window.printed = true }")
    page.goto("/cpar/check-in")
    page.get_by_role("link", name="Print Slips").click()
    slips = page.locator(".cpar-slip")
    expect(slips).to_have_count(13)
    page.wait_for_function("window.printed")
    expect(slips.first).to_contain_text("Guest000, Kim")
    expect(slips.first).to_contain_text("Is Okafor, Adaeze your regular family provider?")
    expect(slips.filter(has_text="Free, Ann")).to_contain_text("Who is your regular family provider?")
    for private in ("300000", "1980", "0042"):  # neither PHN nor date of birth nor panel
        expect(page.locator(".cpar-slips")).not_to_contain_text(private)
    no_findings(page, "check-in-slips")
    picture(page, "check-in-slips")
    page.emulate_media(media="print")
    for part in (page.locator(".cpar-slips-head"), page.get_by_role("navigation").first):
        expect(part).to_be_hidden()
    sheets = page.pdf(format="Letter", path=tmp_path / "slips.pdf")
    assert len(re.findall(rb"/Type\s*/Page\b", sheets)) == 5, "three slips on a sheet, none of them cut in two"
