"""Affiliations and caseloads on the pages: in the list of panels, in the box, in Bulk Update, and on paper."""

import io
import re
from typing import Any

import pytest

from cpar_plugin.host_kit.clock import FixedClock
from oscar_host.host import OscarHost

from .conftest import Person
from .list_layouts import form_of, upload_affiliated

pytestmark = pytest.mark.databases("one")


def _text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.get_data(as_text=True)))


@pytest.fixture
def affiliation(manager: Person, panel: int) -> int:
    """One that a manager has created; a caseload is the next."""
    for kind, name in (("affiliation", "North"), ("caseload", "Nurse"), ("affiliation", "South")):
        answer = manager.post("/cpar/panels/other/new", kind=kind, name=name)
        assert answer.status_code == 303
    return 1


def test_the_list_of_panels_shows_each_kind_and_is_narrowed_to_one(manager: Person, affiliation: int) -> None:
    page = _text(manager.get("/cpar/panels"))
    assert "North Blended Capitation affiliation" in page
    assert "Nurse Caseload" in page
    assert "They are never submitted to the registry." in page
    assert "0042" in page
    only = _text(manager.get("/cpar/panels?kind=caseload"))
    assert "Nurse Caseload" in only
    assert "North" not in only
    assert "0042" not in only
    cpar = _text(manager.get("/cpar/panels?kind=cpar"))
    assert "0042" in cpar
    assert "Nurse Caseload" not in cpar
    assert manager.get("/cpar/panels?kind=other").status_code == 422


@pytest.mark.parametrize("address", ["/patients/{}", "/patients/{}/details"])
def test_the_box_on_both_pages_adds_dates_moves_and_removes(
    oscar: Any, reception: Person, affiliation: int, address: str
) -> None:
    patient = oscar.patient(born="1980-02-03")
    page, change = address.format(patient), f"/cpar/patients/{patient}/other/"
    before = _text(reception.get(page))
    assert "Blended Capitation affiliation: none" in before
    assert "Caseload: none" in before
    seen = {"kind": "affiliation", "seen_other_id": ""}
    answer = reception.post(f"{change}choose", other_id="1", signed_on="2030-01-01", **seen)
    assert answer.status_code == 422
    assert "The date of the signed form is in the future: correct it." in _text(answer)
    assert 'value="2030-01-01"' in answer.get_data(as_text=True)
    assert reception.post(f"{change}choose", other_id="1", signed_on="2026-03-01", **seen).status_code == 303
    shown = _text(reception.get(page))
    assert "Blended Capitation affiliation: North" in shown
    assert "Form signed: Mar 1, 2026" in shown
    stale = reception.post(f"{change}choose", other_id="3", signed_on="", **seen)
    assert stale.status_code == 409
    assert "Someone else put this patient on the affiliation North in the meantime." in _text(stale)
    seen["seen_other_id"] = "1"
    assert reception.post(f"{change}choose", other_id="3", signed_on="", **seen).status_code == 303
    shown = _text(reception.get(page))
    assert "Blended Capitation affiliation: South" in shown
    assert "Form signed: Mar 1, 2026" in shown
    seen["seen_other_id"] = "3"
    assert reception.post(f"{change}sign", signed_on="", **seen).status_code == 303
    assert "Date of the signed form not entered" in _text(reception.get(page))
    assert reception.post(f"{change}remove", **seen).status_code == 303
    assert "Blended Capitation affiliation: none" in _text(reception.get(page))
    history = _text(reception.get(f"/cpar/patients/{patient}/history"))
    for event in (
        "Added to affiliation North, form signed Mar 1, 2026",
        "Moved from affiliation North to South, form signed Mar 1, 2026",
        "On affiliation South, date of the signed form removed",
        "Removed from affiliation South",
    ):
        assert event in history


def test_the_box_says_nothing_of_kinds_that_the_clinic_does_not_have(
    oscar: Any, reception: Person, manager: Person, panel: int
) -> None:
    patient = oscar.patient()
    assert "Caseload" not in _text(reception.get(f"/patients/{patient}"))
    manager.post("/cpar/panels/other/new", kind="caseload", name="Nurse")
    page = _text(reception.get(f"/patients/{patient}"))
    assert "Caseload: none" in page
    assert "Blended Capitation" not in page


