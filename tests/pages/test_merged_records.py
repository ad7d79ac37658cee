"""Records merged in the EMR, as people see them: on the box of either record, and in the panel's list."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import update

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import load
from cpar_plugin.web.widget import widgets
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from .conftest import MANAGER

pytestmark = pytest.mark.databases("one")


@pytest.fixture
def pair(host: OscarHost, oscar: Any, panel: int) -> tuple[int, int]:
    """A member of the panel 0042 whose record was merged, and the record that is kept."""
    retired, kept = oscar.patient(hin="200000001"), oscar.patient(hin="200000001")
    oscar.visit(kept)
    one_patient.choose(host, host.identity.system, retired, panel, seen_panel_id=None)
    oscar.merge(retired, kept)
    return retired, kept


@pytest.fixture
def split(oscar: Any, pair: tuple[int, int]) -> Callable[[], None]:
    """Undo the merge."""

    def split() -> None:
        merge = oscar.tables.demographic_merged
        with oscar.database.writing() as connection:
            connection.execute(update(merge).values(deleted=1))

    return split


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def box(person: Any, patient: int) -> str:
    return text(person.get(f"/cpar/patients/{patient}/widget"))


@pytest.mark.parametrize("first", ["kept", "retired"])
def test_a_merge_is_followed_when_either_box_is_shown(reception: Any, pair: tuple[int, int], first: str) -> None:
    retired, kept = pair
    if first == "kept":
        assert "0042 (Okafor, Adaeze)" in box(reception, kept)
    merged = box(reception, retired)
    assert f'Merged into <a href="/patients/{kept}">{kept}</a>' in merged
    assert "<button" not in merged
    assert "0042 (Okafor, Adaeze)" in box(reception, kept)


def test_an_undone_merge_is_followed_when_a_box_is_shown(
    reception: Any, pair: tuple[int, int], split: Callable[[], None]
) -> None:
    retired, kept = pair
    box(reception, kept)
    split()
    assert "Not Paneled" in box(reception, kept)
    assert "0042 (Okafor, Adaeze)" in box(reception, retired)


def test_the_host_gets_the_merge_in_one_line(app: Flask, host: OscarHost, pair: tuple[int, int]) -> None:
    with app.test_request_context():
        (shown,) = widgets(host, host.identity.system, pair[0])
    assert shown.summary == f"Merged into {pair[1]}"


@pytest.mark.databases("both")
def test_a_box_is_shown_while_a_large_change_keeps_the_lock(
    host: OscarHost, reception: Any, pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def waits_too_long(_: Any) -> None:
        raise Refused("Another large change is in progress.")

    retired, kept = pair
    monkeypatch.setattr(clinic, "lock", waits_too_long)
    assert f'Merged into <a href="/patients/{kept}">' in box(reception, retired)
    assert "Not Paneled" in box(reception, kept)


@pytest.mark.parametrize("answer", ["Keep", "Remove"])
def test_what_was_changed_since_is_listed_with_keep_and_remove(
    host: OscarHost,
    clock: FixedClock,
    open_tab: OpenTab,
    panel: int,
    pair: tuple[int, int],
    split: Callable[[], None],
    manager: Any,
    answer: str,
) -> None:
    retired, kept = pair
    box(manager, kept)
    clock.move_to(clock.now() + timedelta(days=1))
    one_patient.confirm(host, host.identity.system, kept, seen_panel_id=panel)
    split()
    page = open_tab(MANAGER)
    page.goto(f"/patients/{kept}")
    expect(page.get_by_text(f"Separated again from record {retired}")).to_be_visible()
    if answer == "Keep":
        look(page, "box-separated")
    page.goto(f"/cpar/panels/{panel}")
    if answer == "Keep":
        look(page, "panel-separated")
    page.get_by_role("region", name="Merge undone").get_by_role("button", name=answer).click()
    expect(page.get_by_role("heading", name="Merge undone")).to_have_count(0)
    assert ("Not Paneled" in box(manager, kept)) == (answer == "Remove")
    assert "Separated again" not in box(manager, kept)
    assert "0042" in box(manager, retired)


def test_keep_on_the_box_ends_the_question(
    host: OscarHost, clock: FixedClock, panel: int, pair: tuple[int, int], split: Callable[[], None], reception: Any
) -> None:
    _, kept = pair
    box(reception, kept)
    clock.move_to(clock.now() + timedelta(days=1))
    one_patient.confirm(host, host.identity.system, kept, seen_panel_id=panel)
    split()
    assert "Separated again" in box(reception, kept)
    assert reception.post(f"/cpar/patients/{kept}/keep").status_code == 303
    assert "Separated again" not in box(reception, kept)


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large change keeps the lock, so that a merge cannot be followed yet."""

    def waits_too_long(_: Any) -> None:
        raise Refused("Another large change is in progress.")

    monkeypatch.setattr(clinic, "lock", waits_too_long)


def test_the_panels_list_print_and_file_say_what_the_box_says(
    manager: Any, panel: int, pair: tuple[int, int], locked: None
) -> None:
    retired, kept = pair
    message = (
        f'<strong>Merged into <a href="/patients/{kept}">{kept}</a>.</strong> This patient&#39;s panel is shown on'
    )
    for address in (f"/cpar/panels/{panel}", f"/cpar/panels/{panel}/print"):
        page = text(manager.get(address)).replace("patient's", "patient&#39;s")
        assert message in page, address
        assert "Patient record not found" not in page.partition("<tbody>")[2]
        assert f"remove-{retired}" not in page
    file = manager.get(f"/cpar/panels/{panel}/export").get_data(as_text=True)
    assert f"no,Merged into {kept},This patient's panel is shown on that record.," in file


def test_a_submission_and_a_bulk_update_of_before_the_merge_say_so_too(
    host: OscarHost, oscar: Any, clock: FixedClock, manager: Any, panel: int, tmp_path: Path
) -> None:
    retired, kept = oscar.patient(hin="200000001"), oscar.patient(hin="200000001", patient_status="IN")
    inactive = oscar.patient(patient_status="IN", hin="200000003")
    oscar.visit(retired)
    order = {"kind": "assign", "provider_id": "101", "status": "AC", "panel_id": panel, "step": "carry-out"}
    answer = manager.post("/cpar/bulk", **order).location
    settings = load({**host.settings, "outbox_folder": str(tmp_path / "outbox")})
    number = requests.ask(host, settings, host.identity.system, panel)
    clock.move_to(settings.calendar(clock.zone).moment(requests.run_date(host, settings), settings.night_run_at))
    run_due(host, settings, clock.now())
    oscar.merge(retired, kept)
    oscar.merge(inactive, kept)
    merged = f'Merged into <a href="/patients/{kept}">{kept}</a>'
    assert merged in text(manager.get(f"/cpar/submissions/{number}"))
    file = manager.get(f"{answer}/skipped").get_data(as_text=True)
    assert f"Status is Inactive,Merged into {kept}. This patient's panel is shown on that record." in file
