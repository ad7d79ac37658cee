"""The management page: settings, the Panels tab, new, edit and delete."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.panels.editing import Panel
from cpar_plugin.services.submissions import history, requests
from cpar_plugin.settings import load
from oscar_host.host import OscarHost

pytestmark = pytest.mark.databases("one")


def _text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


def _live(host: OscarHost) -> list[Panel]:
    with host.database.engine.connect() as connection:
        return editing.live_panels(connection, host)


def _entered(**fields: Any) -> dict[str, Any]:
    return {"number": "0042", "facilities": "113", "providers": "101", "practitioner_ids": "1234-56789"} | fields


def test_new_panel_and_bulk_update_appear_once_name_and_site_id_are_saved(app: Any, manager: Any) -> None:
    page = _text(manager.get("/cpar/panels"))
    assert "New Panel</a>" not in page
    assert "Bulk Update</a>" not in page
    saved = manager.post("/cpar/settings", name=" Example Clinic ", site_id="S-1", version="1")
    assert (saved.status_code, saved.location) == (303, "/cpar/panels")
    page = _text(manager.get("/cpar/panels"))
    assert "New Panel</a>" in page
    assert "Bulk Update</a>" in page


@pytest.mark.parametrize("path", ["/cpar/panels/new", "/cpar/bulk"])
def test_before_that_their_addresses_say_what_to_do_first(host: OscarHost, app: Any, manager: Any, path: str) -> None:
    for answer in (manager.get(path), manager.post(path, **_entered(step="save"), kind="remove", from_panel_id="1")):
        assert answer.status_code == 422
        assert "Enter the Clinic Name and Site ID" in _text(answer)
    assert _live(host) == []


def test_settings_without_a_name_are_sent_back_with_a_link_to_the_field(app: Any, manager: Any) -> None:
    answer = manager.post("/cpar/settings", name="", site_id="<b>x</b>", version="1")
    page = _text(answer)
    assert answer.status_code == 422
    assert '<a href="#cpar-name">' in page
    assert re.search(r'<input id="cpar-name"[^>]*aria-describedby="cpar-name-hint cpar-name-error"', page)
    assert "&lt;b&gt;x" in page


def test_a_panel_of_one_clinician_is_made(host: OscarHost, configured: None, manager: Any) -> None:
    answer = manager.post("/cpar/panels/new", **_entered(step="save"))
    assert (answer.status_code, answer.location) == (303, "/cpar/panels?created=1")
    [panel] = _live(host)
    assert (panel.number, panel.facilities) == ("0042", ("000113",))
    assert "0042" in _text(manager.get("/cpar/panels"))


def test_the_practitioner_id_may_be_left_to_what_the_emr_knows(host: OscarHost, configured: None, manager: Any) -> None:
    manager.post("/cpar/panels/new", **_entered(practitioner_ids="", step="save"))
    assert _live(host)[0].providers[0].practitioner_id == "123456789"


def test_a_panel_of_several_facilities_and_providers_is_made_without_script(
    host: OscarHost, configured: None, manager: Any
) -> None:
    page = _text(manager.post("/cpar/panels/new", **_entered(step="add-facility")))
    assert page.count('name="facilities"') == 2
    page = _text(manager.post("/cpar/panels/new", **_entered(facilities=["113", "7"], step="add-provider")))
    assert page.count('name="providers"') == 2
    assert 'value="113"' in page
    manager.post(
        "/cpar/panels/new",
        **_entered(
            facilities=["113", "7"],
            providers=["101", "102"],
            practitioner_ids=["123456789", "2234 56789"],
            step="save",
        ),
    )
    [panel] = _live(host)
    assert panel.facilities == ("000113", "000007")
    assert [provider.practitioner_id for provider in panel.providers] == ["123456789", "223456789"]


def test_the_practitioner_id_that_the_emr_knows_is_filled_in(configured: None, manager: Any) -> None:
    page = _text(manager.post("/cpar/panels/new", **_entered(practitioner_ids="", step="add-provider")))
    assert 'value="1234-56789"' in page


def test_the_trash_button_removes_its_row_and_keeps_the_others(configured: None, manager: Any) -> None:
    page = _text(manager.post("/cpar/panels/new", **_entered(facilities=["11", "22", "33"], step="remove-facility-1")))
    assert 'value="11"' in page
    assert 'value="22"' not in page
    assert 'value="33"' in page


def test_wrong_entries_come_back_each_with_its_message(host: OscarHost, configured: None, manager: Any) -> None:
    answer = manager.post(
        "/cpar/panels/new",
        **_entered(number="", facilities=["abc"], providers="", practitioner_ids="12", notify="nowhere", step="save"),
    )
    page = _text(answer)
    assert answer.status_code == 422
    for field in ("number", "facilities-0", "providers-0", "practitioner_ids-0", "notify"):
        assert f'<a href="#cpar-{field}">' in page
        assert f'id="cpar-{field}"' in page
        assert f'id="cpar-{field}-error"' in page
    assert _live(host) == []


def test_a_panel_is_edited(host: OscarHost, manager: Any, panel: int) -> None:
    page = _text(manager.get(f"/cpar/panels/{panel}/edit"))
    assert 'value="000113"' in page
    assert 'value="1234-56789"' in page
    answer = manager.post(f"/cpar/panels/{panel}/edit", **_entered(number="0099", version="1", step="save"))
    assert answer.status_code == 303
    assert _live(host)[0].number == "0099"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("in-transition", "In transition. No one can be added to this panel."),
        ("ended", "Ended. This panel is not submitted, and no one can be added to it. Move the patients who are still"),
    ],
)
def test_the_state_of_a_panel_is_changed_in_its_form_and_shown_wherever_the_panel_is(
    host: OscarHost, oscar: Any, manager: Any, panel: int, other_panel: int, state: str, words: str
) -> None:
    patient = oscar.patient()
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    refused = manager.post(f"/cpar/panels/{panel}/edit", **_entered(version="1", step="save", state="asleep"))
    assert refused.status_code == 422
    assert "Select a state from the list." in _text(refused)
    manager.post(f"/cpar/panels/{panel}/edit", **_entered(version="1", step="save", state=state))
    assert _live(host)[0].state == state
    assert f'<option value="{state}" selected>' in _text(manager.get(f"/cpar/panels/{panel}/edit"))
    assert f"cpar-state-{state}" in _text(manager.get("/cpar/panels"))
    page = re.sub(r"</?strong>", "", _text(manager.get(f"/cpar/panels/{panel}")))
    assert words in page
    bulk = _text(manager.get("/cpar/bulk"))
    assert f"({state.replace('-', ' ')})</option>" in bulk
    target = bulk.partition('name="panel_id"')[2].partition("</select>")[0]
    assert f'value="{panel}"' not in target
    assert f'value="{other_panel}"' in target
    answer = manager.post("/cpar/bulk", kind="assign", provider_id="101", status="AC", panel_id=str(panel))
    assert "no one can be added to it" in _text(manager.get(answer.location))
    box = _text(manager.get(f"/cpar/patients/{patient}/panel"))
    assert ("is in transition" if state == "in-transition" else "has ended and is not submitted") in box


def test_a_form_without_the_state_leaves_it_as_it_is(host: OscarHost, manager: Any, panel: int) -> None:
    manager.post(f"/cpar/panels/{panel}/edit", **_entered(version="1", step="save", state="ended"))
    manager.post(f"/cpar/panels/{panel}/edit", **_entered(version="2", number="0099", step="save"))
    assert [(one.number, one.state.value) for one in _live(host)] == [("0099", "ended")]


def test_deleting_says_what_happens_and_who_to_contact_first(
    host: OscarHost, oscar: Any, manager: Any, panel: int
) -> None:
    one_patient.choose(host, host.identity.system, oscar.patient(), panel, seen_panel_id=None)
    page = _text(manager.get(f"/cpar/panels/{panel}/delete"))
    assert "1 patient will become Not Paneled" in page
    assert "1-855-643-8649" in page
    assert "This cannot be undone" in page
    assert len(_live(host)) == 1
    answer = manager.post(f"/cpar/panels/{panel}/delete", version="1")
    assert answer.location == "/cpar/panels"
    assert _live(host) == []
    assert "Patients now Not Paneled: 1" in _text(manager.get("/cpar/panels"))


def test_a_panel_that_changed_in_the_meantime_is_not_deleted(host: OscarHost, manager: Any, panel: int) -> None:
    assert manager.post(f"/cpar/panels/{panel}/delete", version="7").status_code == 409
    assert len(_live(host)) == 1


def test_a_panel_that_is_gone_is_a_404(manager: Any, panel: int) -> None:
    manager.post(f"/cpar/panels/{panel}/delete", version="1")
    for path in ("edit", "delete"):
        assert manager.get(f"/cpar/panels/{panel}/{path}").status_code == 404
    assert manager.post(f"/cpar/panels/{panel}/submit").status_code == 404


@pytest.mark.parametrize(
    ("day", "words"),
    [(date(2026, 11, 10), ">Submit</button>"), (date(2026, 11, 20), ">Submit on Dec 1, 2026</button>")],
)
def test_submit_says_the_day_on_which_it_goes_in_the_blackout(
    manager: Any, panel: int, fill: Any, clock: FixedClock, day: date, words: str
) -> None:
    fill(panel)
    clock.move_to(clock.now().replace(day=day.day))
    assert words in _text(manager.get("/cpar/panels"))


def test_a_queued_panel_says_who_and_when_and_can_be_cancelled(manager: Any, panel: int, fill: Any) -> None:
    fill(panel)
    answer = manager.post(f"/cpar/panels/{panel}/submit")
    assert answer.location == "/cpar/panels"
    page = _text(manager.get("/cpar/panels"))
    assert "It will be submitted on Nov 11, 2026" in page
    assert "by Penner, Ada, Nov 10, 2026, 10:00 AM" in page
    [cancel] = re.findall(r'action="(/cpar/submissions/\d+/cancel)"', page)
    assert manager.post(cancel).location == "/cpar/panels"
    assert "Queued for" not in _text(manager.get("/cpar/panels"))
    assert manager.post(cancel).status_code == 409


def test_asking_twice_says_who_asked_first(manager: Any, panel: int, fill: Any) -> None:
    fill(panel)
    manager.post(f"/cpar/panels/{panel}/submit")
    answer = manager.post(f"/cpar/panels/{panel}/submit")
    assert answer.status_code == 409
    assert "Penner, Ada already queued this panel" in _text(answer)


def test_a_submission_of_another_panel_is_not_cancelled_with_it(
    host: OscarHost, manager: Any, panel: int, other_panel: int, fill: Any
) -> None:
    fill(panel, other_panel)
    for one in (panel, other_panel):
        requests.ask(host, load(host.settings), host.identity.system, one)
    manager.post(f"/cpar/panels/{panel}/delete", version="1")
    with host.database.engine.connect() as connection:
        assert set(history.open_submissions(connection, host)) == {other_panel}


def test_the_page_costs_the_same_with_many_panels(
    oscar: Any, manager: Any, make_panel: Callable[..., int], statements: list[str]
) -> None:
    make_panel()
    manager.get("/cpar/panels")
    statements.clear()
    manager.get("/cpar/panels")
    few = len(statements)
    for number in range(15):
        oscar.provider(f"8{number:02}", ohip_no="")
        make_panel(f"P{number:02}", f"8{number:02}", f"5000000{number:02}")
    statements.clear()
    manager.get("/cpar/panels")
    assert len(statements) == few


def test_an_empty_panel_is_not_offered_for_submission_and_refused(manager: Any, panel: int) -> None:
    page = _text(manager.get("/cpar/panels"))
    assert "No patients to submit" in page
    assert "/submit" not in page
    answer = manager.post(f"/cpar/panels/{panel}/submit")
    assert answer.status_code == 422
    assert "Panel 0042 has no patients, so there is nothing to submit. Add patients first." in _text(answer)


def test_an_address_for_failures_is_asked_for_only_with_a_mail_server(
    host: OscarHost, manager: Any, panel: int
) -> None:
    assert 'name="notify"' not in _text(manager.get("/cpar/panels/new"))
    assert "Email is not set up" in _text(manager.get("/cpar/panels/new"))
    address = f"/cpar/panels/{panel}/edit"
    manager.post(address, **_entered(version=1, notify="manager@clinic.example", step="save"))
    page = _text(manager.get(address))
    assert 'value="manager@clinic.example"' in page
    assert "Not notified at present: no mail server is set up." in page
    assert 'inputmode="email"' in page


@pytest.fixture
def three_panels(oscar: Any, make_panel: Callable[..., int], fill: Any) -> list[int]:
    """Panels of three doctors: P2 has two patients, P3 has one, P10 none."""
    oscar.provider("801", ohip_no="", last_name="Lévesque")
    oscar.provider("802", ohip_no="", last_name="Zwicky")
    panels = [make_panel("P10"), make_panel("P2", "802", "500000002"), make_panel("P3", "801", "500000003")]
    fill(panels[1], panels[1], panels[2])
    return panels


def _numbers(answer: Any) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a></th>', _text(answer))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["P10", "P2", "P3"]),
        ({"sort": "-number"}, ["P3", "P2", "P10"]),
        ({"sort": "patients"}, ["P10", "P3", "P2"]),
        ({"sort": "-patients"}, ["P2", "P3", "P10"]),
        ({"sort": "provider"}, ["P3", "P10", "P2"]),
        ({"sort": "facility"}, ["P10", "P2", "P3"]),
        ({"sort": "submitted"}, ["P10", "P2", "P3"]),
        ({"text": "levesque"}, ["P3"]),
        ({"text": "p zwi"}, ["P2"]),
        ({"text": "000113", "sort": "-number"}, ["P3", "P2", "P10"]),
        ({"text": "5000-00003"}, ["P3"]),
        ({"text": "nobody"}, []),
    ],
)
def test_the_panels_are_found_by_number_provider_or_id_and_sorted_by_each_column(
    manager: Any, three_panels: list[int], query: dict[str, str], expected: list[str]
) -> None:
    assert _numbers(manager.get("/cpar/panels", **query)) == expected


def test_a_search_keeps_the_order_and_a_heading_keeps_the_search(manager: Any, three_panels: list[int]) -> None:
    page = _text(manager.get("/cpar/panels", text="p", sort="-patients"))
    assert '<input type="hidden" name="sort" value="-patients">' in page
    assert 'aria-sort="descending"><a class="cpar-sort" href="/cpar/panels?text=p&amp;sort=patients">Patients' in page
    assert "No panels found" in _text(manager.get("/cpar/panels", text="nobody"))
    assert manager.get("/cpar/panels", sort="nonsense").status_code == 422