def test_bulk_update_names_the_kind_previews_and_can_be_undone(
    host: OscarHost, oscar: Any, manager: Person, affiliation: int, clock: FixedClock
) -> None:
    patient = oscar.patient(last_name="Quist")
    bulk = manager.get("/cpar/bulk").get_data(as_text=True)
    assert "/cpar/panels/other/bulk?kind=caseload" in bulk
    empty = manager.post("/cpar/panels/other/bulk", kind="caseload", action="assign", status="AC")
    assert empty.status_code == 422
    assert "Select the provider whose patients will be assigned." in _text(empty)
    assert "Choose the caseload to assign patients to." in _text(empty)
    fields = {"kind": "caseload", "action": "assign", "provider_id": "101", "to_id": "2", "status": "AC"}
    answer = manager.post("/cpar/panels/other/bulk", **fields)
    assert answer.status_code == 303
    preview = manager.get(answer.location)
    assert "Added, on no caseload now: 1 patient" in _text(preview)
    assert "CPAR panels do not change." in _text(preview)
    key = re.search(r'name="form_key" value="([0-9a-f]{32})"', preview.get_data(as_text=True))
    assert key
    done = manager.post("/cpar/panels/other/bulk", step="carry-out", form_key=key[1], **fields)
    again = manager.post("/cpar/panels/other/bulk", step="carry-out", form_key=key[1], **fields)
    assert (done.status_code, again.location) == (303, done.location)
    result = _text(manager.get(done.location))
    assert "Caseload: Assign patients with status Active of" in result
    assert "Added: 1" in result
    assert "QUIST" in _text(manager.get("/cpar/panels/other/2")).upper()
    assert "QUIST" in _text(manager.get("/cpar/panels/other/2/print")).upper()
    assert f"{patient},Quist" in manager.get("/cpar/panels/other/2/export").get_data(as_text=True)
    undone = manager.post(f"{done.location}/undo")
    assert undone.status_code == 303
    assert "This bulk update was undone" in _text(manager.get(undone.location))
    assert "No patients yet." in _text(manager.get("/cpar/panels/other/2"))


def test_patients_are_searched_and_selected_on_the_page_and_no_name_is_in_an_address(
    oscar: Any, manager: Person, affiliation: int
) -> None:
    ids = [oscar.patient(last_name=name, born="1980-02-03") for name in ("Quist", "Abbott", "Wong")]
    for patient in ids:
        manager.post(f"/cpar/patients/{patient}/other/choose", kind="affiliation", seen_other_id="", other_id="1")
    here = "/cpar/panels/other/1"
    searched = manager.post(here, text="quist", sort="-born")
    assert "quist" not in searched.location.lower()
    shown = manager.get(searched.location)
    assert "1 patient found" in _text(shown)
    assert "QUIST" in shown.text
    assert "WONG" not in shown.text
    assert f"{ids[0]},Quist" in manager.get(searched.location.replace("1?", "1/export?")).text
    assert "Abbott" not in manager.get(searched.location.replace("1?", "1/export?")).text
    assert manager.get(here, sort="shoe").status_code == 422
    everyone = manager.post(f"{here}/selected", action="select-found")
    form = {"scope": "found", "expected": "3"}
    assert "All 3 found are selected" in _text(manager.get(everyone.location))
    stale = manager.post(f"{here}/selected", action="sign", signed_on="2026-03-01", scope="found", expected="2")
    assert stale.status_code == 422
    assert "The list has changed: 3 patients are found now." in _text(stale)
    future = manager.post(f"{here}/selected", action="sign", signed_on="2031-03-01", selected=str(ids[1]))
    assert "The date of the signed form is in the future" in _text(future)
    assert f'value="{ids[1]}" aria-label="Select ABBOTT' in future.text
    signed = manager.post(f"{here}/selected", action="sign", signed_on="2026-03-01", **form)
    done = _text(manager.get(signed.location))
    assert "Enter the date of the signed form for selected patients of North: 3 patients changed." in done
    assert "No date of a signed form" not in done
    assert "3 patients changed" not in _text(manager.get(here))  # it is told once
    moved = manager.post(f"{here}/selected", action="move", to_id="3", selected=[str(one) for one in ids[:2]])
    operation = re.search(r'name="operation_id" value="(\d+)"', manager.get(moved.location).text)
    assert operation
    assert "2 patients" in _text(manager.get("/cpar/panels/other/3"))
    manager.post(f"{here}/selected", action="undo", operation_id=operation[1])
    assert "3 patients" in _text(manager.get(here))
    removed = manager.post(f"{here}/selected", action="remove", selected=str(ids[2]))
    assert "1 patient changed" in _text(manager.get(removed.location))
    assert manager.post(f"{here}/selected", action="remove").status_code == 422
    assert "Show them" not in manager.get(here, undated="yes").text


