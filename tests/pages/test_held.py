"""A held submission on the pages: where it is shown, who is told that they can release it, and how."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from cpar_plugin.hooks import Plugins
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import load
from cpar_plugin.store.tables import member, submission
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from ..conftest import ALBERTA
from .conftest import BARRED, CPAR_ROLE, MANAGER, Person

pytestmark = pytest.mark.databases("one")

SETTINGS = {"hold_least_patients": "2"}


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.get_data(as_text=True)))


@pytest.fixture
def night(host: OscarHost, clock: FixedClock, tmp_path: Path) -> Callable[..., None]:
    """A night run in a clinic in which two patients are many."""
    settings = load({**host.settings, **SETTINGS, "outbox_folder": str(tmp_path / "outbox")})

    def run(day: str, *panel_ids: int) -> None:
        for panel_id in panel_ids:
            requests.ask(host, settings, host.identity.system, panel_id)
        clock.move_to(datetime.fromisoformat(f"{day}T03:15").replace(tzinfo=ALBERTA))
        run_due(host, settings, clock.now())
        clock.move_to(datetime.fromisoformat(f"{day}T03:20").replace(tzinfo=ALBERTA))

    return run


@pytest.fixture
def held(
    host: OscarHost,
    oscar: Any,
    clock: FixedClock,
    panel: int,
    other_panel: int,
    night: Callable[..., None],
) -> tuple[int, int]:
    """The submissions of two panels, of which two patients each were removed since the last: held on the seventh."""
    system = host.identity.system
    clock.move_to(datetime(2026, 12, 2, 9, tzinfo=ALBERTA))
    for panel_id in (panel, other_panel):
        for place in range(3):
            patient = oscar.patient(hin=f"{100000000 + 10 * panel_id + place}")
            oscar.visit(patient)
            one_patient.choose(host, system, patient, panel_id, seen_panel_id=None)
    night("2026-12-03", panel, other_panel)
    with host.database.engine.connect() as connection:
        members = connection.execute(select(member.c.patient_id, member.c.panel_id).order_by(member.c.patient_id)).all()
    for panel_id in (panel, other_panel):
        for patient_id in [row.patient_id for row in members if row.panel_id == panel_id][:2]:
            one_patient.remove(host, system, patient_id, seen_panel_id=panel_id)
    night("2026-12-07")
    with host.database.engine.connect() as connection:
        ids = connection.scalars(select(submission.c.submission_id).where(submission.c.state == "held")).all()
    first, second = ids
    return first, second


def test_held_submissions_are_shown_wherever_submissions_are_and_released_by_keyboard(
    open_tab: OpenTab, held: tuple[int, int], panel: int, night: Callable[..., None]
) -> None:
    tab = open_tab(MANAGER)
    tab.goto("/cpar/panels")
    notice = tab.locator(".notice")
    expect(notice).to_have_count(1)
    expect(notice).to_contain_text("Panels 0042 and 0077: held. 0 patients would be added and 2 removed")
    expect(tab.get_by_role("button", name="Release: panel 0042")).to_be_visible()
    look(tab, "panels-held")
    notice.get_by_role("link", name="View").click()
    expect(tab.get_by_label("Status")).to_have_value("HELD")
    expect(tab.locator("tbody > tr")).to_have_count(2)
    look(tab, "submissions-held")
    tab.goto("/cpar/submissions?state=ATTENTION")
    expect(tab.get_by_label("Status")).to_have_value("ATTENTION")
    expect(tab.locator("tbody > tr")).to_have_count(2)
    tab.goto(f"/cpar/submissions/{held[0]}")
    look(tab, "submission-held")
    tab.get_by_role("button", name="Release: panel 0042").focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("Panel 0042 is queued. It will be submitted on Dec 8, 2026")).to_be_visible()
    expect(tab.get_by_role("link", name="The held submission that this one releases")).to_be_visible()
    look(tab, "submission-released")
    night("2026-12-08")
    tab.reload()
    expect(tab.get_by_text("Written to folder").first).to_be_visible()
    tab.goto("/cpar/submissions?state=HELD")
    expect(tab.get_by_role("button", name=re.compile("Release"))).to_have_count(1)


def test_where_two_release_each_person_reads_what_they_can_do(
    host: OscarHost, staff: None, held: tuple[int, int]
) -> None:
    plugins = Plugins()
    plugins.load_installed()
    of_two = replace(host, settings={**host.settings, **SETTINGS, "hold_release_by": "two"})
    app = create_app(of_two, plugins)
    requester, manages_panels, administrator = (Person(app, actor_id) for actor_id in (CPAR_ROLE, CPAR_ROLE, BARRED))
    page = f"/cpar/submissions/{held[0]}"
    assert "Two people release a submission: after you, someone else with the admin role." in text(requester.get(page))
    assert "Request Release" in text(requester.get("/cpar/panels"))
    answer = requester.see(f"{page}/release")
    assert "Release requested. Someone else with the admin role can now release the submission." in text(answer)
    assert "Quill, Ada requested its release (Dec 7, 2026, 3:20 AM). Someone else with the admin role has" in text(
        answer
    )
    assert f'action="{page}/release"' not in answer.get_data(as_text=True)
    assert manages_panels.post(f"{page}/release").status_code == 403
    shown = administrator.get(page)
    assert "Quill, Ada requested its release" in text(shown)
    assert "The last submission of 2 panels failed or is held." in text(administrator.get("/cpar/panels"))
    assert f'action="{page}/release"' in shown.get_data(as_text=True)
    assert "Panel 0042 is queued. It will be submitted on Dec 8, 2026" in text(administrator.see(f"{page}/release"))
