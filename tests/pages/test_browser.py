"""What people do at a browser, in Chromium against a served process: with script on and off."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from cpar_plugin.services.operations import clinic
from oscar_host.demo.data.staff import PASSWORD
from oscar_host.demo.data.writing import fill
from oscar_host.demo.ports import free_port
from oscar_host.host import open_host
from oscar_host.migrate import installed_plugins

from ..browser import PATIENCE, fits_each_width, no_findings, watch

NOW = "2026-11-23T10:00"  # in the blackout
CPAR = Path(sys.executable).parent / "cpar"


@dataclass(frozen=True)
class Served:
    """A running embedded EMR, and the environment with which another command opens the same clinic."""

    address: str
    environment: dict[str, str]

    def cpar(self, *arguments: str) -> str:
        """Run `cpar` on this clinic."""
        result = subprocess.run(
            [CPAR, *arguments],
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return result.stdout


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """`cpar serve` on an invented clinic, the integration enabled and nothing else done."""
    url = f"sqlite:///{tmp_path / 'clinic.db'}"
    host = open_host(url)
    fill(host.database, host.tables, patients=300, seed=7, as_of=date(2026, 11, 23))
    installed_plugins(host)
    clinic.enable(host, host.identity.system)
    host.database.engine.dispose()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CPAR_")},
        "CPAR_DATABASE_URL": url,
        "CPAR_OUTBOX_FOLDER": str(tmp_path / "outbox"),
        "CPAR_NOW": NOW,
    }
    address = f"http://127.0.0.1:{(port := free_port())}"
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [CPAR, "serve", "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(address, process, tmp_path / "server.log")
            yield Served(address, environment)
        finally:
            process.terminate()
            process.wait(PATIENCE / 1000)
    said = (tmp_path / "server.log").read_text()
    assert "Traceback" not in said
    assert "cpar serve is for trying out" in said
    assert f"The EMR: {address}/ Press Ctrl+C to stop it." in said


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1200):
        assert process.poll() is None, log.read_text()
        try:
            with urlopen(f"{address}/sign-in", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"The server does not answer: {log.read_text()}")


@pytest.fixture(params=["with script", pytest.param("without script", marks=pytest.mark.large)])
def script(request: pytest.FixtureRequest) -> bool:
    """Whether the browser runs scripts."""
    return bool(request.param == "with script")


Look = Callable[[str], None]


@pytest.fixture
def page(chromium: Browser, served: Served, script: bool) -> Iterator[Page]:
    """A page of 1280 by 800, where no answer is a server's failure and nothing is blocked by the security policy."""
    context = chromium.new_context(java_script_enabled=script, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    watch(page, complaints)
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def look(page: Page, script: bool) -> Look:
    """Look at what is open: with axe where scripts run, else in pictures at two widths, neither of which it exceeds."""

    def at(name: str) -> None:
        page.wait_for_load_state("networkidle")  # a click does not wait for the page that it leads to
        if script:
            no_findings(page, name)
        else:
            fits_each_width(page, name)

    return at


def _sign_in(page: Page, served: Served, user_name: str) -> None:
    page.goto(f"{served.address}/sign-in")
    page.get_by_label("User name").fill(user_name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Patient search")).to_be_visible()


def _choose(page: Page, label: str, text: str) -> None:
    """Select the option that holds the text."""
    field = page.get_by_role("combobox", name=label)
    value = field.locator("option", has_text=text).first.get_attribute("value")
    field.select_option(value)


def _set_up(page: Page) -> None:
    page.get_by_role("link", name="Administration").click()
    page.get_by_role("link", name="CPAR Panel Management").click()
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Clinic Name").fill("Saskatoonberry Family Clinic")
    page.get_by_label("Site ID").fill("S-0815")
    page.get_by_role("button", name="Save").click()


def _new_panel(page: Page, number: str, provider: str) -> None:
    page.get_by_role("link", name="New Panel").click()
    page.get_by_label("CPAR Panel Number").fill(number)
    page.get_by_label("Facility ID / WDFA Key").fill("113")
    _choose(page, "Provider", provider)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name=number)).to_be_visible()


