"""Answering a caution: on the patient's box and in the panel's list, with and without script."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.panels.csv_export import HEAD, export
from cpar_plugin.services.roster.csv_file import csv_file
from cpar_plugin.settings import load
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from .conftest import MANAGER, RECEPTION

pytestmark = pytest.mark.databases("one")

_BUTTON = re.compile(r'name="(answer|withdraw)" value="(\d+ ([a-z-]+) [0-9a-f]{32})"')


@pytest.fixture
def unsure(host: OscarHost, oscar: Any, panel: int) -> Callable[..., int]:
    """A member of the panel 0042 whose gender is unknown, unless told otherwise."""

    def make(**columns: Any) -> int:
        patient_id: int = oscar.patient(**({"sex": "U", "hin": "123466789"} | columns))
        oscar.visit(patient_id)
        one_patient.choose(host, host.identity.system, patient_id, panel, seen_panel_id=None)
        return patient_id

    return make


def text(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status
    return " ".join(answer.get_data(as_text=True).split())


def buttons(page: str) -> dict[tuple[str, str], str]:
    """What each button sends, by what it does and the caution."""
    return {(act, caution): value for act, value, caution in _BUTTON.findall(page)}


def test_the_box_shows_who_has_checked_what_and_takes_it_back(unsure: Any, reception: Any) -> None:
    patient = unsure()
    box = f"/cpar/patients/{patient}"
    before = text(reception.get(f"{box}/widget"))
    assert "Will be submitted, but check: <strong>Gender is unknown." in before
    value = buttons(before)["answer", "gender-unknown"]
    assert reception.post(f"{box}/answer", answer=value).location == f"/patients/{patient}"
    after = text(reception.get(f"{box}/widget"))
    assert "but check" not in after
    assert re.search(
        r"Gender is unknown. Checked against the card \(Santos, Ada, <time .*>Nov 10, 2026, 10:00 AM</time>\)", after
    )
    value = buttons(after)["withdraw", "gender-unknown"]
    assert reception.post(f"{box}/answer", withdraw=value).status_code == 303
    again = text(reception.get(f"{box}/widget"))
    assert "but check" in again
    assert list(buttons(again)) == [("answer", "gender-unknown")]


def test_a_value_that_changed_in_the_meantime_is_shown_to_decide_again(unsure: Any, oscar: Any, reception: Any) -> None:
    patient = unsure()
    value = buttons(text(reception.get(f"/cpar/patients/{patient}/widget")))["answer", "gender-unknown"]
    record = oscar.tables.demographic
    with oscar.database.writing() as connection:
        connection.execute(update(record).where(record.c.demographic_no == patient).values(sex="O", pref_name="Pip"))
    page = text(reception.post(f"/cpar/patients/{patient}/answer", answer=value), 409)
    assert "has changed since this page was loaded" in page
    assert ("answer", "preferred-name") in buttons(page)


@pytest.mark.parametrize("value", ["", "1", "x gender-unknown ab", "1 no-such-caution ab", "1 gender-unknown"])
def test_a_form_that_is_not_complete_changes_nothing(unsure: Any, reception: Any, value: str) -> None:
    assert reception.post(f"/cpar/patients/{unsure()}/answer", answer=value).status_code == 422


def test_one_name_is_answered_where_the_box_says_that_the_other_is_missing(unsure: Any, reception: Any) -> None:
    patient = unsure(last_name="", first_name="Suharto", sex="M")
    box = f"/cpar/patients/{patient}"
    page = text(reception.get(f"{box}/widget"))
    assert "Will be excluded" in page
    assert ">Only one name, as shown on the card</button>" in page
    reception.post(f"{box}/answer", answer=buttons(page)["answer", "given-name-missing"])
    page = text(reception.get(f"{box}/widget"))
    assert "Will be excluded" not in page
    assert "Only one name, as shown on the card (Santos, Ada" in page


def test_the_list_filters_counts_and_answers(unsure: Any, manager: Any, panel: int) -> None:
    first, second = unsure(last_name="Adler"), unsure(last_name="Bunting", hin="200000002")
    unsure(last_name="Crane", sex="F", hin="200000003")
    here = f"/cpar/panels/{panel}"
    page = text(manager.get(here, show="gender-unknown"))
    assert '<option value="gender-unknown" selected>Gender is unknown</option>' in page
    assert "2 patients found" in page
    value = next(value for act, value, _ in _BUTTON.findall(page) if value.startswith(f"{first} gender"))
    answered = manager.post(f"{here}/answer", answer=value, show="gender-unknown")
    assert (answered.status_code, answered.location) == (303, f"{here}?show=gender-unknown#cpar-row-{first}")
    page = text(manager.get(answered.location))
    assert "Saved: checked against the card." in page
    assert re.findall(r'name="selected" value="(\d+)"', page) == [str(second)]
    everybody = text(manager.get(here))
    assert "Checked against the card (Penner, Ada, Nov 10, 2026, 10:00 AM)" in everybody


def test_the_file_says_what_to_check_and_what_was_checked(
    unsure: Any, manager: Any, host: OscarHost, panel: int
) -> None:
    patient = unsure()

    def columns() -> tuple[str, str]:
        data = b"".join(csv_file(export(host, host.identity.system, load(host.settings), panel))).decode("utf-8-sig")
        row = dict(zip(HEAD, list(csv.reader(io.StringIO(data)))[1], strict=True))
        return row["To check"], row["Checked"]

    assert columns()[0].startswith("Gender is unknown.")
    value = buttons(text(manager.get(f"/cpar/panels/{panel}")))["answer", "gender-unknown"]
    manager.post(f"/cpar/panels/{panel}/answer", answer=value)
    assert columns() == ("", "Gender is unknown. Checked against the card (Penner, Ada, 2026-11-10).")
    assert patient


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_clerk_answers_by_keyboard(unsure: Any, panel: int, open_tab: OpenTab, script: bool) -> None:
    patient = unsure(pref_name="Pip", hin="123456789")
    page = open_tab(RECEPTION, script=script)
    page.goto(f"/patients/{patient}")
    if script:
        look(page, "box-to-check")
    page.get_by_role("button", name="Checked against the card: Gender is unknown").press("Enter")
    expect(page.get_by_text("Gender is unknown. Checked against the card (Santos, Ada")).to_be_visible()
    expect(page.get_by_role("button", name="Checked against the card")).to_have_count(2)
    if script:
        expect(page.get_by_role("status")).to_be_focused()
        look(page, "box-checked")
    page.get_by_role("button", name="Withdraw: Gender is unknown").press("Enter")
    expect(page.get_by_role("button", name="Checked against the card")).to_have_count(3)

    page = open_tab(MANAGER, script=script)
    page.goto(f"/cpar/panels/{panel}?show=to-check")
    name = f"Checked against the card: Gender is unknown, EXAMPLE, Pat, record {patient}"
    page.get_by_role("button", name=name).press("Enter")
    expect(page.get_by_role("status").first).to_have_text("Saved: checked against the card.")
    if script:
        look(page, "panel-to-check")
