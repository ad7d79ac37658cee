"""The patients whom the tutorial names are in the demo's clinic, and are excluded and corrected as it says."""

import re
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.hooks import Plugins
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from oscar_host.demo import tryout
from oscar_host.demo.app import create_app
from oscar_host.demo.data import visits
from oscar_host.demo.data.clinic import Record, records
from oscar_host.demo.data.writing import fill
from oscar_host.host import OscarHost

from ..pages.conftest import Person

pytestmark = pytest.mark.databases("one")

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (\d+) \| ([^|]+), ([^|]+) \| ([^|]+) \| (.+) \|$", re.MULTILINE)
NAMED = ROW.findall((ROOT / "docs/tutorial/first-steps.md").read_text(encoding="utf-8"))
PATIENTS = 5000  # of make demo
ADMIN = "401"
FIXED = {"Health Ins. #": ("hin", "123466789"), "Sex": ("sex", "F")}


@pytest.fixture
def database_kind() -> str:
    """The demo keeps its data in SQLite."""
    return "sqlite"


def _records(as_of: date) -> dict[int, Record]:
    last = max(int(number) for number, *_ in NAMED)
    made = islice(records(tryout.SEED, PATIENTS, as_of), last)
    return {int(record.patient["demographic_no"] or 0): record for record in made}


def test_the_same_patients_are_there_whenever_the_demo_is_made(clock: FixedClock) -> None:
    names = [
        [(result[int(number)].patient["last_name"], result[int(number)].patient["first_name"]) for number, *_ in NAMED]
        for result in (_records(clock.now().date() + timedelta(days=days)) for days in (0, 100, 400))
    ]
    assert names == [[(family, given) for _, family, given, *_ in NAMED]] * 3


@pytest.fixture
def app(host: OscarHost) -> Flask:
    """The embedded EMR with the named patients on the first panel of the demo, as `make demo` makes it."""
    now = host.clock.now()
    fill(host.database, host.tables, patients=0, seed=tryout.SEED, as_of=now.date())
    result = _records(now.date())
    with host.database.writing() as connection:
        for number, *_ in NAMED:
            record = result[int(number)]
            connection.execute(insert(host.tables.demographic), [_typed(host.tables.demographic, dict(record.patient))])
            rows = [dict(zip(visits.COLUMNS, visit, strict=True)) for visit in record.visits]
            connection.execute(insert(host.tables.appointment), [_typed(host.tables.appointment, row) for row in rows])
    clinic.enable(host, host.identity.system)
    clinic.save(host, host.identity.system, name="Example Clinic", site_id="S-1", version=1)
    number, facilities, providers = tryout.PANELS[0]
    panel = editing.create(host, host.identity.system, panel_draft(number, facilities, providers))
    bulk.carry_out(host, host.identity.system, bulk.Assign(providers[0][0], "AC", panel))
    plugins = Plugins()
    plugins.load_installed()
    return create_app(host, plugins)


def _typed(table: Any, row: dict[str, Any]) -> dict[str, Any]:
    """The texts of the demo's files as the columns take them."""
    types = {name: table.c[name].type.python_type for name in row}
    return {
        name: types[name].fromisoformat(text)
        if isinstance(text, str) and hasattr(types[name], "fromisoformat")
        else text
        for name, text in row.items()
    }


@pytest.mark.parametrize(("number", "family", "given", "reasons", "remedy"), NAMED)
def test_a_named_patient_is_excluded_for_what_the_tutorial_says_until_it_is_corrected(
    app: Flask, number: str, family: str, given: str, reasons: str, remedy: str
) -> None:
    person = Person(app, ADMIN)

    def box() -> list[str]:
        page = person.get(f"/patients/{number}").get_data(as_text=True)
        excluded = page.partition('<div class="cpar-widget-excluded">')[2].partition("</div>")[0]
        return re.findall(r"<p>\s*<strong>([^<]+)\.</strong> ", excluded)

    assert f"{family.upper()}, {given}" in person.get(f"/patients/{number}").get_data(as_text=True)
    assert box() == reasons.split("; ")
    form = _form(person, number)
    changes = {name: text for label, (name, text) in FIXED.items() if label in remedy}
    if "appointment" in remedy:
        changes = {min(name for name, status in form.items() if name.startswith("appointment-")): "B"}
    assert person.post(f"/patients/{number}/edit", **form | changes).status_code == 303
    if "**Confirm**" in remedy:
        page = person.get(f"/patients/{number}").get_data(as_text=True)
        seen = re.search(r'name="seen_panel_id" value="(\d+)"', page)
        person.post(f"/cpar/patients/{number}/confirm", seen_panel_id=seen and seen[1])
    assert box() == []


def _form(person: Person, number: str) -> dict[str, str]:
    """What the form of the record sends when nothing in it is changed."""
    page = person.get(f"/patients/{number}/edit").get_data(as_text=True)
    inputs = dict(re.findall(r'<input id="\w+" name="(\w+)" value="([^"]*)"', page))
    option = r'<select id="[\w-]+" name="([\w-]+)"(?:(?!</select>).)*?<option value="([^"]*)" selected'
    return inputs | dict(re.findall(option, page, re.DOTALL)) | dict(re.findall(r'name="(mark)" value="([^"]+)"', page))
