"""The pages that say what happened to a patient and to a panel."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from cpar_plugin.services.panels import one_patient
from oscar_host.host import OscarHost

from .conftest import BARRED

pytestmark = pytest.mark.databases("one")


@pytest.fixture
def patient(host: OscarHost, oscar: Any, panel: int) -> int:
    """On panel 0042 until somebody removed her."""
    patient_id: int = oscar.patient(last_name="Removed", first_name="Kim")
    one_patient.choose(host, host.identity.system, patient_id, panel, seen_panel_id=None)
    one_patient.remove(host, host.identity.system, patient_id, seen_panel_id=panel)
    return patient_id


def cells(page: str) -> list[str]:
    return [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<td[^>]*>(.*?)</td>", page, re.S)]


def test_the_box_leads_to_the_history_whether_or_not_the_patient_is_on_a_panel(
    reception: Any, patient: int, panel: int
) -> None:
    address = f"/cpar/patients/{patient}/history"
    assert address in reception.get(f"/cpar/patients/{patient}/widget").get_data(as_text=True)
    page = reception.get(address).get_data(as_text=True)
    now = "Nov 10, 2026, 10:00 AM"
    assert cells(page) == [
        *(now, "Removed from panel 0042", "Automatic", "-"),
        *(now, "Added to panel 0042", "Automatic", "Nov 10, 2026 (on adding)"),
    ]
    reception.post(f"/cpar/patients/{patient}/choose", panel_id=panel, seen_panel_id="")
    assert address in reception.get(f"/cpar/patients/{patient}/widget").get_data(as_text=True)
    assert "Santos, Ada" in reception.get(address).get_data(as_text=True)


def test_a_look_at_a_history_is_recorded(reception: Any, manager: Any, patient: int, panel: int, oscar: Any) -> None:
    reception.get(f"/cpar/patients/{patient}/history")
    manager.get(f"/cpar/panels/{panel}/history")
    manager.get(f"/cpar/panels/{panel}/history/export").get_data()
    log = oscar.tables.log
    with oscar.database.engine.connect() as connection:
        lines = connection.scalars(select(log.c.data).where(log.c.data.contains("history"))).all()
    assert lines == [
        f"patient history: {patient}",
        f"panel history: {patient}",
        f"export panel history: {patient}",
    ]


def test_a_panel_s_history_is_narrowed_by_what_who_and_when(manager: Any, patient: int, panel: int) -> None:
    address = f"/cpar/panels/{panel}/history"
    page = manager.get(address).get_data(as_text=True)
    assert [text for text in cells(page) if "panel" in text.lower()] == [
        "Removed from panel 0042",
        "Added to panel 0042",
        "Panel created",
    ]
    assert "REMOVED, Kim" in page
    only = manager.get(address, kind="PANEL", by="-1", first="2026-11-10", last="2026-11-10").get_data(as_text=True)
    assert "Panel created" in only
    assert "REMOVED, Kim" not in only
    none = manager.get(address, first="2026-11-11").get_data(as_text=True)
    assert "Nothing matches." in none
    wrong = manager.get(address, first="yesterday")
    assert wrong.status_code == 422
    assert "Enter a date as year-month-day" in wrong.get_data(as_text=True)
    assert manager.get(address + "/export", first="yesterday").status_code == 422
    assert manager.get(address, kind="NOTHING").status_code == 422
    assert manager.get(address, after="2026").status_code == 422
    assert manager.get(address + "00").status_code == 404


def test_a_patient_who_is_closed_to_someone_has_no_name_in_the_history_of_the_panel(
    barred: Any, patient: int, panel: int, oscar: Any
) -> None:
    oscar.privilege(BARRED, f"_demographic${patient}", "o")
    page = barred.get(f"/cpar/panels/{panel}/history").get_data(as_text=True)
    assert "Kim" not in page
    assert f"/patients/{patient}" not in page
    assert page.count("no access") == 2
    export = barred.get(f"/cpar/panels/{panel}/history/export").get_data(as_text=True)
    assert "Kim" not in export
    assert "Removed from panel 0042,no access,,," in export
