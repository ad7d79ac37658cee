"""Back, after a look at one line of a list: the same list at the same place, and no message that was there before."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import insert

from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..browser import OpenTab
from .conftest import MANAGER

pytestmark = pytest.mark.databases("one")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_back_to_a_page_of_the_submissions_returns_to_its_place_and_repeats_no_message(
    open_tab: OpenTab, host: OscarHost, fill: Any, panel: int, script: bool
) -> None:
    fill(panel)
    now = host.clock.now()
    of_panel = {"panel_id": panel, "requested_by": "-1", "state": "failed", "failure": "HTTP status 503."}
    with host.database.writing() as connection:
        for days in range(1, 71):
            at = now - timedelta(days=days)
            row = {**of_panel, "requested_at": at, "due_on": at.date(), "finished_at": at}
            connection.execute(insert(tables.submission).values(**row))
    page = open_tab(MANAGER, script=script)
    page.goto("/cpar/panels")
    page.get_by_role("button", name="Submit: panel 0042").click()
    message = page.locator(".cpar-success")
    expect(message).to_be_visible()
    page.goto(f"/cpar/submissions?panel={panel}")
    page.get_by_role("link", name="Older").click()
    page.wait_for_url("**/submissions?*before=*")
    link = page.get_by_role("link", name="Details of the submission").nth(12)
    link.scroll_into_view_if_needed()
    address, place = page.url, page.evaluate("scrollY")
    assert place > 200
    link.click()
    page.wait_for_url("**/submissions/*")
    page.go_back()
    page.wait_for_url(address)
    page.wait_for_function(f"Math.abs(scrollY - {place}) < 2")
    expect(message).to_have_count(0)
    for _ in range(2):  # the first page of the list, and where the message was
        page.go_back()
        page.wait_for_load_state()
        expect(page.get_by_role("table")).to_be_visible()
        expect(message).to_have_count(0)
