"""Somebody who manages panels but may not see some patients: these appear nowhere, and are sent all the same."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import selected
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import load
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..fhirapi.receiver import a_subscription
from .conftest import BARRED
from .list_layouts import a_departure, a_letter, a_registry_list, a_report, an_affiliation, emptied_and_filled
from .test_rights import EXPECTED, a_client

CLOSED, OPEN_TO_ALL = "Hiddenson", "Openfield"
_TYPED = ("hiddens", "30000-0001")  # not as the record spells it: forms repeat what was typed
_REHEARSED = ("added", "removed", "changed", "excluded")
SHOWS = ("sent", "excluded", "added", "removed", "changed")


class Clinic(NamedTuple):
    """A panel with patients of both kinds at every place where a patient can be listed, submitted twice."""

    parts: dict[str, Any]  # of addresses; the patient is a closed one
    outbox: Path


def _night(host: OscarHost, clock: FixedClock, outbox: Path) -> None:
    """The next night run."""
    clock.move_to((clock.now() + timedelta(days=1)).astimezone(clock.zone).replace(hour=3, minute=15))
    run_due(host, load({"outbox_folder": str(outbox)}), clock.now())


@pytest.fixture
def clinic(host: OscarHost, oscar: Any, clock: FixedClock, panel: int, tmp_path: Path) -> Clinic:
    system, number = host.identity.system, 0

    def pair(**columns: Any) -> tuple[int, int]:
        nonlocal number
        made = []
        for name in (CLOSED, OPEN_TO_ALL):
            number += 1
            patient = oscar.patient(**({"last_name": name, "hin": str(300_000_000 + number)} | columns))
            oscar.visit(patient)
            made.append(patient)
        oscar.privilege(BARRED, f"_demographic${made[0]}", "o")
        return made[0], made[1]

    def submitted() -> int:
        submission = requests.ask(host, load(host.settings), system, panel)
        _night(host, clock, tmp_path / "outbox")
        return submission

    stay, go, _without_phn, _inactive = pair(), pair(), pair(hin=""), pair(patient_status="IN")
    bulk.carry_out(host, system, bulk.Assign("101", "AC", panel))
    submitted()
    record = oscar.tables.demographic
    with oscar.database.writing() as connection:
        connection.execute(update(record).where(record.c.demographic_no.in_(stay)).values(first_name="Other"))
        connection.execute(update(record).where(record.c.demographic_no.in_(go)).values(provider_no="102"))
    for patient in go:
        one_patient.remove(host, system, patient, seen_panel_id=panel)
    pair()
    assigned = bulk.carry_out(host, system, bulk.Assign("101", "AC", panel))
    affiliation = an_affiliation(host, "North", stay[0])
    parts = {
        "filename": "cpar.css",
        "patient_id": stay[0],
        "panel_id": panel,
        "operation_id": assigned.operation_id,
        "submission_id": submitted(),
        "report_id": a_report(host, stay[0], 1),
        "list_id": a_registry_list(host, stay[0], 1),
        "line_id": a_report(host, stay[0], 2, accepted=True),
        "other_id": affiliation,
        "other_operation_id": emptied_and_filled(host, affiliation),
        "letter_id": a_letter(host, stay[0]),
        "departure_id": a_departure(host, stay, panel, panel),
        "role_no": 1,
        "client_no": a_client(host, "Network analytics"),
        "subscription_no": a_subscription(host),
    }
    return Clinic(parts, tmp_path / "outbox")


def _requests(app: Flask, clinic: Clinic) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every address that shows something without changing anything, with what it is asked for: method, path, fields."""
    panel = clinic.parts["panel_id"]
    remove = {"kind": "remove", "from_panel_id": panel, "status": "AC"}
    assign = {"kind": "assign", "provider_id": "101", "status": "AC", "panel_id": panel}
    asked: dict[tuple[str, str], list[dict[str, Any]]] = {
        ("GET", "cpar.submission"): [{"show": show} for show in SHOWS],
        ("GET", "cpar.panel"): [{"show": show} for show in ("", "sent", "excluded")],
        ("POST", "search"): [{"search_text": text} for text in (*_TYPED, ", pat", clinic.parts["patient_id"])],
        ("POST", "cpar.panel"): [{"text": text} for text in (*_TYPED, "pat")],
        ("GET", "cpar.rehearsal"): [{"show": show} for show in _REHEARSED],
        ("GET", "cpar.print_rehearsal"): [{"show": show} for show in _REHEARSED],
        ("GET", "cpar.export_rehearsal"): [{"show": show} for show in _REHEARSED],
        ("POST", "cpar.rehearsal"): [{"show": show, "text": text} for show in _REHEARSED for text in (*_TYPED, "pat")],
        ("POST", "cpar.bulk"): [
            order | {"step": step} for order in (remove, assign) for step in ("preview", "skipped")
        ],
    }
    adapter = app.url_map.bind("")
    for method, endpoint in EXPECTED:
        if method == "GET" or (method, endpoint) in asked:
            rule = next(app.url_map.iter_rules(endpoint))
            address = adapter.build(endpoint, {name: clinic.parts[name] for name in rule.arguments}, method=method)
            for fields in asked.get((method, endpoint), [{}]):
                yield method, address, fields


