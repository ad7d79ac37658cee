"""The script of the pages: what it brings into a host's page, and what it leaves alone."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

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
