"""The rehearsal of a panel's coming submission: who, how many, through what, and whether it would be held."""

import csv
import io
import re
from dataclasses import replace
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from cpar_plugin.domain.confirmation import ConfirmedHow
from cpar_plugin.hooks import Actor, Plugins
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import load
from cpar_plugin.store.tables import look as look_table
from cpar_plugin.store.tables import look_patient
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from ..conftest import ALBERTA
from .conftest import MANAGER, Person

pytestmark = pytest.mark.databases("in turn")

PENNER = Actor(actor_id=MANAGER, display_name="Penner, Ada")


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", answer.get_data(as_text=True))))


def rows(answer: Any) -> list[str]:
    """The lines of the table that says through what."""
    table = answer.get_data(as_text=True).split('<caption id="cpar-through">')[1].split("</table>")[0]
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in table.split("<tr>")[2:]]


@pytest.fixture
def submitted(host: OscarHost, oscar: Any, clock: FixedClock, panel: int, tmp_path: Path) -> dict[str, int]:
    """Patients of panel 0042, which was submitted on 3 December: Ames to Fox were sent, Gill was excluded."""
    clock.move_to(datetime(2026, 12, 2, 9, tzinfo=ALBERTA))
    patients = {}
    for place, name in enumerate(("Ames", "Bell", "Cole", "Dunn", "Ely", "Fox", "Gill")):
        hin = "" if name == "Gill" else f"{100000001 + place}"
        patients[name] = oscar.patient(last_name=name, first_name="Kim", hin=hin)
        oscar.visit(patients[name])
        one_patient.choose(host, host.identity.system, patients[name], panel, seen_panel_id=None)
    settings = load({**host.settings, "outbox_folder": str(tmp_path / "outbox")})
    requests.ask(host, settings, host.identity.system, panel)
    clock.move_to(datetime(2026, 12, 3, 3, 15, tzinfo=ALBERTA))
    run_due(host, settings, clock.now())
    clock.move_to(datetime(2026, 12, 3, 3, 20, tzinfo=ALBERTA))
    return patients


@pytest.fixture
def changed(
    host: OscarHost, oscar: Any, clock: FixedClock, panel: int, other_panel: int, submitted: dict[str, int]
) -> dict[str, int]:
    """Since then: a bulk update took Ames and Bell, Cole was removed, Dunn lost the PHN, Ely said yes at check-in, Fox
    has another name, Gill has a PHN, and Hart was added."""
    clock.move_to(datetime(2026, 12, 4, 9, tzinfo=ALBERTA))
    patients = submitted
    selection = bulk.selected.order_for(
        bulk.selected.SelectedAction.MOVE, panel, {patients["Ames"], patients["Bell"]}, other_panel
    )
    bulk.carry_out(host, PENNER, selection)
    one_patient.remove(host, PENNER, patients["Cole"], seen_panel_id=panel)
    demographic = oscar.tables.demographic
    with oscar.database.writing() as connection:
        for name, values in (("Dunn", {"hin": ""}), ("Fox", {"last_name": "Foxx"}), ("Gill", {"hin": "100000077"})):
            of_patient = demographic.c.demographic_no == patients[name]
            connection.execute(update(demographic).where(of_patient).values(**values))
    patients["Hart"] = oscar.patient(last_name="Hart", first_name="Kim", hin="100000088")
    oscar.visit(patients["Hart"])
    one_patient.choose(host, PENNER, patients["Hart"], panel, seen_panel_id=None)
    with host.database.session() as session:
        one_patient.confirm_within(
            session, host, PENNER, patients["Ely"], ConfirmedHow.AT_CHECK_IN, seen_panel_id=panel
        )
    return patients


def test_it_says_who_and_through_what_since_the_last_submission(
    manager: Person, panel: int, changed: dict[str, int]
) -> None:
    page = f"/cpar/panels/{panel}/rehearsal"
    shown = manager.get(page)
    assert "4 patients would be submitted and 1 patient would be excluded" in text(shown)
    lines = rows(shown)
    assert "Added 1 Added one by one Penner, Ada" in lines
    assert "Added 1 No longer: No PHN" in " ".join(lines)
    moved = next(line for line in lines if line.startswith("Removed 2"))
    assert "Patients selected on the panel page moved from panel 0042 to panel 0077. Penner, Ada, Dec 4, 2026" in moved
    assert "Removed 1 Removed one by one Penner, Ada" in lines
    assert any(line.startswith("Removed 1 No PHN") for line in lines)
    assert "Changed 1 Answers at check-in Penner, Ada" in lines
    assert "Changed 1 Visits and other data of the EMR" in lines
    assert any(line.startswith("Excluded 1 No PHN") and line.endswith("last time: 1") for line in lines)
    assert "/cpar/bulk/" in shown.get_data(as_text=True)
    listed = {name: text(manager.get(page, show=name)) for name in ("added", "removed", "changed", "excluded")}
    expected = {"added": "GILL HART", "removed": "AMES BELL COLE DUNN", "changed": "ELY FOXX", "excluded": "DUNN"}
    for name, found in listed.items():
        assert re.findall(r"([A-Z]+), Kim", found.split("Export this list")[1]) == expected[name].split(), name
    assert "Family name: Fox" in listed["changed"]
    assert "Now on panel 0077" in listed["removed"]
    assert "No longer: No PHN" in listed["added"]


def test_a_panel_that_was_emptied_is_not_said_to_be_sent(
    host: OscarHost, manager: Person, panel: int, submitted: dict[str, int]
) -> None:
    bulk.carry_out(host, host.identity.system, bulk.Remove(panel, host.roster.active_status))
    shown = text(manager.get(f"/cpar/panels/{panel}/rehearsal"))
    assert "This panel has no patients: nothing is submitted for it, and the registry keeps what it has." in shown
    assert "Would be sent" not in shown


