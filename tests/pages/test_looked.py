"""Who looked at a patient, and what a person saw: pages and files for administrators, and what the EMR's log has."""

import csv
import io
import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from cpar_plugin.hooks import Actor, Plugins
from cpar_plugin.plugin import emr_patient_notes
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import undo
from cpar_plugin.services.clients.caller import EVERYTHING, Caller
from cpar_plugin.services.clients.read_log import Interaction, Reads
from cpar_plugin.services.clients.registry import id_of
from cpar_plugin.services.history import looked
from cpar_plugin.services.panels import one_patient
from cpar_plugin.store.tables import look, look_patient
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

from .conftest import BARRED, MANAGER, RECEPTION, Person
from .looks import Since
from .test_rights import a_client

pytestmark = pytest.mark.databases("one")


def _text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def _rows(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def _cells(page: str) -> list[list[str]]:
    """The table's rows, without tags."""
    _, _, body = page.partition("<tbody>")
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body)
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows]


@pytest.fixture
def wren(oscar: Any, host: OscarHost, panel: int) -> int:
    patient: int = oscar.patient(last_name="Wren", first_name="Kim", hin="100000001")
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    return patient


def test_who_looked_at_a_patient_is_a_page_and_a_file_for_administrators(
    reception: Any, manager: Any, cpar_role: Any, wren: int, panel: int
) -> None:
    reception.get(f"/cpar/patients/{wren}/history")
    manager.get(f"/cpar/panels/{panel}")
    assert cpar_role.get(f"/cpar/patients/{wren}/looks").status_code == 403
    page = _text(manager.get(f"/cpar/patients/{wren}/looks"))
    assert "WREN, Kim" in page
    assert _cells(page) == [
        ["Nov 10, 2026, 10:00 AM", "Penner, Ada (admin, receptionist)", f"panel /cpar/panels/{panel}", "127.0.0.1"],
        [
            "Nov 10, 2026, 10:00 AM",
            "Santos, Ada (receptionist)",
            f"patient history /cpar/patients/{wren}/history",
            "127.0.0.1",
        ],
    ]
    assert [row[1] for row in _cells(_text(manager.get(f"/cpar/patients/{wren}/looks", by=RECEPTION)))] == [
        "Santos, Ada (receptionist)"
    ]
    assert _cells(_text(manager.get(f"/cpar/patients/{wren}/looks", first="2026-11-11"))) == []
    assert manager.get(f"/cpar/patients/{wren}/looks", first="11/11/2026").status_code == 422
    rows = _rows(manager.get(f"/cpar/patients/{wren}/looks/export", last="2026-11-10"))
    assert {row["Record"] for row in rows} == {str(wren)}
    assert [row["Page"] for row in rows][-1] == "patient history"
    assert "Who looked at this patient" in _text(manager.get(f"/cpar/patients/{wren}/history"))
    assert "Who looked at this patient" not in _text(reception.get(f"/cpar/patients/{wren}/history"))


def test_what_a_person_saw_names_patients_whom_the_reader_may_see(
    oscar: Any, reception: Any, manager: Any, barred: Any, wren: int
) -> None:
    reception.get(f"/cpar/patients/{wren}/panel")
    oscar.privilege(BARRED, f"_demographic${wren}", "o")
    [row] = _cells(_text(manager.get("/cpar/looks", by=RECEPTION)))
    assert (row[2], row[3]) == (f"patient panel /cpar/patients/{wren}/panel", "WREN, Kim")
    [row] = _cells(_text(barred.get("/cpar/looks", by=RECEPTION)))
    assert row[3] == "1 patient"
    [line] = _rows(manager.get("/cpar/looks/export", by=RECEPTION))
    assert (line["By"], line["Role"], line["Record"]) == ("Santos, Ada", "receptionist", str(wren))


def test_looks_follow_each_other_over_pages(
    reception: Any, manager: Any, wren: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looked, "AT_ONCE", 2)
    for _ in range(5):
        reception.get(f"/cpar/patients/{wren}/panel")
    address: str | None = f"/cpar/looks?by={RECEPTION}"
    sizes = []
    while address:
        page = _text(manager.get(address))
        sizes.append(len(_cells(page)))
        older = re.search(r'href="([^"]+)">Older', page)
        address = older[1].replace("&amp;", "&") if older else None
    assert sizes == [2, 2, 1]


