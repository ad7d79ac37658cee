"""Where am I: the tabs above every page of panel management."""

import re
from typing import Any

import pytest
from flask import Flask

from cpar_plugin.domain.exhaustive import NoEntry, exhaustive
from cpar_plugin.services.operations import access, clinic
from cpar_plugin.web import ROUTES
from cpar_plugin.web.serving import Needs
from cpar_plugin.web.tabs import ENTRIES, Tab
from oscar_host.host import OscarHost

from ..conftest import place_of_the_emr

pytestmark = pytest.mark.databases("one")

place = place_of_the_emr

_TAB = re.compile(r'<li><a href="([^"]+)"(?: aria-current="(\w+)")?>(?:<svg.*?</svg> )?([^<]+)</a></li>')
RIGHTS = {Needs.MANAGEMENT: access.MANAGE, Needs.ADMINISTRATION: access.REGISTER_CLIENTS}


def _tabs(person: Any, address: str) -> dict[str, str]:
    """What the page says of each tab, by its label."""
    page = person.get(address).get_data(as_text=True)
    match = re.search(r'<nav class="cpar-tabs".*?</nav>', page, re.DOTALL)
    return {label: current for _, current, label in _TAB.findall(match[0])} if match else {}


def test_every_page_is_below_a_tab_except_those_for_everyone_who_sees_patients(app: Flask) -> None:
    below = {route.view.__name__: tab for tab, routes in ROUTES.items() for route in routes}
    pages = {
        rule.endpoint.removeprefix("cpar.")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("cpar.") and not rule.endpoint.endswith("static")
    }
    assert pages == set(below)
    without = {route.needs for route in ROUTES[None]}
    assert without == {Needs.THE_PATIENT, Needs.SIGN_IN}


def test_who_sees_a_tab_may_open_each_of_its_pages() -> None:
    for tab, entry in ENTRIES.items():
        assert {RIGHTS[route.needs] for route in ROUTES[tab]} == {entry.permission}, tab


def test_the_tab_of_a_page_is_marked_and_no_other(app: Flask, manager: Any, panel: int) -> None:
    adapter = app.url_map.bind("")
    for tab, entry in ENTRIES.items():
        marks = dict.fromkeys((each.value for each in Tab), "") | {tab.value: "page"}
        assert _tabs(manager, adapter.build(entry.endpoint)) == marks
    for address, tab in (
        (f"/cpar/panels/{panel}", Tab.PANELS),
        (f"/cpar/panels/{panel}/overview", Tab.OVERVIEW),
        ("/cpar/bulk", Tab.PANELS),
        ("/cpar/clients/new", Tab.CLIENTS),
        ("/cpar/panels/999999", Tab.PANELS),  # a refusal is below the tab, too
    ):
        assert [label for label, current in _tabs(manager, address).items() if current == "true"] == [tab.value]


def test_a_tab_is_shown_to_those_who_may_open_it(cpar_role: Any, reception: Any, configured: None) -> None:
    assert list(_tabs(cpar_role, "/cpar/panels")) == [tab.value for tab in Tab if tab not in (Tab.CLIENTS, Tab.LOOKS)]
    assert _tabs(reception, "/cpar/panels") == {}


def test_a_patients_page_and_a_clinic_that_turned_it_off_have_no_tabs(
    host: OscarHost, oscar: Any, manager: Any, panel: int
) -> None:
    assert _tabs(manager, f"/cpar/patients/{oscar.patient()}/panel") == {}
    clinic.disable(host, host.identity.system)
    assert _tabs(manager, "/cpar/panels") == {}


def test_a_tab_without_pages_stops_the_start() -> None:
    with pytest.raises(NoEntry, match=r"Tab\.OVERVIEW"):
        exhaustive("cpar_plugin.web", Tab, {tab: () for tab in Tab if tab is not Tab.OVERVIEW})
