"""Why a patient was removed: asked wherever one is removed, optional unless the clinic demands it, shown ever after."""

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import delete

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.domain.removal import Removal, RemovalRules, entered_removal, own_reasons
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import one_patient
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from .conftest import MANAGER, RECEPTION
from .looks import Since

pytestmark = pytest.mark.databases("one")


def _text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


@pytest.fixture
def member(oscar: Any, host: OscarHost, panel: int) -> int:
    patient: int = oscar.patient(last_name="Wren", first_name="Kim", provider_no="")
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    return patient


def _demand(manager: Any, **fields: Any) -> Any:
    page = manager.get("/cpar/settings").get_data(as_text=True)
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version
    return manager.post("/cpar/settings", name="Example Clinic", site_id="S-1", version=version[1], **fields)


def _history(manager: Any, panel: int) -> list[str]:
    file = manager.get(f"/cpar/panels/{panel}/history/export").get_data().decode("utf-8-sig")
    return [row["What happened"] for row in csv.DictReader(io.StringIO(file))]


def test_the_reason_and_the_note_of_the_box_are_in_both_histories_and_the_file(
    reception: Any, manager: Any, member: int, panel: int
) -> None:
    box = _text(reception.get(f"/cpar/patients/{member}/widget"))
    assert '<option value="moved-away">Moved away</option>' in box
    fields = {"seen_panel_id": panel, "reason": "moved-away", "note": "  to\nCalgary "}
    assert reception.post(f"/cpar/patients/{member}/remove", **fields).status_code == 303
    said = "Removed from panel 0042 (moved away; to Calgary)"
    assert said in _text(reception.get(f"/cpar/patients/{member}/history"))
    assert said in _text(manager.get(f"/cpar/panels/{panel}/history"))
    assert said in _history(manager, panel)


def test_the_list_and_the_bulk_update_ask_too(manager: Any, member: int, panel: int, host: OscarHost) -> None:
    address = f"/cpar/panels/{panel}/selected"
    fields = {"action": "remove", "selected": member, "reason": "not-seen", "note": ""}
    assert manager.post(address, **fields).status_code == 303
    assert "Removed from panel 0042 (bulk update: not seen for a long time)" in _history(manager, panel)
    one_patient.choose(host, host.identity.system, member, panel, seen_panel_id=None)
    order = {"kind": "remove", "from_panel_id": panel, "status": "AC"}
    assert "Reason for removal" in _text(manager.see("/cpar/bulk", **order))
    answer = manager.post("/cpar/bulk", **order, step="carry-out", reason="left", note="letter of May 2")
    assert answer.status_code == 303
    said = "Removed from panel 0042 (bulk update: asked to leave the clinic; letter of May 2)"
    assert said in _text(manager.get(f"/cpar/patients/{member}/history"))
    assert said in _history(manager, panel)


def test_a_clinic_adds_reasons_and_may_demand_one(manager: Any, reception: Any, member: int, panel: int) -> None:
    own = "Moved to Red Deer clinic\r\n\r\nIn long-term care\r\nIn long-term care"
    assert _demand(manager, removal_reasons=own, removal_reason_required="yes").status_code == 303
    settings = manager.get("/cpar/settings").get_data(as_text=True)
    assert "Moved to Red Deer clinic\nIn long-term care</textarea>" in settings
    assert re.search(r'name="removal_reason_required" value="yes" checked', settings)
    refused = {
        f"/cpar/patients/{member}/remove": {"seen_panel_id": panel},
        f"/cpar/panels/{panel}/selected": {"action": "remove", "selected": member},
        "/cpar/bulk": {"kind": "remove", "from_panel_id": panel, "status": "AC", "step": "carry-out"},
    }
    for address, fields in refused.items():
        answer = manager.post(address, **fields)
        assert answer.status_code == 422, address
        assert "Select the reason for the removal." in _text(answer), address
    answer = reception.post(f"/cpar/patients/{member}/remove", seen_panel_id=panel, reason="In long-term care")
    assert answer.status_code == 303
    assert "Removed from panel 0042 (In long-term care)" in _text(manager.get(f"/cpar/patients/{member}/history"))
    assert _demand(manager, removal_reasons="").status_code == 303
    assert "checked" not in manager.get("/cpar/settings").get_data(as_text=True)


def test_the_row_of_a_record_that_is_gone_has_a_reason_of_its_own(
    manager: Any, member: int, panel: int, host: OscarHost, emr: OscarHost
) -> None:
    _demand(manager, removal_reasons="", removal_reason_required="yes")
    with emr.database.session() as session:
        session.execute(delete(host.tables.demographic).where(host.tables.demographic.c.demographic_no == member))
    assert f'name="reason-{member}" form="cpar-single"' in _text(manager.get(f"/cpar/panels/{panel}"))
    address = f"/cpar/panels/{panel}/selected"
    answer = manager.post(address, single=f"remove-{member}", reason="moved-away")
    assert answer.status_code == 422
    assert f'<a href="#cpar-reason-{member}">Select the reason for the removal.</a>' in _text(answer)
    assert f'aria-describedby=" cpar-reason-{member}-error"' in _text(answer)
    assert manager.post(address, single=f"remove-{member}", **{f"reason-{member}": "deceased"}).status_code == 303
    assert any("deceased" in event for event in _history(manager, panel))


