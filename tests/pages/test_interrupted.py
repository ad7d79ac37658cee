"""A form that was sent after its session had ended: what was entered is offered again, to the person who entered it."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import select

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..browser import OpenTab, look, new_page
from ..signing_in import end_sessions, session_of
from ..waiting import wait_until
from .conftest import MANAGER, RECEPTION, Person

pytestmark = pytest.mark.databases("one")

ENTERED = {"number": "0815", "facilities": "113", "providers": "101", "practitioner_ids": "987654321"}
TITLE = "<h1>You were signed out before this was done</h1>"


def _text(answer: Any) -> str:
    return " ".join(answer.get_data(as_text=True).split())


def _numbers(host: OscarHost) -> list[str]:
    with host.database.engine.connect() as connection:
        return list(connection.scalars(select(tables.panel.c.number).order_by(tables.panel.c.panel_id)))


def _offered_at(answer: Any) -> str:
    """The address after signing in."""
    assert answer.status_code == 303
    [address] = parse_qs(urlsplit(answer.location).query)["next"]
    return address


def _interrupted(manager: Person, host: OscarHost, address: str = "/cpar/panels/new", **fields: str) -> str:
    manager.renew_token()
    end_sessions(host)
    return _offered_at(manager.post(address, headers={"Referer": f"http://localhost{address}"}, **(fields or ENTERED)))


def test_a_form_is_shown_as_it_was_entered_and_saved_only_when_the_person_saves_it(
    manager: Person, host: OscarHost, panel: int
) -> None:
    address = _interrupted(manager, host)
    assert "0815" not in address
    assert "what you entered is kept" in _text(manager.get("/sign-in?next=" + address))
    manager.sign_in()
    page = _text(manager.get(address))
    assert TITLE in page
    assert "Nothing was changed." in page
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    assert fields.items() >= ENTERED.items()
    fields.pop("csrf_token")
    manager.renew_token()
    again = manager.post("/cpar/panels/new", **fields)
    assert again.status_code == 422
    assert "You were signed out before this was done, so nothing was changed." in _text(again)
    assert 'value="0815"' in _text(again)
    assert _numbers(host) == ["0042"]
    assert manager.post("/cpar/panels/new", **ENTERED).status_code == 303
    assert _numbers(host) == ["0042", "0815"]


def test_a_private_key_is_not_among_what_is_kept(manager: Person, host: OscarHost) -> None:
    key = '{"kty": "EC", "d": "c2VjcmV0LXNlY3JldA"}'
    address = _interrupted(manager, host, "/cpar/clients/new", name="Network", jwks=key)
    manager.sign_in()
    page = _text(manager.get(address))
    assert 'name="name" value="Network"' in page
    assert "c2VjcmV0" not in page


def test_what_was_entered_is_offered_to_no_one_else_and_for_an_hour_only(
    manager: Person, barred: Person, host: OscarHost, clock: FixedClock, panel: int
) -> None:
    address = _interrupted(manager, host)
    barred.sign_in()
    manager.sign_in()
    for person in (barred, manager):
        answer = person.get(address)
        assert (answer.status_code, "0815" in _text(answer)) == ((200, True) if person is manager else (410, False))
    with host.database.engine.connect() as connection:
        [row] = connection.execute(select(tables.kept)).all()
    assert b"0815" not in row.sealed
    clock.move_to(clock.now() + timedelta(hours=1))
    assert manager.get(address).status_code == 410


def test_an_action_without_entries_is_carried_out_when_the_person_continues(
    manager: Person, host: OscarHost, panel: int
) -> None:
    address = _interrupted(manager, host, f"/cpar/panels/{panel}/delete", version="1")
    manager.sign_in()
    assert "Continue to carry it out now." in _text(manager.get(address))
    assert _numbers(host) == ["0042"]


def test_a_form_of_an_earlier_session_of_the_same_person_is_offered_at_once(
    app: Flask, manager: Person, host: OscarHost, panel: int
) -> None:
    opened = manager.shown_token()
    manager.post("/sign-out")
    manager.sign_in()
    answer = manager.client.post("/cpar/panels/new", data={**ENTERED, "csrf_token": opened})
    assert answer.status_code == 303
    assert TITLE in _text(manager.get(answer.location))
    assert _numbers(host) == ["0042"]
    from_elsewhere = {"Sec-Fetch-Site": "cross-site"}
    answer = manager.client.post("/cpar/panels/new", data={**ENTERED, "csrf_token": opened}, headers=from_elsewhere)
    assert answer.status_code == 400


def test_a_form_without_a_token_of_ours_and_one_that_signs_in_are_never_kept(
    manager: Person, nobody: Person, host: OscarHost, panel: int
) -> None:
    token = manager.shown_token()
    end_sessions(host)
    for answer in (
        nobody.post("/cpar/panels/new", token=False, csrf_token="forged", **ENTERED),
        manager.client.post("/sign-in", data={"user_name": "x", "password": "secret", "csrf_token": token}),
    ):
        assert "interrupted" not in (answer.location or "")
    with host.database.engine.connect() as connection:
        assert connection.execute(select(tables.kept)).all() == []


def test_a_form_that_is_too_large_to_be_kept_leads_back_to_its_page(manager: Person, host: OscarHost) -> None:
    address = _interrupted(manager, host, "/cpar/settings", name="x" * 300_000, site_id="1", version="1")
    assert address == "/cpar/settings"


def _sign_in_again(app: Flask, page: Page, provider_id: str) -> None:
    """As in another tab of the same browser."""
    name = app.config["SESSION_COOKIE_NAME"]
    signing = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    cookie = {"name": name, "value": signing.dumps(session_of(app, provider_id)), "url": page.evaluate("origin")}
    page.context.add_cookies([cookie])  # type: ignore[list-item]


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_clerk_loses_nothing_that_was_typed(
    app: Flask, open_tab: OpenTab, host: OscarHost, panel: int, script: bool
) -> None:
    page = open_tab(MANAGER, script=script)
    page.goto("/cpar/panels/new")
    page.get_by_label("Panel number").fill("0815")
    end_sessions(host)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("what you entered is kept")
    back_to = page.locator("input[name=next]").get_attribute("value") or ""
    _sign_in_again(app, page, MANAGER)
    page.goto(back_to)
    expect(page.get_by_role("heading", name="You were signed out before this was done")).to_be_visible()
    if script:
        look(page, "interrupted")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Panel number")).to_have_value("0815")
    expect(page.get_by_role("alert")).to_contain_text("You were signed out before this was done")
    if script:
        look(page, "interrupted-form")
    assert _numbers(host) == ["0042"]


def test_in_the_box_a_press_after_signing_in_again_needs_no_reload(
    app: Flask, open_tab: OpenTab, host: OscarHost, oscar: Any, panel: int
) -> None:
    patient = oscar.patient()
    page = open_tab(RECEPTION)
    page.goto(f"/patients/{patient}")
    page.locator("summary[title='Add to a panel']").click()
    end_sessions(host)
    add, alert = page.get_by_role("button", name="0042"), page.locator("#cpar-widget").get_by_role("alert")
    add.click()
    expect(alert).to_contain_text("You are signed out: sign in again, then press the button again.")
    _sign_in_again(app, page, RECEPTION)
    add.click()
    expect(alert).to_contain_text("You have signed in again since this page was loaded, so nothing was changed")
    add.click()
    expect(page.locator("#cpar-widget").get_by_role("status")).to_have_text("Added to this panel and confirmed today.")


def test_a_press_shows_at_once_that_it_is_under_way_and_offline_stands_beside_no_earlier_success(
    site: str,
    chromium: Browser,
    open_tab: OpenTab,
    host: OscarHost,
    oscar: Any,
    clock: FixedClock,
    panel: int,
) -> None:
    patient = oscar.patient()
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    clock.move_to(clock.now() + timedelta(days=1))
    state = open_tab(RECEPTION).context.storage_state()
    page = new_page(chromium, base_url=site, storage_state=state)  # that a request fails is no complaint here
    held: list[Route] = []
    page.context.route("**/confirm", lambda route: held.append(route))
    page.context.route("**/remove", lambda route: route.abort())
    page.goto(f"/patients/{patient}")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#cpar-widget button[aria-busy=true]")).to_have_text("Confirm")
    expect(page.locator("#cpar-widget").get_by_role("status")).to_have_text("Working ... Please wait.")
    wait_until(lambda: page.wait_for_timeout(10) or held)  # the page shows it a moment before the request is here
    held[0].continue_()
    success = page.get_by_text("Confirmed today.")
    expect(success).to_be_visible()
    page.locator("summary[title='Panel options']").click()
    page.get_by_role("button", name="Remove from current panel").click()
    expect(page.get_by_role("alert")).to_contain_text("No connection to the server")
    expect(success).to_have_count(0)
    expect(page.locator("#cpar-widget [aria-busy=true]")).to_have_count(0)
    page.context.close()
