"""A wrong bulk update of the 6th: held on the night of the 7th, told, found in the rehearsal, undone, and sent."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import load
from cpar_plugin.store.tables import snapshot, submission
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from ..conftest import ALBERTA
from .conftest import MANAGER

pytestmark = pytest.mark.databases("in turn")

PATIENTS, WRONG = 25, 20


def test_a_swing_by_one_wrong_bulk_update_is_held_found_undone_and_sent(
    host: OscarHost, oscar: Any, clock: FixedClock, panel: int, open_tab: OpenTab, tmp_path: Path
) -> None:
    settings = load({**host.settings, "outbox_folder": str(tmp_path / "outbox")})

    def at(day: int, hour: int, minute: int = 0) -> None:
        clock.move_to(datetime(2026, 12, day, hour, minute, tzinfo=ALBERTA))

    def night(day: int) -> None:
        at(day, 3, 15)
        run_due(host, settings, clock.now())
        at(day, 3, 20)

    at(2, 9)
    with oscar.at_once():
        patients = [
            oscar.patient(last_name=f"Example{place:02}", hin=f"{100000001 + place}") for place in range(PATIENTS)
        ]
        for patient_id in patients:
            oscar.visit(patient_id)
    for patient_id in patients:
        one_patient.choose(host, host.identity.system, patient_id, panel, seen_panel_id=None)
    requests.ask(host, settings, host.identity.system, panel)
    night(3)

    at(6, 16)
    tab = open_tab(MANAGER)
    tab.goto(f"/cpar/panels/{panel}")
    for patient_id in patients[:WRONG]:
        tab.locator(f"#cpar-row-{patient_id} input[type=checkbox]").check()
    tab.get_by_role("button", name="Remove from this panel").click()
    expect(tab.get_by_text("removed from this panel")).to_be_visible()

    night(7)
    tab.goto("/cpar/panels")
    notice = tab.locator(".notice-failure")
    expect(notice).to_contain_text(
        "Panel 0042: held. 0 patients would be added and 20 removed since the last submission of"
    )
    notice.get_by_role("link", name="View").click()
    tab.get_by_role("link", name="Rehearse the submission of panel 0042").click()
    expect(tab.get_by_text("Released now, it goes with the night run of Dec 8, 2026")).to_be_visible()
    through = tab.get_by_role("row").filter(has_text="removed from panel 0042").first
    expect(through).to_contain_text("20")
    expect(through).to_contain_text("Penner, Ada, Dec 6, 2026, 4:00 PM")
    look(tab, "rehearsal-held")
    through.get_by_role("link", name=re.compile("removed from panel 0042")).click()
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_text("Patients restored: 20.")).to_be_visible()
    tab.goto(f"/cpar/panels/{panel}/rehearsal")
    expect(tab.get_by_text("With the data of now it would not be held.")).to_be_visible()
    look(tab, "rehearsal-undone")
    tab.get_by_role("button", name="Release: panel 0042").click()
    expect(tab.get_by_text("It will be submitted on Dec 8, 2026 with the data on file then.")).to_be_visible()
    tab.goto(f"/cpar/panels/{panel}/rehearsal")
    expect(tab.get_by_text("Will be sent: it was held and released.")).to_be_visible()

    night(8)
    night(9)
    tab.goto("/cpar/panels")
    expect(tab.locator(".notice-failure")).to_have_count(0)
    with host.database.engine.connect() as connection:
        rows = connection.execute(
            select(submission.c.state, snapshot.c.sent)
            .outerjoin_from(submission, snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id)
            .order_by(submission.c.submission_id)
        ).all()
    written, held = SubmissionState.WRITTEN, SubmissionState.HELD
    assert [tuple(row) for row in rows] == [(written, PATIENTS), (held, None), (written, PATIENTS)]
