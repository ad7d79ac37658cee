"""A month of the report desk in a browser: a report of conflicts, the work on it, the submission, the next report."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import load
from oscar_host.host import OscarHost

from ..browser import OpenTab
from ..conftest import ALBERTA
from .conftest import MANAGER, RECEPTION

pytestmark = pytest.mark.databases("one")

NIGHT, NEXT_REPORT = (datetime(2026, 12, day, hour, 15, tzinfo=ALBERTA) for day, hour in ((7, 3), (8, 9)))
LEARNED = "The registry learns it with the submission of Dec 7, 2026."
PHNS = {"Ours": "100000001", "Theirs": "100000002", "Asked": "100000003", "Back": "100000004", "Stays": "100000005"}


@pytest.fixture
def members(host: OscarHost, oscar: Any, panel: int) -> dict[str, int]:
    """Five of the panel 0042 by family name, seen and confirmed; one of them has an appointment today."""
    ids = {name: oscar.patient(hin=phn, last_name=name, first_name="Ann") for name, phn in PHNS.items()}
    for patient_id in ids.values():
        oscar.visit(patient_id, "2026-10-05")
        one_patient.choose(host, host.identity.system, patient_id, panel, seen_panel_id=None)
    oscar.visit(ids["Asked"], "2026-11-10", "16:00", "t")
    return ids


def upload(page: Page, *names: str) -> None:
    rows = [f"{PHNS[name]},{name},Dr. Else,Else Clinic" for name in names]
    data = "\n".join(["PHN,Last name,Other provider,Other clinic", *rows]).encode()
    page.goto("/cpar/reports")
    file = {"name": f"{len(names)}.csv", "mimeType": "text/csv", "buffer": data}
    page.get_by_label("Report", exact=True).set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Upload").click()


def open_line(page: Page, name: str) -> None:
    page.goto("/cpar/reports/lines")
    page.get_by_role("link", name=f"Evidence and endings: {name.upper()}, Ann").click()


def test_a_month_of_conflicts_is_worked_off_and_the_next_report_shows_what_came_of_it(
    host: OscarHost, clock: FixedClock, members: dict[str, int], open_tab: OpenTab, tmp_path: Path
) -> None:
    page = open_tab(MANAGER)
    upload(page, "Ours", "Theirs", "Asked", "Back")
    page.get_by_label("Report", exact=True).select_option("conflict")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Conflicts")).to_be_visible()

    open_line(page, "Ours")
    page.get_by_role("button", name="Record letter as sent").click()
    expect(page.get_by_role("status")).to_contain_text("The letter was recorded as sent.")
    page.get_by_role("link", name="All letters of today as one print").click()
    expect(page.get_by_role("article")).to_contain_text("Re: Ours, Ann, born Feb 3, 1980, PHN 100000001")

    open_line(page, "Theirs")
    page.locator("select[name=reason]").select_option("other-provider")
    page.get_by_role("button", name="Remove from panel").click()
    expect(page.get_by_role("status")).to_contain_text(LEARNED)

    open_line(page, "Asked")
    page.get_by_role("button", name="Ask at check-in").click()
    expect(page.get_by_role("main")).to_contain_text("Not asked yet.")
    reception = open_tab(RECEPTION)
    reception.goto("/cpar/check-in")
    expect(reception.get_by_text("1 with something to ask.")).to_be_visible()
    reception.keyboard.press("2")
    expect(reception.get_by_text("Has another provider: on no panel here.")).to_be_visible()
    page.reload()
    answered = "and is on no panel here. (Nov 10, 2026, 10:00 AM)"
    expect(page.get_by_role("main")).to_contain_text(f"{answered} {LEARNED}")

    page.goto("/cpar/reports/lines")
    page.get_by_label("Select BACK, Ann: Conflicts").check()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("status")).to_contain_text("Changed: 1 line.")

    clock.move_to(NIGHT)
    settings = load({"transport": "folder", "outbox_folder": str(tmp_path)})
    assert set(run_due(host, settings, NIGHT).states) == {SubmissionState.WRITTEN}
    sent = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert [name for name, phn in PHNS.items() if phn.encode() in sent] == ["Ours", "Back", "Stays"]

    clock.move_to(NEXT_REPORT)
    page = open_tab(MANAGER)
    upload(page, "Back", "Stays")
    expect(page.get_by_role("heading", name="Conflicts")).to_be_visible()  # no question about the columns
    page.goto("/cpar/reports/lines")
    lines = page.get_by_role("row").filter(has=page.get_by_role("checkbox"))
    expect(lines).to_have_count(2)
    expect(lines.filter(has_text="BACK, Ann")).to_contain_text("second time")
    expect(lines.filter(has_text="STAYS, Ann")).not_to_contain_text("second time")
    page.goto("/cpar/reports/lines?state=closed")
    for name in ("OURS", "THEIRS", "ASKED"):
        line = page.get_by_role("row", name=f"{name}, Ann")
        expect(line).to_contain_text("Gone from the report of Dec 8, 2026")