def test_a_program_that_read_a_patient_is_named_with_its_address(
    host: OscarHost, emr: OscarHost, manager: Any, wren: int
) -> None:
    client_id = id_of(a_client(host, "Network analytics"))
    before = Since.now(emr)
    caller = Caller(Actor(actor_id=client_id, display_name="Network analytics"), client_id, EVERYTHING, None)
    Reads(host).note(caller, Interaction.SEARCH, "Patient", patient_ids=[wren], address="192.0.2.7")
    [row] = _cells(_text(manager.get(f"/cpar/patients/{wren}/looks")))
    assert row[1:] == ["Network analytics", "FHIR Patient: search", "192.0.2.7"]
    line = before.lines()[0]
    assert (line.provider_no, line.ip, line.demographic_no) == (client_id, "192.0.2.7", wren)
    assert "Network analytics" in line.data


def test_every_read_of_the_same_patients_names_each_of_them(
    host: OscarHost, oscar: Any, manager: Any, wren: int
) -> None:
    other = oscar.patient(last_name="Lark")
    client_ids = [id_of(a_client(host, name)) for name in ("Network analytics", "Registry")]
    for client_id in (*client_ids, client_ids[0]):
        caller = Caller(Actor(actor_id=client_id, display_name="x"), client_id, EVERYTHING, None)
        Reads(host).note(caller, Interaction.READ, "Group", "1", patient_ids=[wren, other])
    Reads(host).note(caller, Interaction.READ, "Patient", str(other), patient_ids=[other])
    by = [row[1] for row in _cells(_text(manager.get(f"/cpar/patients/{wren}/looks")))]
    assert by == ["Network analytics", "Registry", "Network analytics"]
    rows = _rows(manager.get("/cpar/looks/export", by=client_ids[0]))
    assert [row["Record"] for row in rows] == list(map(str, (other, wren, other, wren, other)))
    assert len(_cells(_text(manager.get(f"/cpar/patients/{other}/looks", by=client_ids[1])))) == 1


def test_the_emr_s_log_has_a_line_for_each_patient_where_the_clinic_wants_it(
    app: Flask, host: OscarHost, emr: OscarHost, oscar: Any, panel: int
) -> None:
    patients = [oscar.patient(), oscar.patient()]
    each = replace(host, settings={**host.settings, "look_lines": "patient"})
    for used, expected in ((host, [None]), (each, patients)):
        before = Since.now(emr)
        with app.test_request_context("/day-sheet"):
            emr_patient_notes(used, host.identity.system, patients)
        assert [line.demographic_no for line in before.lines()] == expected
        assert before.in_the_log() >= set(patients)
        assert before.looked_at() == set(patients)


def test_a_thousand_patients_on_a_page_are_all_in_the_emr_s_log(host: OscarHost, emr: OscarHost) -> None:
    from cpar_plugin.services.operations import looks

    patients = set(range(10**9, 10**9 + 1000))
    before = Since.now(emr)
    looks.record(host, looks.Look(host.identity.system, "panel", "/cpar/panels/1"), patients)
    assert before.in_the_log() - {None} == patients
    assert len(before.lines()) == 4


def test_the_box_within_the_emr_s_page_is_recorded_where_a_setting_says_so(
    host: OscarHost, manager: Any, wren: int
) -> None:
    plugins = Plugins()
    plugins.load_installed()
    recording = Person(create_app(replace(host, settings={**host.settings, "record_box": "yes"}), plugins), MANAGER)
    for address in (f"/cpar/patients/{wren}/widget", f"/patients/{wren}"):
        before = Since.now(host)
        manager.get(address)
        assert before.looked_at() == set()
        recording.get(address)
        assert before.looked_at() == {wren}


@pytest.mark.databases("both")
def test_a_bulk_update_and_its_undo_stand_under_each_patient_in_the_emr_s_log(
    host: OscarHost, emr: OscarHost, oscar: Any, panel: int
) -> None:
    patients = sorted(oscar.patient() for _ in range(3))
    before = Since.now(emr)
    result = bulk.carry_out(host, host.identity.system, bulk.Assign("101", "AC", panel))
    lines = [line for line in before.lines() if line.demographic_no]
    assert [(line.demographic_no, line.action) for line in lines] == [(key, "add") for key in patients]
    before = Since.now(emr)
    undo.undo(host, host.identity.system, result.operation_id or 0)
    assert sorted(line.demographic_no for line in before.lines() if line.demographic_no) == patients


def test_a_page_that_cannot_be_recorded_is_not_shown(
    host: OscarHost, emr: OscarHost, manager: Any, wren: int, panel: int
) -> None:
    with emr.database.session() as session:
        host.tables.log.drop(session.connection())
    for address in (f"/cpar/panels/{panel}", f"/cpar/patients/{wren}/history"):
        answer = manager.get(address)
        assert answer.status_code == 500
        assert "WREN" not in _text(answer).upper()
    with host.database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(look)) == 0
        assert connection.scalar(select(func.count()).select_from(look_patient)) == 0