def test_deleting_one_says_how_many_are_on_it_and_touches_no_cpar_panel(
    oscar: Any, manager: Person, reception: Person, affiliation: int, panel: int
) -> None:
    patient = oscar.patient()
    reception.post(f"/cpar/patients/{patient}/choose", panel_id=panel, seen_panel_id="")
    reception.post(f"/cpar/patients/{patient}/other/choose", kind="caseload", seen_other_id="", other_id="2")
    assert "1 patient will be removed from this caseload." in _text(manager.get("/cpar/panels/other/2/delete"))
    assert manager.post("/cpar/panels/other/2/delete", version="1").status_code == 303
    page = _text(reception.get(f"/patients/{patient}"))
    assert "0042" in page
    assert "Caseload" not in page


def test_the_columns_of_a_list_are_said_once_and_the_dates_are_kept_by_affiliations_alone(
    oscar: Any, manager: Person, affiliation: int, panel: int
) -> None:
    patient = oscar.patient(hin="100000001", last_name="Example", first_name="Pat", born="1980-02-03")
    rows = b"Card,Surname,Forename,When\r\n100000001,Example,Pat,03/04/2026\r\n"

    def sent(to: int) -> Any:
        return manager.post(f"/cpar/panels/other/{to}/import", file=(io.BytesIO(rows), "cards.csv"))

    columns = "/cpar/panels/other/import/columns"
    assert sent(1).location == columns
    shown = manager.get(columns).get_data(as_text=True)
    assert "all patients to <strong>affiliation North</strong>" in shown
    form = {**form_of(shown), "field": ["phn", "family-name", "given-name", "signed-on"], "step": "continue"}
    refused = manager.post(columns, **form)
    assert refused.status_code == 422
    assert "Select the order of the dates in this list" in _text(refused)
    assert manager.post(columns, **form, date_order="dmy").location == "/cpar/panels/other/import/review"
    assert 'href="/cpar/panels/other/import/columns"' in manager.get("/cpar/panels/other/import/review").text
    hidden = dict(
        re.findall(r'name="(upload_id|form_key)" value="([^"]+)"', manager.get("/cpar/panels/other/import/review").text)
    )
    manager.post("/cpar/panels/other/import/review", step="carry-out", **hidden)
    assert "Form signed: Apr 3, 2026" in _text(manager.get(f"/cpar/patients/{patient}/panel"))
    assert sent(2).location == "/cpar/panels/other/import/review"
    assert "A caseload has no signed forms" in _text(manager.get(columns))
    assert manager.post(columns, **form).status_code == 409  # of the list before


def test_a_list_is_uploaded_reviewed_and_imported_with_its_dates(
    oscar: Any, manager: Person, affiliation: int, panel: int
) -> None:
    patient = oscar.patient(hin="100000001", last_name="Example", first_name="Pat", born="1980-02-03")
    without = manager.post("/cpar/panels/other/1/import")
    assert without.status_code == 422
    upload_affiliated(manager, 1)
    review = manager.get("/cpar/panels/other/import/review")
    assert "Added, on no affiliation now: 1 patient" in _text(review)
    assert "No patient was found: correct the PHN in the list, or in the EMR: 1" in _text(review)
    assert "NOBODY, Nora" in _text(review)
    hidden = dict(re.findall(r'name="(upload_id|form_key)" value="([^"]+)"', review.get_data(as_text=True)))
    done = manager.post("/cpar/panels/other/import/review", step="carry-out", **hidden)
    assert "Import a list onto North" in _text(manager.get(done.location))
    assert "Form signed: Mar 4, 2026" in _text(manager.get(f"/cpar/patients/{patient}/panel"))
    upload_affiliated(manager, 1)
    review = manager.get("/cpar/panels/other/import/review")
    assert "Not changed, because on it already: 1 patient" in _text(review)
    hidden = dict(re.findall(r'name="(upload_id|form_key)" value="([^"]+)"', review.get_data(as_text=True)))
    assert manager.post("/cpar/panels/other/import/review", step="discard", **hidden).location == "/cpar/panels"
    assert manager.get("/cpar/panels/other/import/review").location == "/cpar/panels"