def test_the_history_of_a_patient_is_a_file_for_whoever_has_the_page(
    reception: Any, member: int, panel: int, host: OscarHost
) -> None:
    reception.post(f"/cpar/patients/{member}/remove", seen_panel_id=panel, reason="moved-away", note="")
    assert f'href="/cpar/patients/{member}/history/export"' in _text(reception.get(f"/cpar/patients/{member}/history"))
    before = Since.now(host)
    answer = reception.get(f"/cpar/patients/{member}/history/export")
    assert f"history-of-record-{member}-" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert [row["What happened"] for row in rows] == ["Removed from panel 0042 (moved away)", "Added to panel 0042"]
    assert {row["Record"] for row in rows} == {str(member)}
    assert before.recorded("cpar.export_patient_history") == {member}
    assert rows[0]["By"] == "Santos, Ada"
    assert rows[1]["How confirmed"] == "on adding"


def test_a_reason_that_is_not_offered_changes_nothing(host: OscarHost, manager: Any, member: int, panel: int) -> None:
    fields: dict[str, Any] = {"seen_panel_id": panel, "reason": "because"}
    assert manager.post(f"/cpar/patients/{member}/remove", **fields).status_code == 422
    assert f"/cpar/panels/{panel}" in manager.get("/cpar/panels").get_data(as_text=True)
    assert "Wren" in manager.get(f"/cpar/panels/{panel}/export").get_data(as_text=True)


def test_saving_only_name_and_site_leaves_the_reasons(host: OscarHost, manager: Any, panel: int) -> None:
    _demand(manager, removal_reasons="Elsewhere", removal_reason_required="yes")
    with host.database.engine.connect() as connection:
        site = clinic.load(connection)
    clinic.save(host, host.identity.system, name="Other", site_id="S-2", version=site.version)
    with host.database.engine.connect() as connection:
        assert clinic.load(connection).removal == RemovalRules(("Elsewhere",), required=True)


@pytest.mark.parametrize(
    ("reason", "note", "field"), [("nonsense", "", "reason"), ("", "", "reason"), ("moved-away", "n" * 201, "note")]
)
def test_what_a_form_may_not_say(reason: str, note: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        entered_removal(reason, note, RemovalRules(required=True))
    assert list(refused.value.messages) == [field]


@pytest.mark.parametrize("text", ["x" * 61, "\n".join(map(str, range(21)))])
def test_a_clinic_s_reasons_are_short_and_few(text: str) -> None:
    with pytest.raises(Refused, match="at most 20 reasons"):
        own_reasons(text)


def test_who_removed_a_patient_in_march_takes_three_clicks(
    app: Flask, host: OscarHost, clock: FixedClock, member: int, panel: int, open_tab: OpenTab
) -> None:
    now = clock.now()
    clock.move_to(datetime(2026, 3, 12, 18, 30, tzinfo=UTC))
    actor = Actor(actor_id=RECEPTION, display_name="Santos, Ada")
    removal = Removal("moved-away", "to Calgary")
    one_patient.remove(host, actor, member, seen_panel_id=panel, removal=removal)
    clock.move_to(now)
    page = open_tab(MANAGER)
    page.goto(f"/patients/{member}")
    look(page, "box-of-no-panel")
    page.get_by_label("Add to a panel").click()  # 1
    page.get_by_role("link", name="History").click()  # 2
    removed = page.get_by_role("row").filter(has_text="Removed from panel 0042 (moved away; to Calgary)")
    expect(removed.get_by_text("Mar 12, 2026, 12:30 PM")).to_be_visible()
    expect(removed.get_by_text("Santos, Ada")).to_be_visible()
    look(page, "history-with-looks")
    page.get_by_role("link", name="All looks at this patient").click()  # 3, and who has seen it since
    expect(page.get_by_role("heading", name="Who looked at this patient")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="patient history")).to_be_visible()
    look(page, "looks-at-patient")


def test_a_removal_from_the_box_is_done_with_its_reason_without_leaving_the_page(
    app: Flask, member: int, panel: int, manager: Any, open_tab: OpenTab
) -> None:
    page = open_tab(RECEPTION)
    page.goto(f"/patients/{member}")
    page.get_by_label("Panel options").click()
    look(page, "box-with-reasons")
    page.get_by_label("Reason for removal").select_option(label="Asked to leave the clinic")
    page.get_by_role("button", name="Remove from current panel").click()
    expect(page.get_by_text("Removed from the panel.")).to_be_visible()
    assert "Removed from panel 0042 (asked to leave the clinic)" in _history(manager, panel)
    managing = open_tab(MANAGER)
    for address, name in (("/cpar/settings", "settings-with-reasons"), ("/cpar/looks", "access-log")):
        managing.goto(address)
        look(managing, name)
