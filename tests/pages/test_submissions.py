"""Submission History, Retry, and the notices above every page."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cpar_plugin.domain.submission import State
from cpar_plugin.services import members
from cpar_plugin.services.submission import asking
from cpar_plugin.services.submission.run import run_due
from cpar_plugin.settings import Settings, load
from oscar_host.clock import ALBERTA, FixedClock
from oscar_host.host import OscarHost

NIGHT = datetime(2026, 11, 11, 3, 15, tzinfo=ALBERTA)


def _text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"</?(strong|p|time[^>]*)>", "", response.get_data(as_text=True)))


@pytest.fixture
def outbox(tmp_path: Path) -> Settings:
    """Settings with which a submission is written to a folder."""
    return load({"outbox_folder": str(tmp_path / "outbox")})


@pytest.fixture
def refused() -> Settings:
    """Settings with which nothing answers: the address is of no machine."""
    return load({"transport": "fhir", "registry_url": "http://127.0.0.1:9/fhir"})


@pytest.fixture
def queued(host: OscarHost, oscar: Any, panel: int) -> int:
    """A queued submission of a panel with a patient who can be sent and one without PHN and visit; its id."""
    good, bad = oscar.patient(hin="100000001"), oscar.patient(hin="")
    oscar.visit(good)
    for patient in (good, bad):
        members.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    return asking.ask(host, load(host.settings), host.identity.system, panel)


def test_nothing_submitted_says_how_it_begins(manager: Any, panel: int) -> None:
    assert "Nothing was submitted yet" in _text(manager.get("/cpar/submissions"))


def test_what_was_sent_shows_dates_count_and_why_others_were_left_out(
    host: OscarHost, manager: Any, queued: int, clock: FixedClock, outbox: Settings
) -> None:
    clock.move_to(NIGHT)
    run_due(host, outbox, clock.now())
    page = _text(manager.get("/cpar/submissions"))
    assert "Written to the folder" in page
    assert page.count("11 Nov 2026, 03:15") == 2
    assert re.search(r'<td class="cpar-number">1 </td>', page)
    assert "1 left out" in page
    assert "1: No PHN. Enter the patient&#39;s PHN." in page
    assert "1: No visit in the past." in page
    assert "A patient can be left out for several reasons." in page


def test_a_failed_submission_says_why_on_every_page_of_those_who_manage_panels_and_can_be_retried(
    host: OscarHost, manager: Any, cpar_role: Any, reception: Any, queued: int, clock: FixedClock, refused: Settings
) -> None:
    clock.move_to(NIGHT)
    for _ in range(40):
        run_due(host, refused, clock.now())
        clock.move_to(clock.now() + timedelta(hours=1))
    for person in (manager, cpar_role):
        assert "Panel 0042: failed." in _text(person.get("/cpar/submissions"))
    assert "Panel 0042: failed." in _text(manager.get("/"))
    assert "Panel 0042" not in _text(reception.get("/"))
    page = _text(manager.get("/cpar/submissions"))
    assert "not delivered" in page
    [retry] = re.findall(r'action="(/cpar/submissions/\d+/retry)"', page)
    assert manager.post(retry).location == "/cpar/submissions"
    page = _text(manager.get("/cpar/submissions"))
    assert "is submitted again now" in page
    assert "/retry" not in page
    assert "About to be prepared" in page
    assert manager.post(retry).status_code == 409


def test_a_long_history_has_pages(
    host: OscarHost, manager: Any, panel: int, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cpar_plugin.web.submissions._AT_ONCE", 2)
    for _ in range(5):
        asking.cancel(host, host.identity.system, asking.ask(host, load({}), host.identity.system, panel))
    first = _text(manager.get("/cpar/submissions"))
    assert first.count("Cancelled</span>") == 2
    [older] = re.findall(r'href="(/cpar/submissions\?before=\d+)">Older', first)
    second = _text(manager.get(older))
    assert second.count("Cancelled</span>") == 2
    [oldest] = re.findall(r'href="(/cpar/submissions\?before=\d+)">Older', second)
    assert _text(manager.get(oldest)).count("Cancelled</span>") == 1


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "1;drop"])
def test_a_page_that_is_no_number_is_refused(manager: Any, panel: int, before: str) -> None:
    assert manager.get("/cpar/submissions", before=before).status_code == 422


def test_every_state_has_words_and_a_style() -> None:
    from cpar_plugin.services.submission.wording import STATE

    assert set(STATE) == set(State)