def test_it_says_whether_it_would_be_held_until_when_and_what_to_do(
    host: OscarHost, oscar: Any, manager: Person, panel: int, submitted: dict[str, int]
) -> None:
    page = f"/cpar/panels/{panel}/rehearsal"
    assert "Would be sent, not held." in text(manager.get(page))
    with oscar.database.writing() as connection:
        connection.execute(update(oscar.tables.demographic).values(sex=""))
    shown = text(manager.get(page))
    assert "Would be held. None of the panel's 7 patients would be submitted; last time 6 were." in shown
    assert "held in the night run of Dec 7, 2026 until someone releases it." in shown
    assert "What is still held in the night run of Dec 19, 2026, the last before the Blackout Period, is sent" in shown


def opened_on(answer: Any) -> list[str]:
    """The list that is shown, of those that are offered."""
    offered = answer.get_data(as_text=True).split('<nav class="cpar-lists"')[1].split("</nav>")[0]
    return re.findall(r'aria-current="page">(\w+)', offered)


def test_it_opens_on_the_list_that_explains_a_hold_and_else_on_the_longest(
    host: OscarHost, oscar: Any, manager: Person, panel: int, submitted: dict[str, int]
) -> None:
    page = f"/cpar/panels/{panel}/rehearsal"
    demographic = oscar.tables.demographic
    assert opened_on(manager.get(page)) == ["Excluded"]  # Gill, as last time
    with oscar.database.writing() as connection:
        renamed = demographic.c.demographic_no.in_([submitted["Fox"], submitted["Ely"]])
        connection.execute(update(demographic).where(renamed).values(last_name="Foxx"))
    shown = manager.get(page)
    assert opened_on(shown) == ["Changed"]
    assert "Changed: 2" in text(shown).split("Export this list")[1]
    assert "DUNN" not in text(manager.get(f"{page}/print"))
    assert [line.split(",")[1] for line in manager.get(f"{page}/export").text.splitlines()[1:]] == ["Foxx", "Foxx"]
    assert opened_on(manager.get(page, show="removed")) == ["Removed"]
    with oscar.database.writing() as connection:
        connection.execute(update(demographic).values(sex=""))
    assert opened_on(manager.get(page)) == ["Excluded"]


def test_a_hold_for_too_many_opens_on_who_is_removed_though_more_are_changed(
    host: OscarHost, oscar: Any, panel: int, submitted: dict[str, int]
) -> None:
    plugins = Plugins()
    plugins.load_installed()
    strict = replace(host, settings={**host.settings, "hold_least_patients": "1"})
    manager = Person(create_app(strict, plugins), MANAGER)
    one_patient.remove(host, PENNER, submitted["Ames"], seen_panel_id=panel)
    with oscar.database.writing() as connection:
        connection.execute(update(oscar.tables.demographic).values(last_name="Foxx"))
    shown = manager.get(f"/cpar/panels/{panel}/rehearsal")
    assert "Would be held." in text(shown)
    assert "Changed: 5" in text(shown)
    assert opened_on(shown) == ["Removed"]
    assert re.findall(r"([A-Z]+), Kim", text(shown).split("Export this list")[1]) == ["FOXX"]


def test_a_panel_that_was_never_submitted_is_all_new(host: OscarHost, manager: Person, panel: int, oscar: Any) -> None:
    patient = oscar.patient(hin="100000001")
    oscar.visit(patient)
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    shown = text(manager.get(f"/cpar/panels/{panel}/rehearsal"))
    assert "The first is never held." in shown
    assert "Added: 1" in shown


def test_the_list_is_searched_exported_and_printed_and_each_look_is_recorded(
    host: OscarHost, manager: Person, panel: int, changed: dict[str, int]
) -> None:
    page = f"/cpar/panels/{panel}/rehearsal"
    found = text(manager.see(page, show="removed", text="cole"))
    assert re.findall(r"([A-Z]+), Kim", found) == ["COLE"]
    assert re.findall(r"([A-Z]+), Kim", text(manager.get(f"{page}/print", show="removed", sort="-name"))) == [
        "DUNN",
        "COLE",
        "BELL",
        "AMES",
    ]
    answer = manager.get(f"{page}/export", show="removed")
    head, *lines = csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig")))
    assert [line[1] for line in lines] == ["Ames", "Bell", "Cole", "Dunn"]
    assert lines[2][head.index("What happened")] == "Removed one by one"
    assert lines[3][head.index("Reasons")] == "No PHN"
    query = select(look_table.c.path, look_patient.c.patient_id).join_from(look_table, look_patient)
    with host.database.engine.connect() as connection:
        seen = connection.execute(query).all()
    for path in (page, f"{page}/print", f"{page}/export"):
        assert changed["Cole"] in {row.patient_id for row in seen if row.path == path}, path


def test_it_is_read_on_every_screen(open_tab: OpenTab, panel: int, changed: dict[str, int]) -> None:
    tab = open_tab(MANAGER)
    tab.goto(f"/cpar/panels/{panel}")
    tab.get_by_role("link", name="Rehearse submission").click()
    expect(tab.get_by_role("heading", name="Rehearsal of panel 0042")).to_be_visible()
    look(tab, "rehearsal")
    tab.get_by_role("link", name="Removed: 4").click()
    look(tab, "rehearsal-removed")
    tab.get_by_role("link", name="Changed: 2").click()
    look(tab, "rehearsal-changed")
