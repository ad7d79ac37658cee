"""The script of the pages: what it brings into a host's page, and what it leaves alone."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import update

from cpar_plugin.services.panels import one_patient
from cpar_plugin.store.tables import member
from oscar_host.host import OscarHost

from .conftest import MANAGER

pytestmark = pytest.mark.databases("one")


def test_the_script_leaves_nothing_behind_in_the_hosts_page(
    open_tab: Callable[..., Page], oscar: Any, panel: int
) -> None:
    page = open_tab(MANAGER)
    page.add_init_script("window.before = new Set(Object.getOwnPropertyNames(window))")
    page.goto(f"/patients/{oscar.patient()}", wait_until="networkidle")
    added = page.evaluate("Object.getOwnPropertyNames(window).filter(name => !window.before.has(name))")
    assert added == ["before"]
    assert page.evaluate("document.querySelectorAll('style').length") == 0
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_a_page_that_names_the_script_twice_runs_it_once(open_tab: Callable[..., Page], oscar: Any, panel: int) -> None:
    page = open_tab(MANAGER)
    asked = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto(f"/cpar/patients/{oscar.patient()}/panel", wait_until="networkidle")
    assert page.locator("script[src$='cpar.js']").count() == 2
    assert (asked.count("cpar.js"), asked.count("htmx.esm.js")) == (1, 1)


def test_the_script_keeps_nothing_runs_no_text_and_asks_no_other_site(
    open_tab: Callable[..., Page], panel: int
) -> None:
    page = open_tab(MANAGER)
    page.goto("/cpar/panels", wait_until="networkidle")
    config = page.evaluate("import('/cpar/static/htmx.esm.js').then(module => module.default.config)")
    assert config["allowEval"] is config["allowScriptTags"] is config["historyEnabled"] is False
    assert config["historyCacheSize"] == 0
    assert config["selfRequestsOnly"] is True


def test_a_pressed_button_outside_of_its_form_is_sent_with_its_own_name_and_value_by_mouse_and_by_key(
    open_tab: Callable[..., Page], host: OscarHost, oscar: Any, panel: int
) -> None:
    for family in ("Adler", "Bunting"):
        patient = oscar.patient(last_name=family)
        one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    with host.database.session() as session:
        session.execute(update(member).values(confirmed_on=None, confirmed_how=None))
    page = open_tab(MANAGER)
    sent = []
    page.on("request", lambda request: sent.append(request.post_data) if request.method == "POST" else None)
    page.goto(f"/cpar/panels/{panel}")
    for press, name in ((Locator.click, "ADLER"), (lambda button: button.press("Enter"), "BUNTING")):
        button = page.get_by_role("button", name=f"Confirm {name}")
        assert button.evaluate("button => !button.closest('form') || button.closest('form') !== button.form")
        press(button)
        expect(button).to_have_count(0)
        expect(page.locator(".cpar-bar [role=status]")).to_contain_text("1 patient confirmed.")
    actions = [[value for name, value in parse_qsl(data or "") if name == "single"] for data in sent]
    assert actions == [["confirm-1"], ["confirm-2"]]
