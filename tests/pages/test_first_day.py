"""From nothing to queued submissions: several panels at once, filled with their providers' patients, all submitted."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from cpar_plugin.hooks import Plugins
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.submissions import history
from cpar_plugin.store import tables
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

from ..conftest import place_of_the_emr
from .conftest import DOCTOR, MANAGER, OTHER_DOCTOR, Person

pytestmark = pytest.mark.databases("one")

place = place_of_the_emr

SEVERAL = "/cpar/panels/new-several"


def _text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def _live(host: OscarHost) -> list[editing.Panel]:
    with host.database.engine.connect() as connection:
        return editing.live_panels(connection, host)


def _rows(*rows: tuple[str, str, str], facilities: str = "113, 2047") -> dict[str, Any]:
    names = ("provider", "number", "practitioner_id")
    return {"facilities": facilities} | dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def test_panels_of_several_providers_are_created_from_one_form_and_lead_to_filling_them(
    host: OscarHost, oscar: Any, manager: Any, configured: None
) -> None:
    oscar.patient()
    page = _text(manager.get(SEVERAL))
    assert re.findall(r'name="provider" value="(\d+)"', page)[0] == DOCTOR  # who has a patient
    assert 'value="1234-56789" aria-label="PPHS Practitioner ID of Okafor, Adaeze"' in page
    answer = manager.post(
        SEVERAL, **_rows((DOCTOR, "1", "1234-56789"), (OTHER_DOCTOR, "2", "223456789"), ("201", "", ""))
    )
    first, second = _live(host)
    assert answer.location == f"/cpar/panels/fill?panel={first.panel_id}&panel={second.panel_id}"
    assert [(one.number, one.facilities, one.providers[0].provider_id) for one in (first, second)] == [
        ("1", ("000113", "002047"), DOCTOR),
        ("2", ("000113", "002047"), OTHER_DOCTOR),
    ]
    assert "2 panels were created." in _text(manager.get(answer.location))
    assert f'name="provider" value="{DOCTOR}"' not in _text(manager.get(SEVERAL))


@pytest.mark.parametrize(
    ("rows", "field", "message"),
    [
        (_rows((DOCTOR, "", "1234-56789")), "", "Enter the CPAR panel number of at least one provider."),
        (_rows((DOCTOR, "1", "12")), f"practitioner_id-{DOCTOR}", "nine digits"),
        (_rows((DOCTOR, "1", "1" * 9), facilities="x"), "facilities", "digits only"),
        (_rows((DOCTOR, "1", "1" * 9), (OTHER_DOCTOR, "1", "2" * 9)), f"number-{OTHER_DOCTOR}", "another provider too"),
        (_rows((DOCTOR, "1", "1" * 9), (OTHER_DOCTOR, "2", "1" * 9)), f"practitioner_id-{OTHER_DOCTOR}", "belongs to"),
        (_rows((DOCTOR, "1", "1" * 9), ("999", "2", "2" * 9)), "practitioner_id-999", "not found in the EMR"),
        (_rows((DOCTOR, "0042", "1" * 9)), f"number-{DOCTOR}", "already has this number"),
    ],
)
def test_a_fault_in_one_row_creates_no_panel_and_is_named_at_its_field(
    host: OscarHost, manager: Any, make_panel: Callable[..., int], rows: dict[str, Any], field: str, message: str
) -> None:
    make_panel("0042", "201", "555555555")
    answer = manager.post(SEVERAL, **rows)
    assert answer.status_code == 422
    page = _text(answer)
    assert message in page
    assert not field or f'href="#cpar-{field}"' in page
    assert [panel.number for panel in _live(host)] == ["0042"]


def test_a_form_that_was_cut_off_is_refused(manager: Any, configured: None) -> None:
    answer = manager.post(SEVERAL, facilities="113", provider=[DOCTOR, OTHER_DOCTOR], number="1", practitioner_id="1")
    assert answer.status_code == 422
    assert "incomplete" in _text(answer)


def test_a_new_panel_offers_to_be_filled_with_its_providers_active_patients(
    host: OscarHost, oscar: Any, manager: Any, configured: None
) -> None:
    for status in ("AC", "AC", "IN"):
        oscar.patient(patient_status=status)
    entered = {"number": "1", "facilities": "113", "providers": DOCTOR, "step": "save"}
    answer = manager.post("/cpar/panels/new", **entered)
    [panel] = _live(host)
    assert answer.location == f"/cpar/panels?created={panel.panel_id}"
    assert "Fill panel 1 with the 2 active patients of Okafor, Adaeze?" in _text(manager.get(answer.location))
    assert "active patients of" not in _text(manager.get("/cpar/panels"))
    assert manager.get("/cpar/panels", created="x").status_code == 422


def test_filling_shows_each_panel_first_and_changes_nothing_before_it_is_carried_out_once(
    host: OscarHost, oscar: Any, manager: Any, panel: int, other_panel: int
) -> None:
    oscar.visit(oscar.patient(hin="100000001"))
    oscar.patient(hin="")
    elsewhere = oscar.patient()
    one_patient.choose(host, host.identity.system, elsewhere, other_panel, seen_panel_id=None)
    page = _text(manager.get("/cpar/panels/fill"))
    assert "Add 2 Patients" in page
    assert "<strong>1</strong> patient is on another panel and will stay there." in page
    assert "No PHN: 1" in page
    assert "1 panel has no active patients of its providers left to add." in page
    moving = _text(manager.get("/cpar/panels/fill", panel=panel, move="yes"))
    assert "Add 3 Patients" in moving
    assert "Leave them on their panels" in moving
    form = {"panel": [panel, other_panel], "form_key": "0" * 32, "expected": "2"}
    answer = manager.post("/cpar/panels/fill", **form)
    assert answer.location == manager.post("/cpar/panels/fill", **form).location
    result = _text(manager.get(answer.location))
    assert "Active patients of the providers of the panels added to them." in result
    assert "Added: <strong>2</strong>" in result
    assert "On another panel: <strong>1</strong>" in result
    assert "numbers differ" not in result
    with host.database.engine.connect() as connection:
        assert len(connection.execute(select(tables.member)).all()) == 3
    assert b"On another panel" in manager.post("/cpar/panels/fill", panel=[panel, other_panel], step="skipped").data


@pytest.mark.parametrize("fields", [{}, {"panel": "x"}, {"panel": "1", "form_key": "not a key"}])
def test_filling_by_an_incomplete_form_is_refused(manager: Any, panel: int, fields: dict[str, str]) -> None:
    assert manager.post("/cpar/panels/fill", **fields).status_code == 422


def test_all_panels_are_submitted_with_one_press_and_the_skipped_are_named(
    host: OscarHost, manager: Any, make_panel: Callable[..., int], fill: Any
) -> None:
    panels = [make_panel(f"{place}", provider, provider * 3) for place, provider in enumerate((DOCTOR, OTHER_DOCTOR))]
    make_panel("empty", "201", "555555555")
    fill(panels[0])
    assert "Submit All" not in _text(manager.get("/cpar/panels"))
    fill(panels[1])
    assert "Submit All 2 Panels</button>" in _text(manager.get("/cpar/panels"))
    assert manager.post("/cpar/panels/submit").location == "/cpar/panels"
    page = _text(manager.get("/cpar/panels"))
    assert "2 panels are queued for Nov 11, 2026. The data on file then will be submitted." in page
    assert "Not queued: Panel empty. No patients." in page
    with host.database.engine.connect() as connection:
        assert set(history.open_submissions(connection, host)) == set(panels)


def test_before_the_clinic_is_set_up_neither_several_panels_nor_filling_is_offered(manager: Any) -> None:
    for address in (SEVERAL, "/cpar/panels/fill"):
        answer = manager.get(address)
        assert answer.status_code == 422
        assert "Enter the Clinic Name" in _text(answer)


def _steps(person: Any) -> dict[str, str]:
    """What the checklist says of each step, without its verb: of "the panels" the last. Empty without a checklist."""
    match = re.search(r'<ol class="cpar-checklist">(.*?)</ol>', _text(person.get("/cpar/panels")))
    items = re.findall(r'<li><span[^>]*>([^<]+)</span> (?:<a href="([^"]+)">)?([^<.]+)', match[1]) if match else []
    return {text.partition(" ")[2]: (href or "no link") if state == "To do" else state for state, href, text in items}


def test_the_checklist_follows_what_is_there_step_by_step_and_goes_when_all_is_done(
    app: Any, host: OscarHost, oscar: Any
) -> None:
    mail = {"smtp_host": "mail.example", "smtp_from": "cpar@clinic.example"}
    plugins = Plugins()
    plugins.load_installed()
    manager = Person(create_app(replace(host, settings={**host.settings, **mail}), plugins), MANAGER)
    oscar.patient()
    nothing = {
        "the Clinic Name and Site ID": "/cpar/settings",
        "the panels": "no link",
        "the PPHS Practitioner IDs": "no link",
        "an email address for failed submissions": "no link",
        "at the exclusions": "no link",
    }
    assert _steps(manager) == nothing
    manager.post("/cpar/settings", name="Example Clinic", site_id="S-1", version="1")
    assert _steps(manager)["the Clinic Name and Site ID"] == "Done"
    assert _steps(manager)["the PPHS Practitioner IDs"] == SEVERAL
    manager.post(SEVERAL, **_rows((DOCTOR, "1", "1234-56789")))
    [panel] = _live(host)
    address = f"/cpar/panels/{panel.panel_id}"
    assert _steps(manager) == nothing | {
        "the Clinic Name and Site ID": "Done",
        "the panels": "/cpar/panels/fill",
        "the PPHS Practitioner IDs": "Done",
        "an email address for failed submissions": f"{address}/edit",
    }
    manager.post("/cpar/panels/fill", panel=panel.panel_id)
    assert _steps(manager)["at the exclusions"] == "/cpar/exclusions"
    manager.get(address)
    assert _steps(manager)["at the exclusions"] != "Done"
    manager.get("/cpar/exclusions")
    assert _steps(manager)["at the exclusions"] == "Done"
    entered = {"number": "1", "facilities": "113", "providers": DOCTOR, "version": "1", "step": "save"}
    manager.post(f"{address}/edit", **entered, notify="manager@clinic.example")
    assert _steps(manager) == {}


def test_an_administrator_dismisses_the_checklist_for_everyone_and_it_is_recorded(
    app: Any, host: OscarHost, manager: Any, cpar_role: Any
) -> None:
    assert "Dismiss this checklist" not in _text(cpar_role.get("/cpar/panels"))
    answer = cpar_role.post("/cpar/checklist/dismiss")
    assert answer.status_code == 403
    assert "Only an EMR administrator can dismiss the checklist" in _text(answer)
    assert _steps(cpar_role)
    assert "Dismiss this checklist" in _text(manager.get("/cpar/panels"))
    for _ in range(2):
        manager.post("/cpar/checklist/dismiss")
    assert _steps(manager) == _steps(cpar_role) == {}
    assert "Start here" in _text(cpar_role.get("/cpar/panels"))
    log = host.tables.log.c
    with host.database.engine.connect() as connection:
        lines = connection.execute(select(log.provider_no).where(log.data.startswith("dismiss-checklist"))).all()
    assert [line[0] for line in lines] == ["301"]
