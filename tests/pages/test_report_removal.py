"""Removing a report on its page: what it does is said first, and where it cannot be done, why."""

from typing import Any

import pytest
from playwright.sync_api import expect

from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from .conftest import MANAGER
from .list_layouts import LISTED, a_report
from .report_layouts import REPORTS
from .test_reports import send, teach, text_of

pytestmark = pytest.mark.databases("one")


def test_a_report_is_removed_after_its_page_has_said_what_that_does(
    host: OscarHost, oscar: Any, manager: Any, configured: None, open_tab: OpenTab
) -> None:
    for one in LISTED:
        oscar.patient(hin=one.phn, last_name=one.family_name, first_name=one.given_name, born=one.born.isoformat())
    layout = REPORTS["plain"]()
    send(manager, layout.data)
    teach(manager, layout)
    lines = manager.get("/cpar/reports/lines").get_data(as_text=True)
    selected = lines.split('name="selected" value="')[1].split('"')[0]
    manager.post("/cpar/reports/lines/change", selected=selected, action="take")
    tab = open_tab(MANAGER)
    tab.goto("/cpar/reports/1")
    tab.get_by_role("link", name="Remove this report").click()
    expect(tab.get_by_text("1 line that came with this report has been worked on")).to_be_visible()
    look(tab, "remove-report")
    tab.get_by_role("button", name="Remove", exact=True).click()
    expect(tab.get_by_text("The report was removed")).to_be_visible()
    assert manager.get("/cpar/reports/1").status_code == 404
    assert send(manager, layout.data).location == "/cpar/reports/2"


def test_a_report_that_is_not_the_last_says_which_one_to_remove_first(
    host: OscarHost, oscar: Any, manager: Any, configured: None
) -> None:
    patient = oscar.patient()
    first = a_report(host, patient, 1)
    a_report(host, patient, 2)
    address = f"/cpar/reports/{first}/remove"
    assert "Remove the one that was uploaded Nov 10, 2026" in text_of(manager.get(address))
    answer = manager.post(address, worked_on="0")
    assert (answer.status_code, "not the last of its kind" in text_of(answer)) == (422, True)
    assert "Remove</button>" not in answer.get_data(as_text=True)
    assert manager.post(address, worked_on="x").status_code == 422


def test_work_that_began_in_the_meantime_is_said_before_anything_is_removed(
    host: OscarHost, oscar: Any, manager: Any, configured: None
) -> None:
    report_id = a_report(host, oscar.patient(), 1)
    answer = manager.post(f"/cpar/reports/{report_id}/remove", worked_on="1")
    assert (answer.status_code, "in the meantime" in text_of(answer)) == (409, True)