def _shown(app: Flask, clinic: Clinic, person: Any) -> dict[str, tuple[int, str]]:
    """The status and the text of each answer."""
    results = {}
    for method, address, fields in _requests(app, clinic):
        with person.get(address, **fields) if method == "GET" else person.see(address, **fields) as answer:
            results[f"{method} {address} {json.dumps(fields)}"] = (answer.status_code, answer.get_data().decode())
    return results


def test_a_patient_who_is_closed_to_someone_appears_on_none_of_their_pages(
    app: Flask, clinic: Clinic, barred: Any, manager: Any, host: OscarHost
) -> None:
    record, panel = host.tables.demographic, clinic.parts["panel_id"]
    with host.database.engine.connect() as connection:
        query = select(record.c.demographic_no, record.c.hin).where(record.c.last_name == CLOSED)
        closed = [(row.demographic_no, row.hin) for row in connection.execute(query)]
    betraying = re.compile(
        "|".join([CLOSED, *(hin for _, hin in closed if hin), *(rf"/patients/{number}\b" for number, _ in closed)]),
        re.IGNORECASE,
    )
    for_barred = _shown(app, clinic, barred)
    of_the_patient = {asked: answer for asked, answer in for_barred.items() if f"patients/{closed[0][0]}" in asked}
    assert {status for status, _ in of_the_patient.values()} == {403}
    assert [asked for asked, (_, body) in for_barred.items() if betraying.search(body)] == []
    assert [asked for asked, (status, _) in for_barred.items() if status >= 500] == []

    # The same pages show the patient to whoever may see them, so that the walk is no empty one; and the others to all.
    for person, name in ((manager, CLOSED.lower()), (barred, OPEN_TO_ALL.lower())):
        pages = [asked for asked, (_, body) in _shown(app, clinic, person).items() if name in body.lower()]
        for part in (
            "POST / ",
            f"GET /cpar/panels/{panel} ",
            f"POST /cpar/panels/{panel} ",
            f"GET /cpar/panels/{panel}/export",
            "POST /cpar/bulk ",
            *(f'GET /cpar/submissions/{clinic.parts["submission_id"]} {{"show": "{show}"}}' for show in SHOWS),
        ):
            assert any(asked.startswith(part) for asked in pages), (name, part)


def test_a_bulk_update_by_someone_neither_counts_nor_changes_who_is_closed_to_them(
    clinic: Clinic, barred: Any, host: OscarHost
) -> None:
    panel = clinic.parts["panel_id"]
    order = {"kind": "remove", "from_panel_id": panel, "status": "AC"}
    preview = re.sub(r"<[^>]+>", "", barred.see("/cpar/bulk", **order).get_data(as_text=True))
    assert "3 patients will leave panel 0042" in preview
    assert "3 patients whose records you do not have access to will not be changed" in preview
    answer = barred.post("/cpar/bulk", **order, step="carry-out")
    with host.database.engine.connect() as connection:
        left = connection.scalars(
            select(host.tables.demographic.c.last_name).where(
                host.tables.demographic.c.demographic_no.in_(select(tables.member.c.patient_id))
            )
        ).all()
    assert set(left) == {CLOSED}
    assert CLOSED not in barred.get(answer.location).get_data(as_text=True)


