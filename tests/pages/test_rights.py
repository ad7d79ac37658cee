"""Who may open what: every address of the application, and everybody who could try."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from cpar_plugin.domain.answers import fingerprint
from cpar_plugin.domain.cautions import Caution
from cpar_plugin.services import bulk
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.snapshots import build
from cpar_plugin.services.submissions import requests
from cpar_plugin.settings import load
from cpar_plugin.store.tables import exclusion_line, metadata, submission
from oscar_host.demo.roles import Role
from oscar_host.host import OscarHost

from ..conftest import NOW, place_of_the_emr
from ..fhirapi.receiver import a_subscription
from .conftest import BARRED, NO_RIGHTS, PUBLIC_KEYS
from .list_layouts import a_departure, a_letter, a_registry_list, a_report, an_affiliation, emptied_and_filled
from .looks import Since, name_apart, shown

pytestmark = pytest.mark.databases("one")

place = place_of_the_emr

PEOPLE = ("nobody", "no_rights", "reception", "doctor", "cpar_role", "manager", "barred")

# What each of them gets: 303 for nobody is the way to the sign-in. The last is a manager whose own rights bar the
# patient that is asked about.
# fmt: off
#                      nobody, no rights, reception, doctor, CPAR role, manager, barred
OPEN =                (200,    200,       200,       200,    200,       200,     200)
SIGNED_IN =           (303,    200,       200,       200,    200,       200,     200)
OF_THE_PATIENT =      (303,    403,       200,       200,    403,       200,     403)
CHANGES_THE_PATIENT = (303,    403,       303,       303,    403,       303,     403)
MANAGEMENT =          (303,    403,       403,       403,    200,       200,     200)
CHANGES_PANELS =      (303,    403,       403,       403,    303,       303,     303)
NOT_IN_THIS_STATE =   (303,    403,       403,       403,    409,       409,     409)
NO_LIST =             (303,    403,       403,       403,    404,       404,     404)
ADMINISTRATION =      (303,    403,       403,       403,    403,       200,     200)
ADMINISTRATION_OF_THE_PATIENT = (303, 403, 403,       403,    403,       200,     403)
CHANGES_ROLES =       (303,    403,       403,       403,    403,       303,     303)
# fmt: on

EXPECTED = {
    ("GET", "static"): OPEN,
    ("GET", "cpar.static"): OPEN,
    ("GET", "sign_in"): OPEN,
    ("POST", "sign_in"): (422,) * len(PEOPLE),
    ("POST", "sign_out"): (303,) * len(PEOPLE),
    ("GET", "search"): SIGNED_IN,
    ("POST", "search"): (303,) * len(PEOPLE),
    ("GET", "master_record"): OF_THE_PATIENT,
    ("GET", "details"): OF_THE_PATIENT,
    ("GET", "edit_record"): OF_THE_PATIENT,
    ("POST", "edit_record"): CHANGES_THE_PATIENT,
    ("GET", "administration"): MANAGEMENT,
    ("GET", "roles"): ADMINISTRATION,
    ("GET", "new_role"): ADMINISTRATION,
    ("POST", "new_role"): CHANGES_ROLES,
    ("GET", "edit_role"): ADMINISTRATION,
    ("POST", "edit_role"): CHANGES_ROLES,
    ("GET", "delete_role"): ADMINISTRATION,
    ("POST", "delete_role"): CHANGES_ROLES,
    ("GET", "assign_role"): ADMINISTRATION,
    ("POST", "assign_role"): CHANGES_ROLES,
    ("GET", "cpar.widget"): OF_THE_PATIENT,
    ("GET", "cpar.patient_panel"): OF_THE_PATIENT,
    ("POST", "cpar.choose_panel"): CHANGES_THE_PATIENT,
    ("POST", "cpar.confirm_panel"): CHANGES_THE_PATIENT,
    ("POST", "cpar.leave_panel"): CHANGES_THE_PATIENT,
    ("POST", "cpar.choose_other"): CHANGES_THE_PATIENT,
    ("POST", "cpar.sign_other"): CHANGES_THE_PATIENT,
    ("POST", "cpar.leave_other"): CHANGES_THE_PATIENT,
    ("POST", "cpar.answer_caution"): CHANGES_THE_PATIENT,
    ("POST", "cpar.keep_inherited"): CHANGES_THE_PATIENT,
    ("GET", "cpar.interrupted_form"): (303, 410, 410, 410, 410, 410, 410),  # nothing is kept for them
    ("GET", "cpar.panels"): MANAGEMENT,
    ("GET", "cpar.panel"): MANAGEMENT,
    ("POST", "cpar.panel"): CHANGES_PANELS,  # to the list of those found
    ("POST", "cpar.selected_members"): CHANGES_PANELS,
    ("POST", "cpar.answer_of_member"): (303, 403, 403, 403, 403, 303, 403),  # who may see the patient too
    ("POST", "cpar.keep_member"): (303, 403, 403, 403, 403, 303, 403),
    ("GET", "cpar.print_panel"): MANAGEMENT,
    ("GET", "cpar.export_panel"): MANAGEMENT,
    ("GET", "cpar.rehearsal"): MANAGEMENT,
    ("POST", "cpar.rehearsal"): CHANGES_PANELS,  # to the list of those found
    ("GET", "cpar.print_rehearsal"): MANAGEMENT,
    ("GET", "cpar.export_rehearsal"): MANAGEMENT,
    ("GET", "cpar.coverage"): MANAGEMENT,
    ("POST", "cpar.coverage"): CHANGES_PANELS,  # to the list of those found
    ("GET", "cpar.print_coverage"): MANAGEMENT,
    ("GET", "cpar.export_coverage"): MANAGEMENT,
    ("GET", "cpar.panel_coverage"): MANAGEMENT,
    ("POST", "cpar.panel_coverage"): CHANGES_PANELS,  # to the list of those found
    ("GET", "cpar.print_panel_coverage"): MANAGEMENT,
    ("GET", "cpar.export_panel_coverage"): MANAGEMENT,
    ("GET", "cpar.new_panel"): MANAGEMENT,
    ("POST", "cpar.new_panel"): CHANGES_PANELS,
    ("GET", "cpar.new_panels"): MANAGEMENT,
    ("POST", "cpar.new_panels"): CHANGES_PANELS,
    ("GET", "cpar.fill_panels"): MANAGEMENT,
    ("POST", "cpar.fill_panels"): CHANGES_PANELS,
    ("GET", "cpar.attachment"): MANAGEMENT,
    ("POST", "cpar.attachment"): CHANGES_PANELS,  # to the list of those found
    ("POST", "cpar.choose_attached"): (303, 403, 403, 403, 422, 303, 303),  # who may see someone on the list too
    ("GET", "cpar.print_attachment"): MANAGEMENT,
    ("GET", "cpar.export_attachment"): MANAGEMENT,
    ("GET", "cpar.review_attachment"): CHANGES_PANELS,  # to the list, while no one is selected
    ("POST", "cpar.review_attachment"): CHANGES_PANELS,
    ("POST", "cpar.submit_all_panels"): CHANGES_PANELS,
    ("POST", "cpar.dismiss_checklist"): CHANGES_ROLES,
    ("GET", "cpar.edit_panel"): MANAGEMENT,
    ("POST", "cpar.edit_panel"): CHANGES_PANELS,
    ("GET", "cpar.new_other_panel"): MANAGEMENT,
    ("POST", "cpar.new_other_panel"): CHANGES_PANELS,
    ("GET", "cpar.other_panel"): MANAGEMENT,
    ("POST", "cpar.other_panel"): CHANGES_PANELS,  # a search
    ("POST", "cpar.selected_others"): (303, 403, 403, 403, 422, 422, 422),  # of no patient
    ("GET", "cpar.print_other_panel"): MANAGEMENT,
    ("GET", "cpar.export_other_panel"): MANAGEMENT,
    ("GET", "cpar.other_bulk"): MANAGEMENT,
    ("POST", "cpar.other_bulk"): CHANGES_PANELS,  # to the preview
    ("GET", "cpar.other_bulk_result"): MANAGEMENT,
    ("POST", "cpar.undo_other_bulk"): (303, 403, 403, 403, 422, 303, 422),  # who may see somebody whom it puts back
    ("GET", "cpar.other_import"): MANAGEMENT,
    ("POST", "cpar.other_import"): (303, 403, 403, 403, 422, 422, 422),  # without a file
    ("GET", "cpar.other_import_columns"): CHANGES_PANELS,  # to the panels, while there is no list
    ("POST", "cpar.other_import_columns"): NO_LIST,
    ("GET", "cpar.other_import_review"): CHANGES_PANELS,  # to the panels, while there is no list
    ("POST", "cpar.other_import_review"): NO_LIST,
    ("GET", "cpar.edit_other_panel"): MANAGEMENT,
    ("POST", "cpar.edit_other_panel"): CHANGES_PANELS,
    ("GET", "cpar.delete_other_panel"): MANAGEMENT,
    ("POST", "cpar.delete_other_panel"): CHANGES_PANELS,
    ("GET", "cpar.departure"): MANAGEMENT,
    ("POST", "cpar.departure"): CHANGES_PANELS,
    ("GET", "cpar.departure_patients"): MANAGEMENT,
    ("GET", "cpar.departure_letters"): MANAGEMENT,
    ("GET", "cpar.departure_not_moved"): MANAGEMENT,
    ("GET", "cpar.delete_panel"): MANAGEMENT,
    ("POST", "cpar.delete_panel"): CHANGES_PANELS,
    ("POST", "cpar.submit_panel"): CHANGES_PANELS,
    ("POST", "cpar.cancel_submission"): CHANGES_PANELS,
    ("POST", "cpar.retry_failed"): NOT_IN_THIS_STATE,  # nothing has failed
    ("POST", "cpar.retry_submission"): NOT_IN_THIS_STATE,  # only what has failed can be tried again
    ("POST", "cpar.release_submission"): NOT_IN_THIS_STATE,  # only what is held can be released
    ("GET", "cpar.settings"): MANAGEMENT,
    ("POST", "cpar.settings"): CHANGES_PANELS,
    ("GET", "cpar.bulk"): MANAGEMENT,
    ("POST", "cpar.bulk"): CHANGES_PANELS,  # to the preview
    ("GET", "cpar.import_list"): MANAGEMENT,
    ("POST", "cpar.import_list"): (303, 403, 403, 403, 422, 422, 422),  # without a file
    ("GET", "cpar.import_columns"): CHANGES_PANELS,  # to the upload, while there is no list
    ("POST", "cpar.import_columns"): NO_LIST,
    ("GET", "cpar.import_review"): CHANGES_PANELS,
    ("POST", "cpar.import_review"): NO_LIST,
    ("GET", "cpar.export_import"): NO_LIST,
    ("GET", "cpar.reports"): MANAGEMENT,
    ("POST", "cpar.reports"): (303, 403, 403, 403, 422, 422, 422),  # without a file
    ("GET", "cpar.report_columns"): CHANGES_PANELS,  # to the upload, while there is no report
    ("POST", "cpar.report_columns"): NO_LIST,
    ("GET", "cpar.report_lines"): MANAGEMENT,
    ("GET", "cpar.report_conflict"): (303, 403, 403, 403, 403, 200, 403),  # who may see the patient too
    ("POST", "cpar.report_conflict"): (303, 403, 403, 403, 403, 303, 403),
    ("GET", "cpar.print_report_lines"): MANAGEMENT,
    ("GET", "cpar.export_report_lines"): MANAGEMENT,
    ("GET", "cpar.report_line"): (303, 403, 403, 403, 404, 200, 404),  # who may see the patient too
    ("POST", "cpar.change_report_lines"): (303, 403, 403, 403, 409, 303, 409),  # who may see the patient too
    ("POST", "cpar.undo_report_lines"): (303, 403, 403, 403, 404, 404, 404),  # nothing was changed
    ("GET", "cpar.metrics"): MANAGEMENT,
    ("POST", "cpar.metrics"): CHANGES_PANELS,
    ("GET", "cpar.export_metrics"): MANAGEMENT,
    ("GET", "cpar.letter"): (303, 403, 403, 403, 403, 200, 403),  # who may see the patient too
    ("POST", "cpar.letter"): (303, 403, 403, 403, 403, 303, 403),
    ("GET", "cpar.letters_of_day"): MANAGEMENT,
    ("GET", "cpar.letter_settings"): MANAGEMENT,
    ("POST", "cpar.letter_settings"): CHANGES_PANELS,
    ("GET", "cpar.report"): MANAGEMENT,
    ("POST", "cpar.report"): CHANGES_PANELS,
    ("GET", "cpar.remove_report"): MANAGEMENT,
    ("POST", "cpar.remove_report"): (303, 403, 403, 403, 422, 422, 422),  # a later one has to be removed first
    ("GET", "cpar.report_heaps"): MANAGEMENT,
    ("POST", "cpar.report_heaps"): CHANGES_PANELS,  # to the list of those found
    ("GET", "cpar.print_report_heaps"): MANAGEMENT,
    ("GET", "cpar.export_report_heaps"): MANAGEMENT,
    ("GET", "cpar.bulk_result"): MANAGEMENT,
    ("POST", "cpar.undo_bulk"): (303, 403, 403, 403, 422, 303, 422),  # who may see somebody whom it puts back
    ("GET", "cpar.export_skipped"): MANAGEMENT,
    ("GET", "cpar.export_not_restored"): MANAGEMENT,
    ("POST", "cpar.move_back"): (303, 403, 403, 403, 404, 404, 404),  # only after an undo
    ("POST", "cpar.submit_again"): (303, 403, 403, 403, 422, 422, 422),  # only after an undo
    ("GET", "cpar.submissions"): MANAGEMENT,
    ("GET", "cpar.submission_progress"): MANAGEMENT,
    ("GET", "cpar.submission"): MANAGEMENT,
    ("POST", "cpar.submission"): CHANGES_PANELS,  # to the list of those found
    ("GET", "cpar.print_submission"): MANAGEMENT,
    ("GET", "cpar.export_submission"): MANAGEMENT,
    ("GET", "cpar.submission_file"): (303, 403, 403, 403, 403, 200, 403),  # who may see all patients in it
    ("GET", "cpar.overview"): MANAGEMENT,
    ("GET", "cpar.panel_overview"): MANAGEMENT,
    ("GET", "cpar.panel_funnel"): MANAGEMENT,
    ("GET", "cpar.export_panel_funnel"): MANAGEMENT,
    ("GET", "cpar.panel_floor"): MANAGEMENT,
    ("POST", "cpar.panel_floor"): CHANGES_PANELS,
    ("GET", "cpar.payment_settings"): MANAGEMENT,
    ("POST", "cpar.payment_settings"): CHANGES_PANELS,
    ("GET", "cpar.funnel"): MANAGEMENT,
    ("GET", "cpar.export_funnel"): MANAGEMENT,
    ("GET", "cpar.rates"): MANAGEMENT,
    ("GET", "cpar.export_rates"): MANAGEMENT,
    ("GET", "cpar.check_in"): SIGNED_IN,
    ("GET", "cpar.check_in_slips"): SIGNED_IN,
    ("GET", "cpar.check_in_wording"): MANAGEMENT,
    ("POST", "cpar.check_in_wording"): CHANGES_PANELS,
    ("GET", "cpar.check_in_mark"): OF_THE_PATIENT,
    ("POST", "cpar.answer_check_in"): (303, 403, 303, 303, 403, 303, 403),
    ("GET", "cpar.patient_history"): OF_THE_PATIENT,
    ("GET", "cpar.export_patient_history"): OF_THE_PATIENT,
    ("GET", "cpar.panel_history"): MANAGEMENT,
    ("GET", "cpar.export_panel_history"): MANAGEMENT,
    ("GET", "cpar.exclusions"): MANAGEMENT,
    ("GET", "cpar.exclusion_history"): (303, 403, 403, 403, 403, 200, 403),  # who may see the patient too
    ("POST", "cpar.undo_exclusions"): (303, 403, 403, 403, 404, 404, 404),  # nothing was changed
    ("GET", "cpar.print_exclusions"): MANAGEMENT,
    ("GET", "cpar.export_exclusions"): MANAGEMENT,
    ("POST", "cpar.change_exclusions"): (303, 403, 403, 403, 409, 303, 409),  # who may see the patient too
    ("GET", "cpar.looks_at_patients"): ADMINISTRATION,
    ("GET", "cpar.export_looks"): ADMINISTRATION,
    ("GET", "cpar.looks_at_patient"): ADMINISTRATION_OF_THE_PATIENT,
    ("GET", "cpar.export_looks_at_patient"): ADMINISTRATION_OF_THE_PATIENT,
    ("GET", "cpar.clients"): ADMINISTRATION,
    ("GET", "cpar.new_client"): ADMINISTRATION,
    ("POST", "cpar.new_client"): CHANGES_ROLES,
    ("GET", "cpar.edit_client"): ADMINISTRATION,
    ("POST", "cpar.edit_client"): CHANGES_ROLES,
    ("GET", "cpar.revoke_client"): ADMINISTRATION,
    ("POST", "cpar.revoke_client"): CHANGES_ROLES,
    ("GET", "cpar.turn_off_subscription"): ADMINISTRATION,
    ("POST", "cpar.turn_off_subscription"): CHANGES_ROLES,
}


# Addresses that show patients to those who may open them: whoever sees one leaves a record.
SHOW = {
    ("GET", "master_record"),
    ("GET", "details"),
    ("GET", "edit_record"),
    ("GET", "cpar.patient_panel"),
    ("GET", "cpar.patient_history"),
    ("GET", "cpar.panel"),
    ("GET", "cpar.print_panel"),
    ("GET", "cpar.export_panel"),
    ("GET", "cpar.rehearsal"),
    ("GET", "cpar.print_rehearsal"),
    ("GET", "cpar.export_rehearsal"),
    ("GET", "cpar.other_panel"),
    ("POST", "cpar.selected_others"),  # the same page, which says what to select
    ("GET", "cpar.print_other_panel"),
    ("GET", "cpar.export_other_panel"),
    ("GET", "cpar.coverage"),
    ("GET", "cpar.print_coverage"),
    ("GET", "cpar.export_coverage"),
    ("GET", "cpar.panel_coverage"),
    ("GET", "cpar.print_panel_coverage"),
    ("GET", "cpar.export_panel_coverage"),
    ("GET", "cpar.panel_history"),
    ("GET", "cpar.departure_patients"),
    ("GET", "cpar.departure_letters"),
    ("GET", "cpar.departure_not_moved"),
    ("GET", "cpar.export_panel_history"),
    ("GET", "cpar.attachment"),
    ("GET", "cpar.print_attachment"),
    ("GET", "cpar.export_attachment"),
    ("GET", "cpar.check_in"),
    ("GET", "cpar.check_in_slips"),
    ("GET", "cpar.check_in_mark"),
    ("GET", "cpar.report"),
    ("GET", "cpar.report_heaps"),
    ("GET", "cpar.print_report_heaps"),
    ("GET", "cpar.export_report_heaps"),
    ("GET", "cpar.report_conflict"),
    ("GET", "cpar.report_lines"),
    ("GET", "cpar.print_report_lines"),
    ("GET", "cpar.export_report_lines"),
    ("GET", "cpar.report_line"),
    ("GET", "cpar.exclusions"),
    ("GET", "cpar.exclusion_history"),
    ("GET", "cpar.print_exclusions"),
    ("GET", "cpar.export_exclusions"),
    ("GET", "cpar.looks_at_patients"),
    ("GET", "cpar.looks_at_patient"),
    ("GET", "cpar.submission"),
    ("GET", "cpar.print_submission"),
    ("GET", "cpar.export_submission"),
    ("GET", "cpar.submission_file"),
}
# Only in the answer to somebody who was refused what they asked for.
SHOW_WITH_A_REFUSAL = {("POST", "cpar.change_exclusions")}
# What is part of a page of the EMR that records by itself that the patient's record was opened.
IN_THE_RECORD = {("GET", "cpar.widget")}


def _addresses(app: Flask) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("cpar_fhir."):
            continue  # programs are another matter: tests/fhirapi
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield method, rule.endpoint


def test_every_address_has_an_expectation(app: Flask) -> None:
    assert set(_addresses(app)) == set(EXPECTED)


@pytest.mark.parametrize("person", PEOPLE)
def test_every_address_answers_each_person_as_expected(
    app: Flask,
    host: OscarHost,
    oscar: Any,
    request: pytest.FixtureRequest,
    make_panel: Callable[..., int],
    person: str,
) -> None:
    who = request.getfixturevalue(person)
    adapter = app.url_map.bind("")
    names, showing = name_apart(oscar), set()
    answered, redirected = {}, {}
    role_no = _new_role(host, "Walked")
    looked_at = _arrange(host, oscar, make_panel, len(EXPECTED))
    looked_at |= {"submission_id": _sent(host, looked_at["panel_id"]), "role_no": role_no}
    to_change: dict[str, Any] = {}
    role = ""
    for number, (method, endpoint) in enumerate(EXPECTED):
        parts = looked_at
        if method == "POST" and not to_change:
            role = f"Role {number}"
            to_change = _arrange(host, oscar, make_panel, number) | {"role_no": _new_role(host, role)}
        if method == "POST":
            parts = to_change
        fields = _fields(endpoint, parts["patient_id"], parts["panel_id"], parts["other_panel_id"], role)
        if endpoint in ("cpar.choose_other", "cpar.sign_other", "cpar.leave_other"):
            seen = {"kind": "affiliation", "seen_other_id": parts["other_id"]}
            fields = {"other_id": parts["other_id"], "signed_on": "2026-04-01", **seen}
        if endpoint == "cpar.change_exclusions":
            fields = {"action": "take", "selected": f"{parts['excluded_id']}-no-phn-1"}
        rule = next(app.url_map.iter_rules(endpoint))
        parts = parts | {"filename": "cpar.css" if endpoint == "cpar.static" else "emr.css"}
        address = adapter.build(endpoint, {name: parts[name] for name in rule.arguments}, method=method)
        before = Since.now(host)
        with who.get(address) if method == "GET" else who.post(address, **fields) as answer:
            seen = shown(answer.get_data(), names)
            answered[method, endpoint] = answer.status_code
            redirected[method, endpoint] = answer.location or ""
        if seen:
            showing.add((method, endpoint))
        assert (method, endpoint) in IN_THE_RECORD or seen <= before.recorded(endpoint), endpoint
        is_refused = answer.status_code in (403, 404, 409, 422) or redirected[method, endpoint].startswith("/sign-in")
        if method == "POST" and not is_refused:
            to_change = {}
        if endpoint == "sign_out" and person != "nobody":
            who.sign_in()
    place = PEOPLE.index(person)
    assert answered == {address: statuses[place] for address, statuses in EXPECTED.items()}
    assert showing <= SHOW | SHOW_WITH_A_REFUSAL
    assert person != "manager" or showing == SHOW
    if person == "nobody":
        assert all(to.startswith("/sign-in") for address, to in redirected.items() if EXPECTED[address][place] == 303)


def _arrange(host: OscarHost, oscar: Any, make_panel: Callable[..., int], number: int) -> dict[str, Any]:
    """What an address may be about: two panels, a patient who was assigned to the first, and so on."""
    panel, other_panel = make_panel(f"A{number}"), make_panel(f"B{number}")
    patient = oscar.patient(hin=str(200_000_000 + number))
    oscar.visit(patient)
    oscar.visit(patient, NOW.date(), "16:00", "t")
    oscar.privilege(BARRED, f"_demographic${patient}", "o")
    assigned = bulk.carry_out(host, host.identity.system, bulk.Assign("101", "AC", panel))
    # Of no MRP, so that no other order is about this one.
    patient_of_other = oscar.patient(provider_no="")
    one_patient.choose(host, host.identity.system, patient_of_other, other_panel, seen_panel_id=None)
    ended = NOW.date() - timedelta(days=10)
    stays = oscar.patient(provider_no="", hin=str(300_000_000 + number), hc_renew_date=ended)
    one_patient.choose(host, host.identity.system, stays, panel, seen_panel_id=None)
    goes = oscar.patient(provider_no="")
    one_patient.choose(host, host.identity.system, goes, panel, seen_panel_id=None)
    oscar.visit(oscar.patient(provider_no=""), f"{NOW:%Y-%m-%d}", "23:00", "t")  # today, and on no panel
    excluded = oscar.patient(hin="", provider_no="")
    oscar.privilege(BARRED, f"_demographic${excluded}", "o")
    one_patient.choose(host, host.identity.system, excluded, other_panel, seen_panel_id=None)
    line = {"patient_id": excluded, "panel_id": other_panel, "reason": "no-phn", "opened_at": host.clock.now()}
    with host.database.writing() as connection:
        connection.execute(insert(exclusion_line).values(**line, state="open", note="", version=1))
    affiliation = an_affiliation(host, f"A{number}", patient)
    return {
        "report_id": a_report(host, patient, number + 1),
        "list_id": a_registry_list(host, patient, number + 1),
        "line_id": a_report(host, patient, -1 - number, accepted=True),
        "letter_id": a_letter(host, patient),
        "departure_id": a_departure(host, [patient, goes], panel, other_panel),
        "patient_id": patient,
        "panel_id": panel,
        "other_panel_id": other_panel,
        "other_id": affiliation,
        "other_operation_id": emptied_and_filled(host, affiliation),
        "excluded_id": excluded,
        "operation_id": assigned.operation_id,
        "submission_id": requests.ask(host, load(host.settings), host.identity.system, other_panel),
        "client_no": a_client(host, f"Client {number}"),
        "subscription_no": a_subscription(host),
    }


def _fields(endpoint: str, patient: int, panel: int, other_panel: int, role: str) -> dict[str, Any]:
    """What the form of an address sends when all is well."""
    checked = {"answer": f"{patient} gender-unknown {fingerprint(Caution.GENDER_UNKNOWN, ['F'])}"}
    fields: dict[str, dict[str, Any]] = {
        "cpar.answer_caution": checked,
        "cpar.answer_of_member": checked,
        "cpar.keep_member": {"patient_id": patient},
        "search": {"search_text": "ex"},
        "edit_record": {"last_name": "Example", "mark": "2026-11-10T10:00:00"},
        "new_role": {"name": f"New {role}", "permissions": "_demographic"},
        "edit_role": {"mark": _mark(role)},
        "delete_role": {"mark": _mark(role)},
        "assign_role": {"provider_id": NO_RIGHTS, "role": "Walked", "step": "add"},
        "cpar.check_in_wording": {"question": f"Is it still {panel}?", "question_not_paneled": "Who?"}
        | {"question_conflict": "Which?", "version": "5"},
        "cpar.answer_check_in": {"answer": "asked", "day": f"{NOW:%Y-%m-%d}", "seen_panel_id": panel},
        "cpar.choose_panel": {"panel_id": other_panel, "seen_panel_id": panel},
        "cpar.confirm_panel": {"seen_panel_id": panel},
        "cpar.leave_panel": {"seen_panel_id": panel},
        "cpar.selected_members": {"action": "confirm", "selected": patient},
        "cpar.new_panel": {"number": "1", "facilities": "1", "providers": "201", "practitioner_ids": "3" * 9},
        "cpar.new_panels": {
            "facilities": "113",
            "provider": "302",
            "number": f"N {role}",
            "practitioner_id": "4" * 9,
        },
        "cpar.fill_panels": {"panel": panel},
        "cpar.choose_attached": {"all": "yes", "action": "mrp"},
        "cpar.edit_panel": {"number": "2", "facilities": "1", "providers": "101", "version": "1"},
        "cpar.delete_panel": {"version": "1"},
        "cpar.new_other_panel": {"kind": "caseload", "name": f"New {role}"},
        "cpar.edit_other_panel": {"kind": "affiliation", "name": f"Other {role}", "version": "1"},
        "cpar.delete_other_panel": {"version": "1"},
        "cpar.other_bulk": {"action": "remove", "from_id": "1", "status": "AC"},
        "cpar.departure": {"version": "1", "step": "registry", "done": "letters"},
        "cpar.settings": {"name": "X", "site_id": "Y", "version": "2"},
        "cpar.new_client": {"name": f"New {role}", "scopes": "system/*.rs", "jwks": PUBLIC_KEYS},
        "cpar.edit_client": {"name": f"Other {role}", "scopes": "system/Group.rs", "jwks": PUBLIC_KEYS, "version": "1"},
        "cpar.import_review": {"step": "accept-all", "upload_id": "0" * 32},
        "cpar.metrics": {
            "month": f"{NOW:%Y-%m}",
            "seen": "0",
            "received": "5",
            "as_of": f"{NOW:%Y-%m-%d}",
            "step": "save",
        },
        "cpar.report": {"step": "accept-all"},
        "cpar.remove_report": {"worked_on": "0"},
        "cpar.letter_settings": {
            "letterhead": f"{panel}",
            "text": f"Dear {panel}",
            "letter_text": f"Dear {panel}",
            "version": "3",
        },
        "cpar.panel_floor": {"kind": "pcpcm", "version": "1"},
        "cpar.payment_settings": {"amount": "1", "label": f"{panel}", "as_of": "2026-01-01", "version": "4"},
        "cpar.report_conflict": {"action": "ask", "version": "1"},
        "cpar.change_report_lines": {"action": "take", "selected": "1-1"},
        "cpar.undo_report_lines": {"operation": "1"},
        "cpar.undo_exclusions": {"operation": "1"},
        "cpar.bulk": {"kind": "remove", "from_panel_id": panel, "status": "AC"},
    }
    return fields.get(endpoint, {})


def a_client(host: OscarHost, name: str) -> int:
    draft = ClientDraft(name=name, scopes="system/*.rs", jwks=PUBLIC_KEYS)
    return registry.number_of(registry.register(host, host.identity.system, draft)) or 0


def _new_role(host: OscarHost, name: str) -> int:
    with host.database.writing() as connection:
        made = connection.execute(insert(host.tables.role).values(role_name=name, description="")).inserted_primary_key
    assert made
    return int(made[0])


def _mark(name: str) -> str:
    """What the form of an empty role sends back."""
    return Role(role_no=0, name=name, description="", rights=(), others=0, holders=0).mark


def _sent(host: OscarHost, panel_id: int) -> int:
    """A submission of the panel as it is now."""
    now = host.clock.now()
    taken = build.take(host, load(host.settings), panel_id, now=now)
    assert taken.sent
    row = {"panel_id": panel_id, "requested_at": now, "requested_by": "-1", "due_on": now.date(), "state": "delivered"}
    with host.database.writing() as connection:
        made = connection.execute(
            insert(submission).values(**row, snapshot_id=taken.snapshot_id, finished_at=now)
        ).inserted_primary_key
    assert made
    return int(made[0])


def test_a_refusal_says_who_to_ask(app: Flask, reception: Any) -> None:
    page = reception.get("/cpar/panels").get_data(as_text=True)
    assert "CONFIGURE_CPAR_PANEL_CREATE" in page
    assert "administrator" in page


def test_a_form_without_its_token_changes_nothing(host: OscarHost, oscar: Any, manager: Any, panel: int) -> None:
    patient = oscar.patient()
    answer = manager.post(f"/cpar/patients/{patient}/choose", token=False, panel_id=panel, seen_panel_id="")
    assert answer.status_code == 400
    answer = manager.post(f"/cpar/panels/{panel}/delete", token=False, version="1")
    assert answer.status_code == 400
    assert "0042" in manager.get("/cpar/panels").get_data(as_text=True)


def test_no_form_is_carried_out_as_someone_who_has_signed_in_since_it_was_opened(
    app: Flask, host: OscarHost, oscar: Any, manager: Any, barred: Any, panel: int
) -> None:
    parts = {"patient_id": oscar.patient(), "panel_id": panel, "role_no": _new_role(host, "Kept")}
    opened = re.search(r'name="csrf_token" value="([^"]+)"', manager.get("/cpar/settings").get_data(as_text=True))
    assert opened
    before = _all_rows(host)
    barred.client = manager.client  # one browser
    barred.sign_in()
    for endpoint in (endpoint for method, endpoint in EXPECTED if method == "POST"):
        rule = next(app.url_map.iter_rules(endpoint))
        arguments = {name: parts.get(name, 1) for name in rule.arguments}
        address = app.url_map.bind("").build(endpoint, arguments, method="POST")
        fields = {**_fields(endpoint, parts["patient_id"], panel, panel, "Kept"), "csrf_token": opened[1]}
        page = barred.client.post(address, data=fields)
        assert page.status_code == 409, address
        assert "<h1>You are now signed in as Petty, Ada</h1>" in page.get_data(as_text=True)
        in_place = barred.client.post(address, data=fields, headers={"HX-Request": "true"})
        assert (in_place.status_code, in_place.headers["HX-Reswap"]) == (409, "afterbegin")
        assert in_place.get_data(as_text=True).startswith('<p class="cpar-errors" role="alert"')
        assert "You are now signed in as Petty, Ada." in in_place.get_data(as_text=True)
    assert _all_rows(host) == before
    assert barred.post(f"/cpar/panels/{panel}/delete", version="1").status_code == 303


def _all_rows(host: OscarHost) -> dict[str, list[Any]]:
    tables = (*metadata.sorted_tables, host.tables.role, host.tables.user_role, host.tables.object_privilege)
    with host.database.engine.connect() as connection:
        return {table.name: list(connection.execute(table.select()).all()) for table in tables}


def test_the_plugin_checks_its_forms_also_in_a_host_that_does_not(
    app: Flask, host: OscarHost, oscar: Any, manager: Any, panel: int
) -> None:
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    answer = manager.post(f"/cpar/panels/{panel}/delete", token=False, version="1")
    assert answer.status_code == 400
    assert "This form has expired" in answer.get_data(as_text=True)


def test_after_signing_in_one_returns_to_the_requested_page(app: Flask, nobody: Any, panel: int) -> None:
    assert nobody.get("/cpar/panels").location == "/sign-in?next=%2Fcpar%2Fpanels"
    assert nobody.post(f"/cpar/panels/{panel}/submit").location == "/sign-in?next=%2Fcpar%2Fpanels"
    assert nobody.post("/cpar/patients/7/choose").location == "/sign-in?next=%2Fpatients%2F7"


def test_every_answer_forbids_foreign_content(app: Flask, nobody: Any, manager: Any) -> None:
    for answer in (nobody.get("/sign-in"), manager.get("/cpar/panels"), manager.get("/nowhere")):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
