"""Submission History, Retry, and the notices above every page."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import insert

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.submissions import night_run, requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.services.submissions.texts import Stage
from cpar_plugin.settings import Settings, load
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from ..conftest import ALBERTA
from .conftest import MANAGER

pytestmark = pytest.mark.databases("one")

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
        one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    return requests.ask(host, load(host.settings), host.identity.system, panel)


def test_nothing_submitted_says_how_it_begins(manager: Any, panel: int) -> None:
    assert "Nothing has been submitted yet" in _text(manager.get("/cpar/submissions"))


def test_what_was_sent_shows_dates_count_and_why_others_were_excluded(
    host: OscarHost, manager: Any, queued: int, clock: FixedClock, outbox: Settings
) -> None:
    clock.move_to(NIGHT)
    run_due(host, outbox, clock.now())
    page = _text(manager.get("/cpar/submissions"))
    assert "Written to folder" in page
    assert len(re.findall("<td[^>]*>Nov 11, 2026, 3:15 AM", page)) == 2
    assert re.search(
        r'<td[^>]* class="cpar-number"><a href="/cpar/submissions/\d+" aria-label="1 patients[^"]*">1</a>', page
    )
    assert "1 excluded" in page
    assert f'href="/cpar/submissions/{queued}?show=excluded"' in page
    assert "1: No PHN. Enter the patient&#39;s PHN." in page
    assert "1: No visit in the past." in page
    assert "A patient can be excluded for more than one reason." in page


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
    assert "is being submitted again now" in page
    assert "/retry" not in page
    assert "Starting" in page
    assert manager.post(retry).status_code == 409


@pytest.fixture
def three_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpar_plugin.web.submissions._AT_ONCE", 3)


def _shown(page: str) -> list[int]:
    return [int(result) for result in re.findall(r'href="/cpar/submissions/(\d+)" aria-label="Details', page)]


def _link(page: str, label: str) -> str:
    [result] = re.findall(rf'href="(/cpar/submissions[^"]*)">{label}</a>', page)
    return str(result).replace("&amp;", "&")


@pytest.mark.databases("both")
def test_a_long_history_has_pages_in_both_directions(
    host: OscarHost, manager: Any, panel: int, other_panel: int, three_at_once: None, fill: Any
) -> None:
    fill(panel, other_panel)
    asked = []
    for _ in range(4):
        for one in (panel, other_panel):
            asked.append(requests.ask(host, load({}), host.identity.system, one))
            requests.cancel(host, host.identity.system, asked[-1])
    latest = _text(manager.get("/cpar/submissions"))
    middle = _text(manager.get(_link(latest, "Older")))
    oldest = _text(manager.get(_link(middle, "Older")))
    assert _shown(latest) + _shown(middle) + _shown(oldest) == asked[::-1]
    assert "Newer</a>" not in latest
    assert "Older</a>" not in oldest
    assert _shown(_text(manager.get(_link(oldest, "Newer")))) == _shown(middle)
    back = _text(manager.get(_link(_text(manager.get(_link(oldest, "Newer"))), "Newer")))
    assert _shown(back) == _shown(latest)
    assert "Newer</a>" not in back
    assert _shown(_text(manager.get(_link(oldest, "Latest")))) == _shown(latest)


def test_the_history_of_one_panel_keeps_to_it_on_every_page(
    host: OscarHost, manager: Any, panel: int, other_panel: int, three_at_once: None, fill: Any
) -> None:
    fill(panel, other_panel)
    mine = []
    for _ in range(4):
        for one in (panel, other_panel):
            asked = requests.ask(host, load({}), host.identity.system, one)
            requests.cancel(host, host.identity.system, asked)
            mine += [asked] if one == panel else []
    first = _text(manager.get("/cpar/submissions", panel=panel))
    assert f'<option value="{panel}" selected>0042</option>' in first
    second = _text(manager.get(_link(first, "Older")))
    assert _shown(first) + _shown(second) == mine[::-1]
    assert f'<option value="{panel}" selected>0042</option>' in second


def test_the_history_of_a_deleted_panel_is_still_found(host: OscarHost, manager: Any, panel: int, queued: int) -> None:
    editing.delete(host, host.identity.system, panel, 1)
    page = _text(manager.get("/cpar/submissions", panel=panel))
    assert _shown(page) == [queued]
    assert "0042 (deleted)" in page


@pytest.mark.databases("both")
def test_the_history_can_be_narrowed_to_a_state(
    host: OscarHost, manager: Any, queued: int, other_panel: int, clock: FixedClock, outbox: Settings, fill: Any
) -> None:
    fill(other_panel)
    cancelled = requests.ask(host, load({}), host.identity.system, other_panel)
    requests.cancel(host, host.identity.system, cancelled)
    assert _shown(_text(manager.get("/cpar/submissions", state="OPEN"))) == [queued]
    assert _shown(_text(manager.get("/cpar/submissions", state="CANCELLED"))) == [cancelled]
    clock.move_to(NIGHT)
    run_due(host, outbox, clock.now())
    assert _shown(_text(manager.get("/cpar/submissions", state="DELIVERED"))) == [queued]
    assert "No matching submissions." in _text(manager.get("/cpar/submissions", state="FAILED"))


@pytest.mark.databases("both")
def test_every_state_is_found_under_exactly_one_name() -> None:
    results = [state for stage in Stage for state in stage.states]
    assert sorted(results) == sorted(SubmissionState)


@pytest.mark.parametrize(
    "query",
    [{"before": "x"}, {"after": "-1"}, {"before": "9" * 30}, {"panel": "1;drop"}, {"state": "none"}],
    ids=str,
)
def test_a_page_that_there_is_not_is_refused(manager: Any, panel: int, query: dict[str, str]) -> None:
    assert manager.get("/cpar/submissions", **query).status_code == 422


def test_the_panels_show_their_last_submission(
    host: OscarHost, manager: Any, queued: int, other_panel: int, clock: FixedClock, outbox: Settings, fill: Any
) -> None:
    fill(other_panel)
    assert _text(manager.get("/cpar/panels")).count('<span class="cpar-quiet">Never</span>') == 2
    clock.move_to(NIGHT)
    run_due(host, outbox, clock.now())
    requests.cancel(host, host.identity.system, requests.ask(host, load({}), host.identity.system, other_panel))
    page = _text(manager.get("/cpar/panels"))
    assert f'<a href="/cpar/submissions/{queued}" aria-label="Submission of panel 0042, Nov 11, 2026, 3:15 AM">' in page
    assert "Written to folder" in page
    assert "1 submitted, 1 excluded" in page
    assert page.count('<span class="cpar-quiet">Never</span>') == 1  # one that was called off is none


def test_the_pages_need_as_many_statements_for_300_panels_as_for_one(
    host: OscarHost,
    manager: Any,
    queued: int,
    make_panel: Callable[..., int],
    clock: FixedClock,
    outbox: Settings,
    statements: list[str],
) -> None:
    def counts() -> list[int]:
        results = []
        for address in ("/cpar/panels", "/cpar/submissions", f"/cpar/submissions/{queued}"):
            statements.clear()
            assert manager.get(address).status_code == 200
            results.append(len(statements))
        return results

    clock.move_to(NIGHT)
    run_due(host, outbox, clock.now())
    few = counts()
    now = clock.now()
    with host.database.writing() as connection:
        for number in range(300):
            values = {"number": f"A{number}", "live_number": f"A{number}", "created_at": now}
            panel_id = connection.execute(insert(tables.panel).values(values)).inserted_primary_key[0]
            values = {"panel_id": panel_id, "requested_at": now, "requested_by": "301", "due_on": now.date()}
            ended = {"state": "delivered", "finished_at": now, "first_attempt_at": now, "open_panel_id": None}
            under_way = {"state": "due", "finished_at": None, "first_attempt_at": None, "open_panel_id": panel_id}
            connection.execute(insert(tables.submission), [values | ended, values | ended, values | under_way])
    many = counts()
    assert many[2] == few[2]
    assert max(many) <= 16, many  # of a submission: its lists are searched, the look is recorded, and the tab counts


def test_only_what_is_under_way_shows_a_progress_bar(
    host: OscarHost, manager: Any, reception: Any, queued: int, clock: FixedClock, outbox: Settings
) -> None:
    addresses = ("/cpar/panels", "/cpar/submissions")
    for address in addresses:
        assert "<progress" not in _text(manager.get(address))
    clock.move_to(NIGHT)
    night_run.begin(host, outbox, clock.now())
    for address in addresses:
        assert "0 of 1 panel done" in _text(manager.get(address))
    [asks] = re.findall(r'hx-get="([^"]+)"', manager.get("/cpar/panels").get_data(as_text=True))
    asks = asks.replace("&amp;", "&")
    assert manager.get(asks).status_code == 204  # nothing new
    assert reception.get(asks).status_code == 403
    run_due(host, outbox, clock.now())
    answer = _text(manager.get(asks))
    assert "The panel is done. 1 delivered or written to folder." in answer
    assert "hx-get" not in answer
    for address in addresses:
        assert "<progress" not in _text(manager.get(address))


@pytest.mark.parametrize("others", [timedelta(minutes=-2), timedelta(days=3)])
def test_a_night_counts_what_is_done_though_another_machine_has_another_time(
    host: OscarHost, manager: Any, queued: int, clock: FixedClock, outbox: Settings, others: timedelta
) -> None:
    if others > timedelta():
        clock.move_to(NIGHT + others)  # it begins a night that is still to come
        night = {"night": clock.now().date(), "began_at": clock.now()}
        with host.database.writing() as connection:
            connection.execute(insert(tables.night_run), night)
    clock.move_to(NIGHT + timedelta(minutes=3))
    night_run.begin(host, outbox, clock.now())
    [asks] = re.findall(r'hx-get="([^"]+)"', manager.get("/cpar/panels").get_data(as_text=True))
    clock.move_to(clock.now() + min(others, timedelta()))
    run_due(host, outbox, clock.now())
    answer = _text(manager.get(asks.replace("&amp;", "&")))
    assert "The panel is done. 1 delivered or written to folder." in answer


@pytest.mark.parametrize("address", ["/cpar/panels", "/cpar/submissions"])
def test_the_progress_bar_moves_by_itself_and_stops(
    host: OscarHost,
    open_tab: OpenTab,
    address: str,
    queued: int,
    other_panel: int,
    clock: FixedClock,
    outbox: Settings,
    fill: Any,
) -> None:
    fill(other_panel)
    requests.ask(host, load({}), host.identity.system, other_panel)
    clock.move_to(NIGHT)
    night_run.begin(host, outbox, clock.now())
    with_script, without = open_tab(MANAGER), open_tab(MANAGER, script=False)
    for tab in (with_script, without):
        tab.goto(address)
        expect(tab.get_by_role("progressbar", name="0 of 2 panels done")).to_be_visible()
    look(with_script, "submissions-under-way")
    run_due(host, outbox, clock.now())
    expect(with_script.get_by_text("All 2 panels are done. 1 delivered or written to folder.")).to_be_visible()
    expect(with_script.get_by_role("progressbar")).to_have_count(0)
    without.get_by_role("link", name="Refresh").click()
    expect(without.get_by_role("progressbar")).to_have_count(0)


@pytest.mark.parametrize("since", ["x", "2026", "2026-11-11T03:15:00", "0001-01-01T00:00:00+14:00"])
def test_a_progress_since_no_moment_is_refused(manager: Any, panel: int, since: str) -> None:
    assert manager.get("/cpar/submissions/progress", since=since).status_code == 422


def test_every_state_has_words_and_a_style() -> None:
    from cpar_plugin.services.submissions.texts import STATE

    assert set(STATE) == set(SubmissionState)


def test_the_panels_tab_shows_what_is_under_way_not_what_was_delivered_before(
    host: OscarHost, manager: Any, queued: int, panel: int, clock: FixedClock, outbox: Settings, refused: Settings
) -> None:
    clock.move_to(NIGHT)
    run_due(host, outbox, clock.now())
    again = requests.ask(host, load({}), host.identity.system, panel)
    clock.move_to(NIGHT + timedelta(days=1))
    run_due(host, refused, clock.now())
    page = _text(manager.get("/cpar/panels"))
    assert f'<a href="/cpar/submissions/{again}" aria-label="Submission of panel 0042, in progress">' in page
    assert 'cpar-state-waiting">Retry scheduled<' in page
    assert "Last attempt: Nov 12, 2026, 3:15 AM. Next: Nov 12, 2026, 3:16 AM." in page
    assert f'Before: <a href="/cpar/submissions/{queued}"' in page
    assert "cpar-state-written" not in page
    assert "In progress" in page


def test_a_registry_that_is_down_on_the_7th_takes_one_look_and_two_clicks(
    host: OscarHost,
    oscar: Any,
    open_tab: OpenTab,
    panel: int,
    other_panel: int,
    clock: FixedClock,
    outbox: Settings,
    refused: Settings,
) -> None:
    for one, hin in ((panel, "100000001"), (other_panel, "100000002")):
        patient = oscar.patient(hin=hin)
        oscar.visit(patient)
        one_patient.choose(host, host.identity.system, patient, one, seen_panel_id=None)
    clock.move_to(datetime(2026, 12, 7, 3, 15, tzinfo=ALBERTA))
    for minutes in (0, 1, 6, 21, 51):
        clock.move_to(datetime(2026, 12, 7, 3, 15, tzinfo=ALBERTA) + timedelta(minutes=minutes))
        run_due(host, refused, clock.now())
    clock.move_to(datetime(2026, 12, 7, 4, 15, tzinfo=ALBERTA))
    for script in (False, True):
        tab = open_tab(MANAGER, script=script)
        tab.goto("/cpar/panels")
        notice = tab.locator(".notice")
        expect(notice).to_have_count(1)
        expect(notice).to_have_class("notice notice-warning")
        expect(notice).to_contain_text("Panels 0042 and 0077: not delivered yet. 127.0.0.1:9 refused the connection.")
        expect(notice).to_contain_text("Nothing needs to be done until Dec 8, 2026, 3:15 AM")
        expect(tab.get_by_text("Retry scheduled")).to_have_count(2)
    look(tab, "panels-registry-down")
    clock.move_to(datetime(2026, 12, 8, 12, tzinfo=ALBERTA))
    run_due(host, refused, clock.now())
    tab.reload()
    expect(notice).to_have_count(1)
    expect(notice).to_have_class("notice notice-failure")
    expect(notice).to_contain_text("Panels 0042 and 0077: failed. 127.0.0.1:9 refused the connection.")
    look(tab, "panels-registry-failed")
    notice.get_by_role("link", name="View").click()
    look(tab, "submissions-failed")
    tab.get_by_role("button", name="Retry all failed (2 panels)").click()
    expect(tab.get_by_text("The failed panels are being submitted again now.")).to_be_visible()
    run_due(host, outbox, clock.now())
    tab.goto("/cpar/submissions")
    expect(notice).to_have_count(0)
    expect(tab.get_by_text("Press Retry")).to_have_count(0)
    expect(tab.get_by_text("Written to folder", exact=True)).to_have_count(2)