def test_a_patient_who_is_closed_to_the_one_who_submits_is_sent_all_the_same(
    clinic: Clinic, barred: Any, host: OscarHost, clock: FixedClock
) -> None:
    assert barred.post(f"/cpar/panels/{clinic.parts['panel_id']}/submit").status_code == 303
    _night(host, clock, clinic.outbox)
    latest = max(clinic.outbox.rglob("*.json"), key=lambda file: file.stat().st_mtime_ns)
    sent = latest.read_text()
    assert sent.count(f'"family":"{CLOSED}"') == sent.count(f'"family":"{OPEN_TO_ALL}"') == 2


def test_an_undo_by_someone_gives_no_one_back_who_is_closed_to_them_and_says_who_was_skipped(
    clinic: Clinic, barred: Any, manager: Any, host: OscarHost, clock: FixedClock
) -> None:
    panel, system, patient = clinic.parts["panel_id"], host.identity.system, host.roster.patients()
    removed = bulk.carry_out(host, system, bulk.Remove(panel, "AC"))
    clock.move_to(clock.now() + timedelta(minutes=1))
    with host.database.engine.connect() as connection:
        changed = connection.scalars(
            select(tables.ledger.c.patient_id)
            .join(patient, patient.c.patient_id == tables.ledger.c.patient_id)
            .where(tables.ledger.c.operation_id == removed.operation_id, patient.c.family_name == OPEN_TO_ALL)
        ).first()
    one_patient.choose(host, system, changed, panel, seen_panel_id=None)

    page = barred.get(barred.post(f"/cpar/bulk/{removed.operation_id}/undo").location).get_data(as_text=True)
    assert "Patients restored: 2." in page
    assert "Changed since, so not restored: 1." in page
    assert "No access for Petty, Ada, so not restored: 3." in page
    assert "No access to record: <strong>3</strong>" in page
    assert re.findall(r'<th scope="row"><a href="(/patients/[^"]+)">([^<]+)<', page) == [
        (host.pages.patient_href(changed), f"{OPEN_TO_ALL.upper()}, Other")
    ]
    assert CLOSED.upper() not in page
    with host.database.engine.connect() as connection:
        back = connection.scalars(
            select(patient.c.family_name).join(tables.member, tables.member.c.patient_id == patient.c.patient_id)
        ).all()
        looks = connection.scalar(
            select(func.count()).where(
                host.tables.log.c.content == "cparPanelMember", host.tables.log.c.data.like("bulk result: %")
            )
        )
    assert (sorted(set(back)), len(back), looks) == ([OPEN_TO_ALL], 3, 1)

    page = manager.get(f"/cpar/bulk/{removed.operation_id}").get_data(as_text=True)
    assert "No access to record" not in page
    assert (page.count(f">{CLOSED.upper()}, "), page.count(f">{OPEN_TO_ALL.upper()}, ")) == (3, 1)


def test_nothing_is_undone_where_all_are_closed_to_someone(clinic: Clinic, barred: Any, host: OscarHost) -> None:
    panel, system = clinic.parts["panel_id"], host.identity.system
    with host.database.engine.connect() as connection:
        closed = connection.scalars(
            select(tables.member.c.patient_id)
            .join(host.tables.demographic, host.tables.demographic.c.demographic_no == tables.member.c.patient_id)
            .where(host.tables.demographic.c.last_name == CLOSED)
        ).all()
    result = bulk.carry_out(host, system, selected.order_for(selected.SelectedAction.REMOVE, panel, closed))
    answer = barred.post(f"/cpar/bulk/{result.operation_id}/undo")
    assert answer.status_code == 422
    assert "or you have no access: there is nothing to undo." in answer.get_data(as_text=True)
