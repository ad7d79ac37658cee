"""The pictures in the docs: `pytest tests/guide/test_pictures.py --pictures` takes them, of an invented clinic."""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import FloatRect, Page, expect

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.hooks import Plugins
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from cpar_plugin.services.submissions import requests, run
from cpar_plugin.settings import load
from oscar_host.demo.app import create_app
from oscar_host.demo.data.writing import fill
from oscar_host.demo.registry.process import RunningRegistry
from oscar_host.host import OscarHost

from ..browser import SCREENSHOTS, OpenTab
from ..conftest import ALBERTA
from .conftest import MANAGER, OKAFOR, open_patient, panel_management

DOCS = Path(__file__).parents[2] / "docs"
NAMES = {"panels", "patient", "panel", "overview"}
PANELS = (("0042", ["113"], ["101"]), ("0043", ["113", "2047"], ["102", "103"]), ("0044", ["2047"], ["104"]))
WIDTH, HIGHEST = 1280, 1000  # px
ASKED, NIGHT, TODAY = (dt.datetime(2026, 11, *at, tzinfo=ALBERTA) for at in ((16, 10), (17, 3, 15), (23, 10)))


@pytest.fixture
def app(host: OscarHost, clock: FixedClock, registry: RunningRegistry) -> Flask:
    """An invented clinic a week after the submission of its first panel, in the blackout."""
    clock.move_to(ASKED)
    fill(host.database, host.tables, patients=500, seed=1, as_of=ASKED.date())
    actor = host.identity.system
    settings = load({"transport": "fhir", "registry_url": registry.fhir_url})
    clinic.enable(host, actor)
    clinic.save(host, actor, name="Saskatoonberry Family Clinic", site_id="S-0815", version=1)
    for number, facilities, providers in PANELS:
        draft = panel_draft(number, facilities, [(provider, f"000000{provider}") for provider in providers])
        panel_id = editing.create(host, actor, draft)
        bulk.carry_out(host, actor, bulk.Assign(providers[0], "AC", panel_id))
        if providers == [OKAFOR]:
            requests.ask(host, settings, actor, panel_id)
    for moment in (NIGHT, TODAY):  # today nothing is due, but the banner sees that the scheduler runs
        clock.move_to(moment)
        run.run_due(host, settings, moment)
    plugins = Plugins()
    plugins.load_installed()
    return create_app(host, plugins)


@pytest.fixture
def folder(request: pytest.FixtureRequest, database_kind: str) -> Path:
    """Where the pictures go: into the docs, if that is asked for, once; else to the other screenshots."""
    into_docs = request.config.getoption("--pictures") and database_kind == "sqlite"
    folder = DOCS / "pictures" if into_docs else SCREENSHOTS.parent / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _opened(page: Page) -> Iterator[str]:
    """Open what each picture shows; yields its name."""
    panel_management(page)
    expect(page.get_by_role("row", name="0043")).to_be_visible()
    yield "panels"
    page.get_by_role("link", name="0042", exact=True).click()
    page.get_by_label("Next submission").select_option(label="Will be excluded")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("would be excluded")).to_be_visible()
    yield "panel"
    page.get_by_role("link", name="Overview of this panel").click()
    expect(page.get_by_role("table").first).to_be_visible()
    yield "overview"
    widget = open_patient(page, "Braun, Charles", "Master Record")
    expect(widget).to_contain_text("Last confirmation")
    yield "patient"


def test_the_pictures_of_the_docs_are_taken(open_tab: OpenTab, folder: Path) -> None:
    page = open_tab(MANAGER, width=WIDTH)
    page.goto("/")
    taken = set()
    for name in _opened(page):
        page.mouse.move(0, 0)
        page.wait_for_load_state("networkidle")
        high = page.evaluate("document.querySelector('main').getBoundingClientRect().bottom + window.scrollY")
        clip: FloatRect = {"x": 0, "y": 0, "width": WIDTH, "height": min(high, HIGHEST)}
        page.set_viewport_size({"width": WIDTH, "height": HIGHEST})  # a list's bar is at the end of what is in view
        page.screenshot(path=folder / f"{name}.png", full_page=True, clip=clip)
        taken.add(name)
    assert taken == NAMES


def test_every_picture_of_the_docs_is_one_that_is_taken_here() -> None:
    pages = [DOCS.parent / "README.md", *DOCS.rglob("*.md")]
    shown = {name for page in pages for name in re.findall(r"pictures/([\w-]+)\.png", page.read_text(encoding="utf-8"))}
    assert shown == NAMES == {file.stem for file in (DOCS / "pictures").glob("*.png")}