def test_a_clinic_sets_up_fills_and_submits_its_panels(served: Served, page: Page, look: Look) -> None:
    page.goto(served.address)
    look("sign-in")
    _sign_in(page, served, "admin")
    page.get_by_role("link", name="Administration").click()
    look("administration")
    page.get_by_role("link", name="CPAR Panel Management").click()
    expect(page.get_by_role("link", name="New Panel")).to_have_count(0)
    look("panels-before-settings")
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter the Clinic Name")
    look("settings-wrong")
    page.get_by_role("link", name="Enter the Clinic Name").click()
    expect(page.get_by_label("Clinic Name")).to_be_focused()
    page.get_by_role("link", name="CPAR Panel Management").click()
    _set_up(page)
    look("panels-none")

    page.get_by_role("link", name="New Panel").click()
    look("panel-new")
    page.get_by_role("button", name="Add Alberta Health Facility ID / WDFA Key").click()
    page.get_by_role("button", name="Add Provider To Panel").click()
    page.get_by_role("button", name="Add Provider To Panel").click()
    expect(page.get_by_label("Provider 3", exact=True)).to_be_focused()
    page.get_by_role("button", name="Save").click()
    look("panel-new-wrong")
    page.get_by_label("CPAR Panel Number").fill("0042")
    page.get_by_label("Key 1").fill("113")
    page.get_by_label("Key 2").fill("2047")
    _choose(page, "Provider 1", "Okafor")
    _choose(page, "Provider 2", "Tremblay")
    _choose(page, "Provider 3", "Sandhu")
    page.get_by_role("button", name="Remove provider 3").click()
    expect(page.get_by_label("Provider 3", exact=True)).to_have_count(0)
    expect(page.get_by_label("CPAR Panel Number")).to_have_value("0042")
    look("panel-new-several")
    page.get_by_label("CPAR Panel Number").press("Enter")
    expect(page.get_by_role("row", name="0042")).to_contain_text("Okafor, Adaeze")
    expect(page.get_by_role("row", name="0042")).to_contain_text("002047")
    _new_panel(page, "0043", "Sandhu")

    page.get_by_role("link", name="Bulk Update").click()
    expect(page.get_by_label("From panel")).to_be_hidden()
    look("bulk-assign")
    page.get_by_role("button", name="Assign Patients").click()
    look("bulk-wrong")
    _choose(page, "Provider", "Okafor")
    _choose(page, "To panel", "0042")
    page.get_by_role("button", name="Assign Patients").click()
    expect(page.get_by_text("Nothing has been changed yet")).to_be_visible()
    look("bulk-preview")
    page.get_by_role("button", name="Assign").click()
    expect(page.get_by_text("Added:")).to_be_visible()
    look("bulk-result")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("This bulk update was undone.")).to_be_visible()
    look("bulk-undone")
    page.get_by_role("link", name="New bulk update").click()
    _choose(page, "Provider", "Okafor")
    _choose(page, "To panel", "0042")
    page.get_by_role("button", name="Assign Patients").click()
    page.get_by_role("button", name="Assign").click()
    page.get_by_role("link", name="New bulk update").click()
    page.get_by_label("Move patients to a different panel").check()
    expect(page.get_by_role("combobox", name="Provider")).to_have_count(0)
    look("bulk-move")
    _choose(page, "From panel", "0042")
    _choose(page, "To panel", "0043")
    page.get_by_role("button", name="Move Patients").click()
    look("bulk-move-preview")

    page.get_by_role("link", name="CPAR Panel Management").click()
    page.get_by_role("button", name="Submit on Dec 1, 2026: panel 0042").click()
    expect(page.get_by_role("status")).to_contain_text("will be submitted on Dec 1, 2026")
    look("panels-queued")
    page.get_by_role("button", name="Cancel the submission of panel 0042").click()
    page.get_by_role("button", name="Submit on Dec 1, 2026: panel 0042").click()
    page.get_by_role("link", name="Submission History").click()
    expect(page.get_by_role("link", name="Submission History")).to_have_attribute("aria-current", "page")
    look("history-queued")
    assert "Written to folder: 1." in served.cpar("run-due", "--now", "2026-12-01T03:15")
    page.reload()
    expect(page.get_by_role("row", name="0042").first).to_contain_text("Written to folder")
    page.locator("td summary").first.click()
    look("history")

    page.get_by_role("link", name="Panels", exact=True).click()
    page.get_by_role("link", name="Edit panel 0042").click()
    look("panel-edit")
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_text("1-855-643-8649")).to_be_visible()
    look("panel-delete")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("row", name="0042")).to_have_count(0)
    look("panels-after-delete")
