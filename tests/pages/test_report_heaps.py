"""The registry's list and ours, as people see and use it."""

import csv
import io
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from cpar_plugin.services.panels import one_patient
from cpar_plugin.store.tables import report
from oscar_host.host import OscarHost

from ..browser import PATIENCE, OpenTab, look
from .conftest import MANAGER
from .list_layouts import LISTED
from .report_layouts import REPORTS
from .test_reports import send, teach, text_of

pytestmark = pytest.mark.databases("one")


@pytest.fixture
def listed_patients(oscar: Any) -> list[int]:
    """Those of LISTED, with their PHNs."""
    names = {"last_name": "family_name", "first_name": "given_name", "hin": "phn", "sex": "gender"}
    columns = ({column: getattr(one, name) for column, name in names.items()} for one in LISTED)
    return [oscar.patient(born=one.born.isoformat(), **values) for one, values in zip(LISTED, columns, strict=True)]


@pytest.fixture
def address(manager: Any, listed_patients: list[int], panel: int, configured: None, host: OscarHost) -> str:
    """The page of the first panel's list with all of LISTED, of whom no one is on the panel but the first."""
    layout = REPORTS["plain"]()._replace(kind="registry-list")
    send(manager, layout.data)
    answer = teach(manager, layout)
    with host.database.writing() as connection:
        connection.execute(update(report).values(panel_id=panel))
    one_patient.choose(host, host.identity.system, listed_patients[0], panel, seen_panel_id=None)
    return f"{answer.location}/heaps"


def test_the_heaps_are_counted_searched_exported_and_printed(
    manager: Any, listed_patients: list[int], address: str
) -> None:
    page = text_of(manager.get(address))
    assert f"Only the registry's {len(LISTED) - 1}" in page
    assert "Agreed 1" in page
    found = manager.post(address, text=LISTED[1].phn, show="registry-only")
    assert LISTED[1].phn not in found.location
    page = text_of(manager.get(found.location))
    assert "1 patient: Only the registry's" in page
    assert "on no panel" in page
    query = found.location.partition("?")[2]
    rows = list(csv.DictReader(io.StringIO(manager.get(f"{address}/export?{query}").get_data().decode("utf-8-sig"))))
    assert [(row["Record"], row["Result"]) for row in rows] == [(str(listed_patients[1]), "Only the registry's")]
    printed = text_of(manager.get(f"{address}/print"))
    assert all(one.phn in printed for one in LISTED)
    assert manager.get(address, show="elsewhere").status_code == 422
    assert manager.get(address, page=2**63 - 1).status_code == 200


def test_patients_whom_one_may_not_see_are_counted_in_no_heap(
    oscar: Any,
    barred: Any,
    listed_patients: list[int],
    address: str,
) -> None:
    oscar.privilege("303", f"_demographic${listed_patients[1]}", "o")
    page = text_of(barred.get(address))
    assert "1 patient is not shown: no access to the record." in page
    assert f"Only the registry's {len(LISTED) - 2}" in page
    for shown in (address, f"{address}/print", f"{address}/export"):
        assert LISTED[1].phn not in barred.get(shown).get_data(as_text=True)


def test_a_person_goes_from_a_heap_to_the_patients_record_in_a_browser(
    emr: OscarHost,
    address: str,
    listed_patients: list[int],
    open_tab: OpenTab,
) -> None:
    record = emr.tables.demographic
    with emr.database.writing() as connection:
        renamed = update(record).where(record.c.demographic_no == listed_patients[0])
        connection.execute(renamed.values(last_name="Otherwise", year_of_birth="1901"))
    page = open_tab(MANAGER)
    page.set_default_timeout(PATIENCE)
    page.goto(address.removesuffix("/heaps"))
    page.get_by_role("link", name="Compare with panel").click()
    look(page, "report-heaps")
    page.get_by_role("link", name="Different 1").click()
    look(page, "report-heaps-different")
    row = page.get_by_role("row", name="OTHERWISE")
    expect(row).to_contain_text("ours Otherwise | the registry's")
    page.get_by_role("link", name="OTHERWISE").click()
    expect(page).to_have_url(emr.pages.patient_href(listed_patients[0]))
