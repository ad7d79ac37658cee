"""Every form with something to enter shows it again after signing in, when its session had ended; nothing is done yet.

A route that takes forms and is in none of the lists below fails.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import insert, select

from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.panels import one_patient
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..conftest import place_of_the_emr
from ..fhirapi.receiver import a_subscription
from ..signing_in import end_sessions
from .conftest import CPAR_ROLE, OTHER_DOCTOR, PUBLIC_KEYS, RECEPTION, Person
from .list_layouts import (
    a_letter,
    a_registry_list,
    a_report,
    an_affiliation,
    emptied_and_filled,
    upload_affiliated,
    upload_list,
    upload_report,
)

pytestmark = pytest.mark.databases("one")
place = place_of_the_emr  # roles and records are edited too


@dataclass(frozen=True, slots=True)
class Entries:
    """What is entered into a form, by field; and patterns of the page that shows it again. `{patient}`, `{panel}`,
    `{other_panel}` and `{upload}` stand for those of the test."""

    fields: Mapping[str, str | list[str]]
    shown: tuple[str, ...]


_ROLE = {"name": "Panel Clerk", "description": "Manages panels", "permissions": "_demographic"}
_PANEL = {"number": "0815", "facilities": "2047", "providers": OTHER_DOCTOR, "practitioner_ids": "987654321"}
_CLIENT = {"name": "Analytics", "scopes": "system/Group.rs", "jwks_url": "", "jwks": PUBLIC_KEYS, "version": "1"}
_CLIENT |= {"origins": "https://app.example"}
_FILLED = (r'name="number" value="0815"', r'name="facilities" value="2047"', r'value="987654321"')
_SIGNED_OUT = "You were signed out before this was done, so nothing was changed."

ENTRIES = {
    "assign_role": Entries(
        {"provider_id": RECEPTION, "role": "Kept", "step": "add"}, (r"Role for Santos, Ada.*?<option selected>Kept",)
    ),
    "new_role": Entries(_ROLE, (r'value="Panel Clerk"', "Manages panels", r'name="permissions" value="_demographic"')),
    "edit_role": Entries(_ROLE, ("Manages panels", r'name="permissions" value="_demographic"')),
    "edit_record": Entries(
        {
            "last_name": "Entered",
            "birth_date": "1981-02-03",
            "hc_type": "BC",
            "appointment-{visit}": "N",
            "mark": "2020-01-01T00:00:00",
        },
        (
            r'value="Entered"',
            r'value="1981-02-03"',
            r'value="BC" selected',
            r'name="appointment-{visit}".*?value="N" selected',
            r'name="mark" value="2020-01-01T00:00:00"',  # so that what others have saved since is not overwritten
        ),
    ),
    "cpar.new_panel": Entries(_PANEL, _FILLED),
    "cpar.edit_panel": Entries({**_PANEL, "version": "1"}, _FILLED),
    "cpar.new_other_panel": Entries(
        {"kind": "caseload", "name": "Nurse", "provider_id": OTHER_DOCTOR},
        (r'value="caseload"[^>]* checked', r'name="name" value="Nurse"', rf'value="{OTHER_DOCTOR}" selected'),
    ),
    "cpar.edit_other_panel": Entries(
        {"kind": "affiliation", "name": "South", "state": "in-transition", "version": "1"},
        (r'name="name" value="South"', r'value="in-transition" selected'),
    ),
    "cpar.other_import": Entries({"step": "upload"}, (r'type="file"',)),  # a file is not kept
    "cpar.other_bulk": Entries(
        {"kind": "affiliation", "action": "remove", "from_id": "{other_id}", "status": "any", "step": "carry-out"},
        (r'name="action" value="remove"', r'name="from_id" value="{other_id}"', "Remove 1 Patient"),
    ),
    "cpar.departure": Entries(
        {"step": "date", "leaves_on": "2027-03-01", "administrator_id": OTHER_DOCTOR},
        (r'name="leaves_on" required value="2027-03-01"', rf'value="{OTHER_DOCTOR}" selected'),
    ),
    "cpar.new_panels": Entries(
        {
            "facilities": "2047",
            "provider": [RECEPTION, CPAR_ROLE],
            "number": ["0815", ""],
            "practitioner_id": ["987654321", "12"],
        },
        (*_FILLED, r'value="12"'),
    ),
    "cpar.fill_panels": Entries(
        {"panel": "{panel}", "move": "yes", "expected": "1"},
        (r'name="panel" value="{panel}"', r'name="move" value="yes"', "Add 1 Patient"),
    ),
    "cpar.settings": Entries(
        {"name": "Entered Clinic", "site_id": "S-9", "version": "2"}, (r'value="Entered Clinic"', r'value="S-9"')
    ),
    "cpar.check_in_wording": Entries(
        {"question": "Still ours?", "question_not_paneled": "Who?", "question_conflict": "Which?", "version": "2"},
        (r'value="Still ours[?]"', r'value="Who[?]"', r'value="Which[?]"'),
    ),
    "cpar.leave_panel": Entries(
        {"seen_panel_id": "{panel}", "reason": "moved-away", "note": "to Calgary"},
        (r'value="moved-away" selected', r'name="note" value="to Calgary"'),
    ),
    "cpar.choose_other": Entries(
        {"kind": "affiliation", "seen_other_id": "{other_id}", "other_id": "{second_other}", "signed_on": "2026-05-06"},
        (r'<option value="{second_other}" selected>', r'id="cpar-signed-affiliation"[^>]*value="2026-05-06"'),
    ),
    "cpar.sign_other": Entries(
        {"kind": "affiliation", "seen_other_id": "{other_id}", "signed_on": "2026-05-06"},
        (r'id="cpar-signed-now"[^>]*value="2026-05-06"',),
    ),
    "cpar.new_client": Entries(_CLIENT, (r'value="Analytics"', "ec-1", r'value="system/Group.rs"[^>]* checked')),
    "cpar.edit_client": Entries(_CLIENT, (r'value="Analytics"', "ec-1", r'value="system/Group.rs"[^>]* checked')),
    "cpar.bulk": Entries(
        {"kind": "remove", "from_panel_id": "{panel}", "status": "AC", "step": "carry-out"},
        (r'name="kind" value="remove"', r'name="from_panel_id" value="{panel}"', "Remove 1 Patient"),
    ),
    "cpar.import_list": Entries(
        {"panel_id": "{other_panel}", "step": "upload"}, (r'<option value="{other_panel}" selected>',)
    ),
    "cpar.reports": Entries(
        {"panel_id": "{other_panel}", "ask": "yes", "step": "upload"},
        (r'<option value="{other_panel}" selected>', r'name="ask" value="yes" checked'),
    ),
    "cpar.report_columns": Entries(
        {
            "upload_id": "{report_upload}",
            "kind": "conflict",
            "shown": "0 utf-8-sig 1",
            "sheet": "0",
            "encoding": "utf-8-sig",
            "header": "1",
            "field": ["phn", "family-name", "other-provider"],
            "step": "continue",
        },
        (
            r'<option value="conflict" selected>',
            r'Contents of Other doctor"(?:(?!</select>).)*value="other-provider" selected',
        ),
    ),
    "cpar.change_report_lines": Entries(
        {"selected": "{report_id}-1", "note": "Wrote to them", "action": "note"},
        (r'name="selected" value="{report_id}-1"[^>]* checked', r'name="note" value="Wrote to them"'),
    ),
    "cpar.letter_settings": Entries(
        {
            "letterhead": "Entered Street",
            "text": "Entered letter",
            "letter_text": "Entered to patients",
            "version": "2",
        },
        ("Entered Street", "Entered letter", "Entered to patients"),
    ),
    "cpar.panel_floor": Entries(
        {"kind": "other", "patients": "750", "version": "1"},
        (r'value="other" selected', r'name="patients" value="750"'),
    ),
    "cpar.payment_settings": Entries(
        {"amount": "12.50", "label": "Base rate", "as_of": "2026-11-09", "version": "2"},
        (r'name="amount" value="12.50"', r'name="label" value="Base rate"', r'name="as_of" value="2026-11-09"'),
    ),
    "cpar.report_conflict": Entries(
        {"action": "theirs", "reason": "moved-away", "note": "to Calgary", "version": "1"},
        (r'value="moved-away" selected', r'name="note" value="to Calgary"'),
    ),
    "cpar.metrics": Entries(
        {"month": "2026-11", "seen": "0", "received": "812", "attached": "9", "as_of": "2026-11-09", "step": "save"},
        (r'name="received" value="812"', r'name="attached" value="9"', r'name="as_of" value="2026-11-09"'),
    ),
    "cpar.choose_attached": Entries(
        {"selected": "{on_no_panel}", "action": "mrp"}, (r'name="selected" value="{on_no_panel}"[^>]* checked',)
    ),
    "cpar.report": Entries({"row": "2", "step": "accept"}, (r'name="row" value="2"[^>]* checked',)),
    "cpar.import_columns": Entries(
        {
            "upload_id": "{upload}",
            "shown": "0 utf-8-sig 1",
            "sheet": "0",
            "encoding": "utf-8-sig",
            "header": "1",
            "field": ["phn", "given-name", "family-name", "ignored"],
            "step": "continue",
        },
        (
            r'Contents of Last name"(?:(?!</select>).)*value="given-name" selected',
            r'Contents of DOB"(?:(?!</select>).)*value="ignored" selected',
        ),
    ),
    "cpar.other_import_columns": Entries(
        {
            "upload_id": "{other_upload}",
            "shown": "0 utf-8-sig 1",
            "sheet": "0",
            "encoding": "utf-8-sig",
            "header": "1",
            "field": ["phn", "given-name", "family-name", "birth-date", "ignored"],
            "step": "continue",
        },
        (r'Contents of Date signed"(?:(?!</select>).)*value="ignored" selected',),
    ),
    "cpar.import_review": Entries(
        {"upload_id": "{upload}", "row": "3", "step": "accept"}, (r'name="row" value="3"[^>]* checked',)
    ),
    "cpar.selected_members": Entries(
        {"selected": "{patient}", "to_panel_id": "{other_panel}", "action": "move"},
        (r'name="selected" value="{patient}"[^>]* checked', r'<option value="{other_panel}" selected>'),
    ),
    "cpar.selected_others": Entries(
        {"selected": "{patient}", "to_id": "{second_other}", "signed_on": "2026-05-06", "action": "move"},
        (
            r'name="selected" value="{patient}"[^>]* checked',
            r'<option value="{second_other}" selected>',
            r'name="signed_on"[^>]* value="2026-05-06"',
        ),
    ),
    "cpar.change_exclusions": Entries(
        {"selected": "{patient}-no-phn-1", "note": "Asked on Monday", "action": "note", "state": "open"},
        (r'name="selected" value="{patient}-no-phn-1"[^>]* checked', r'name="note" value="Asked on Monday"'),
    ),
}
# These change nothing: what they find shows what was entered.
SEARCHES = {
    "search",
    "cpar.attachment",
    "cpar.coverage",
    "cpar.other_panel",
    "cpar.panel",
    "cpar.panel_coverage",
    "cpar.rehearsal",
    "cpar.report_heaps",
    "cpar.submission",
}
# A button, with nothing to enter beside it: pressed once more by Continue.
ACTIONS = {
    "cpar.review_attachment",
    "cpar.undo_report_lines",
    "cpar.undo_exclusions",
    "cpar.letter",
    "cpar.remove_report",
    "delete_role",
    "cpar.choose_panel",
    "cpar.confirm_panel",
    "cpar.answer_caution",
    "cpar.keep_inherited",
    "cpar.answer_check_in",
    "cpar.answer_of_member",
    "cpar.keep_member",
    "cpar.delete_panel",
    "cpar.delete_other_panel",
    "cpar.leave_other",
    "cpar.undo_other_bulk",
    "cpar.other_import_review",
    "cpar.dismiss_checklist",
    "cpar.submit_panel",
    "cpar.submit_all_panels",
    "cpar.cancel_submission",
    "cpar.retry_failed",
    "cpar.retry_submission",
    "cpar.release_submission",
    "cpar.undo_bulk",
    "cpar.move_back",
    "cpar.submit_again",
    "cpar.revoke_client",
    "cpar.turn_off_subscription",
}
_OF_SESSIONS = {"sign_in", "sign_out"}
_TO_ENTER = re.compile(r"<textarea|<select|<input(?! type=\"(?:hidden|submit)\")")
_FORM = re.compile(r'<form(?=[^>]* method="post")[^>]* action="([^"]*)".*?</form>', re.DOTALL)


def _forms(app: Flask) -> set[str]:
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.endpoint.startswith("cpar_fhir.")
    } - _OF_SESSIONS


def test_every_form_is_expected_to_show_its_entries_or_has_none(app: Flask) -> None:
    assert _forms(app) == ENTRIES.keys() | SEARCHES | ACTIONS
    marked = {endpoint for endpoint in _forms(app) if getattr(app.view_functions[endpoint], "shows_entries", False)}
    assert marked == ENTRIES.keys()


@pytest.fixture
def parts(host: OscarHost, oscar: Any, manager: Person, panel: int, other_panel: int) -> dict[str, Any]:
    """What the addresses and fields are about."""
    patient = oscar.patient(hin="")
    on_no_panel = oscar.patient(hin="100000009", first_name="Uma", born="1980-02-03")  # she can be filled in
    visit = oscar.visit(patient)
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    line = {"patient_id": patient, "panel_id": panel, "reason": "no-phn", "opened_at": host.clock.now()}
    with host.database.writing() as connection:
        connection.execute(insert(tables.exclusion_line).values(**line, state="open", note="", version=1))
        role = connection.execute(
            insert(host.tables.role).values(role_name="Kept", description="")
        ).inserted_primary_key
    upload_list(manager, panel)
    upload_report(manager)
    manager.get("/cpar/exclusions")  # compares the list with the EMR, which any look does
    affiliation = an_affiliation(host, "North", patient)
    upload_affiliated(manager, affiliation)
    with host.database.engine.connect() as connection:
        uploads = dict(connection.execute(select(tables.upload.c.purpose, tables.upload.c.upload_id)).all())
    client = ClientDraft(name="Client", scopes="system/*.rs", jwks=PUBLIC_KEYS)
    return {
        "patient": patient,
        "on_no_panel": on_no_panel,
        "panel": panel,
        "other_panel": other_panel,
        "visit": visit,
        "upload": uploads["import"],
        "other_upload": uploads["other"],
        "report_upload": uploads["report"],
        "report_id": a_report(host, patient, 1),
        "list_id": a_registry_list(host, patient, 1),
        "line_id": a_report(host, patient, 2, accepted=True),
        "other_id": affiliation,
        "other_operation_id": emptied_and_filled(host, affiliation),
        "second_other": an_affiliation(host, "South"),
        "letter_id": a_letter(host, patient),
        "patient_id": patient,
        "panel_id": panel,
        "role_no": role and role[0],
        "client_no": registry.number_of(registry.register(host, host.identity.system, client)),
        "subscription_no": a_subscription(host),
    }


@pytest.mark.parametrize("endpoint", ENTRIES)
def test_what_was_entered_is_shown_again_and_nothing_is_done_before_the_button_is_pressed_again(
    app: Flask, host: OscarHost, manager: Person, parts: dict[str, Any], endpoint: str
) -> None:
    entries, address = ENTRIES[endpoint], _address(app, endpoint, parts)
    manager.renew_token()
    end_sessions(host)
    before = _rows(host)
    fields = {_filled(name, parts): _filled_all(value, parts) for name, value in entries.fields.items()}
    answer = manager.post(address, headers={"Referer": f"http://localhost{address}"}, **fields)
    [offered] = parse_qs(urlsplit(answer.location).query)["next"]
    manager.sign_in()
    offer = manager.get(offered).get_data(as_text=True)
    assert "Continue to see it on its page" in offer
    kept: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', offer):
        kept.setdefault(name, []).append(unescape(value))
    kept.pop("csrf_token")
    manager.renew_token()
    page = manager.post(address, **kept)
    text = " ".join(unescape(page.get_data(as_text=True)).split())
    assert page.status_code == 422
    assert _SIGNED_OUT in text
    for pattern in entries.shown:
        assert re.search(_filled(pattern, parts), text), pattern
    assert _rows(host) == before


def test_a_form_with_something_to_enter_is_no_mere_action(app: Flask, manager: Person, parts: dict[str, Any]) -> None:
    """Looked up on the pages themselves, by the address that each form is sent to."""
    adapter, entered = app.url_map.bind(""), set()
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not rule.arguments <= parts.keys() or "static" in rule.endpoint:
            continue
        with manager.get(adapter.build(rule.endpoint, {name: parts[name] for name in rule.arguments})) as answer:
            page = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
        for form in _FORM.finditer(page):
            if _TO_ENTER.search(form[0]):
                entered.add(adapter.match(unescape(form[1]).partition("?")[0], method="POST")[0])
    assert {"cpar.settings", "cpar.selected_members"} <= entered
    assert entered & ACTIONS == set()


def _address(app: Flask, endpoint: str, parts: Mapping[str, Any]) -> str:
    rule = next(app.url_map.iter_rules(endpoint))
    return app.url_map.bind("").build(endpoint, {name: parts[name] for name in rule.arguments}, method="POST")


def _filled(text: str, parts: Mapping[str, Any]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: str(parts[match[1]]), text)


def _filled_all(value: str | list[str], parts: Mapping[str, Any]) -> str | list[str]:
    return _filled(value, parts) if isinstance(value, str) else [_filled(one, parts) for one in value]


def _rows(host: OscarHost) -> dict[str, list[Any]]:
    """All that a form could change."""
    records = ("cpar_kept", "cpar_look", "cpar_look_patient")
    watched = [table for table in tables.metadata.sorted_tables if table.name not in records]
    watched += [host.tables.demographic, host.tables.appointment, host.tables.role]
    with host.database.engine.connect() as connection:
        columns = {table.name: [column for column in table.c if not column.system] for table in watched}
        return {name: sorted(map(repr, connection.execute(select(*of_table)))) for name, of_table in columns.items()}
