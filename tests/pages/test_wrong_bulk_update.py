"""A wrong bulk assign is undone a day later, after others changed things and after a submission: in a browser."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete, select

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import load
from cpar_plugin.store import tables
from cpar_plugin.store.tables import member, snapshot_piece, submission
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from .conftest import MANAGER

pytestmark = pytest.mark.databases("one")

Undone = tuple[int, dict[str, int]]


@pytest.fixture
def night(host: OscarHost, clock: FixedClock, tmp_path: Path) -> Callable[..., None]:
    """The next night run, with what was asked for."""
    settings = load({**host.settings, "outbox_folder": str(tmp_path / "outbox")})

    def run(*panel_ids: int) -> None:
        for panel_id in panel_ids:
            requests.ask(host, settings, host.identity.system, panel_id)
        due = settings.calendar(clock.zone).moment(requests.run_date(host, settings), settings.night_run_at)
        clock.move_to(due)
        assert set(run_due(host, settings, clock.now()).states) == {SubmissionState.WRITTEN}
        clock.move_to(due + timedelta(hours=6))

    return run


@pytest.fixture
def mistake(
    host: OscarHost, oscar: Any, clock: FixedClock, panel: int, other_panel: int, night: Callable[..., None]
) -> Undone:
    """Five patients of Dr Okafor's panel 0042, assigned to the panel 0077 by mistake; both were submitted since."""
    system, patients = host.identity.system, {}
    for number, name in enumerate(("Abel", "Berg", "Cole", "Dale", "Epp"), start=1):
        patients[name] = oscar.patient(last_name=name, first_name="Kim", hin=f"10000000{number}")
        oscar.visit(patients[name])
        one_patient.choose(host, system, patients[name], panel, seen_panel_id=None)
    stays = oscar.patient(last_name="Frey", provider_no="102", hin="100000006")
    remains = oscar.patient(last_name="Gray", provider_no="102", hin="100000007")
    for patient_id, panel_id in ((stays, panel), (remains, other_panel)):
        oscar.visit(patient_id)
        one_patient.choose(host, system, patient_id, panel_id, seen_panel_id=None)
    night(panel, other_panel)  # before the mistake: not what is asked about
    result = bulk.carry_out(host, system, bulk.Assign("101", "AC", other_panel))
    assert result.operation_id
    clock.move_to(clock.now() + timedelta(hours=1))
    one_patient.confirm(host, system, patients["Abel"], seen_panel_id=other_panel)
    one_patient.remove(host, system, patients["Berg"], seen_panel_id=other_panel)
    one_patient.choose(host, system, patients["Berg"], panel, seen_panel_id=None)
    night(panel, other_panel)
    return result.operation_id, patients


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.get_data(as_text=True)))


def test_a_wrong_assignment_is_undone_with_everything_it_led_to_in_six_clicks(
    host: OscarHost, open_tab: OpenTab, mistake: Undone, panel: int, other_panel: int
) -> None:
    _, patients = mistake
    page = open_tab(MANAGER)
    page.goto("/administration")
    clicks = 0

    def click(role: Any, name: str) -> None:
        nonlocal clicks
        clicks += 1
        page.get_by_role(role, name=name).click()

    click("link", "CPAR Panel Management")
    click("link", "Bulk Update")
    click("link", "Patients of Okafor, Adaeze with status Active assigned to panel 0077.")
    since = page.get_by_role("list").filter(has_text="was submitted on")
    expect(since).to_contain_text("Panel 0077 was submitted on Nov 12, 2026, 3:15 AM with 4 of these patients.")
    expect(since).to_contain_text("Panel 0042 was submitted on Nov 12, 2026, 3:15 AM without 4 of these patients.")
    expect(page.get_by_text("offers to submit both panels again")).to_be_visible()
    look(page, "bulk-undo-after-submission")
    click("button", "Undo")
    expect(page.get_by_text("Patients restored: 3. Changed since, so not restored: 2.")).to_be_visible()
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="ABEL, Kim")).to_contain_text("Confirmed on panel 0077")
    expect(rows.filter(has_text="BERG, Kim")).to_contain_text("Added to panel 0042")
    expect(since).to_contain_text("with 4 of these patients.")
    look(page, "bulk-undone-after-submission")
    click("button", "Move back too")
    expect(page.get_by_text("Moved back: 1 patient.")).to_be_visible()
    expect(rows.filter(has_text="ABEL, Kim")).to_have_count(0)
    click("button", "Submit both panels again")
    expect(page.get_by_text("Panel 0077 will be submitted in the night run on Nov 13, 2026.")).to_be_visible()
    expect(page.get_by_role("button", name="again")).to_have_count(0)
    expect(since).to_contain_text("Submitted again: Queued, Nov 13, 2026.")
    look(page, "bulk-submitted-again")
    assert clicks == 6
    with host.database.engine.connect() as connection:
        numbers = dict(
            connection.execute(select(member.c.patient_id, tables.panel.c.number).join_from(member, tables.panel)).all()
        )
        queued = connection.scalars(select(submission.c.panel_id).where(submission.c.open_panel_id.is_not(None)))
        assert sorted(queued) == sorted((panel, other_panel))
    assert {numbers[patient_id] for patient_id in patients.values()} == {"0042"}


def test_a_submission_before_the_operation_or_of_other_patients_is_not_named(
    host: OscarHost, oscar: Any, manager: Any, panel: int, other_panel: int, night: Callable[..., None]
) -> None:
    patient, inactive = oscar.patient(), oscar.patient(provider_no="102")
    for patient_id in (patient, inactive):
        oscar.visit(patient_id)
    one_patient.choose(host, host.identity.system, inactive, other_panel, seen_panel_id=None)
    night(other_panel)
    answer = manager.post(
        "/cpar/bulk", kind="assign", provider_id="101", status="AC", panel_id=other_panel, step="carry-out"
    )
    assert "was submitted on" not in text(manager.get(answer.location))
    one_patient.remove(host, host.identity.system, patient, seen_panel_id=other_panel)
    night(other_panel)
    assert "was submitted on" not in text(manager.get(answer.location))


def test_of_a_submission_whose_contents_are_gone_it_says_so(host: OscarHost, manager: Any, mistake: Undone) -> None:
    operation_id, _ = mistake
    with host.database.writing() as connection:
        connection.execute(delete(snapshot_piece))
    shown = text(manager.get(f"/cpar/bulk/{operation_id}"))
    assert shown.count("after this bulk update. The contents of the submission are no longer available.") == 2


def test_panels_are_submitted_again_only_after_the_undo_and_once(manager: Any, mistake: Undone) -> None:
    operation_id, _ = mistake
    again = f"/cpar/bulk/{operation_id}/submit-again"
    assert "Undo this bulk update first" in text(manager.post(again))
    manager.post(f"/cpar/bulk/{operation_id}/undo")
    assert manager.post(again).status_code == 303
    manager.get(f"/cpar/bulk/{operation_id}")
    assert "already queued or have been submitted again" in text(manager.get(manager.post(again).location))


def test_the_file_of_those_not_restored_is_for_spreadsheets(manager: Any, mistake: Undone) -> None:
    operation_id, patients = mistake
    manager.post(f"/cpar/bulk/{operation_id}/undo")
    answer = manager.get(f"/cpar/bulk/{operation_id}/not-restored")
    assert (
        answer.headers["Content-Disposition"] == f'attachment; filename="bulk-update-{operation_id}-not-restored.csv"'
    )
    _, *lines = answer.get_data().decode("utf-8-sig").splitlines()
    assert [line.split(",")[:2] for line in lines] == [[str(patients[name]), name] for name in ("Abel", "Berg")]
