"""The page on which a patient's record is corrected: what exclusions from a submission are about."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from cpar_plugin.domain.dates import date_text, time_text
from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.hooks import Actor, AuditEvent
from cpar_plugin.web.interrupted import check_entries, shows_entries

from . import record_changes
from .administration import status_of
from .frame import emr, page
from .record_changes import DAYS, FIELDS, EditedRecord

HIDDEN = "You do not have access to this patient's record. Ask an EMR administrator if you need it."
_READ_ONLY = "Your roles let you read this record, but not change it. Ask an EMR administrator."
_SEXES = {"": "", "F": "Female", "M": "Male", "X": "Other", "U": "Undefined"}
_HC_TYPES = ("", "AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT", "OT")
APPOINTMENT_STATUSES: Mapping[str, str] = {
    "t": "To Do",
    "H": "Here",
    "P": "Picked",
    "E": "Empty Room",
    "B": "Billed",
    "N": "No Show",
    "C": "Cancelled",
}
_APPOINTMENT = "appointment-"
_PLACES = 10  # digits of an appointment's number


@shows_entries
def edit_record(actor: Actor, patient_id: int) -> ResponseReturnValue:
    """The form, and what becomes of it."""
    host = emr().host
    if not host.identity.may_see(actor, patient_id):
        return page("No access to this patient", "message.html", HTTPStatus.FORBIDDEN, message=HIDDEN, home=True)
    if not host.identity.may_change_records(actor):
        return page("No access to this page", "message.html", HTTPStatus.FORBIDDEN, message=_READ_ONLY, home=True)
    try:
        if request.method == "GET":
            return _form(actor, patient_id)
        values = {name: request.form.get(name, "").strip() for name in (*FIELDS, *DAYS, "birth_date")}
        statuses = {int(name): status for name, status in _appointments().items()}
        try:
            check_entries()
            record_changes.save(host, actor, patient_id, values, statuses, request.form.get("mark", ""))
        except NotFound:
            raise
        except Refused as refused:
            return _form(actor, patient_id, refused, values, statuses)
    except NotFound as gone:
        return page("Patient not found", "message.html", HTTPStatus.NOT_FOUND, message=str(gone), home=True)
    return redirect(url_for("master_record", patient_id=patient_id), HTTPStatus.SEE_OTHER)


def _appointments() -> dict[str, str]:
    """The statuses that were sent, by the appointment's number as it was sent."""
    sent = {
        name.removeprefix(_APPOINTMENT): text for name, text in request.form.items() if name.startswith(_APPOINTMENT)
    }
    return {name: text for name, text in sent.items() if name.isascii() and name.isdigit() and len(name) <= _PLACES}


def _form(
    actor: Actor,
    patient_id: int,
    refused: Refused | None = None,
    typed: Mapping[str, str] | None = None,
    statuses: Mapping[int, str] = MappingProxyType({}),
) -> ResponseReturnValue:
    host = emr().host
    with host.database.session() as session:
        record = record_changes.read(session.connection(), host, patient_id)
        providers = record_changes.provider_names(session.connection(), host)
        event = AuditEvent(actor=actor, action="read", noun="demographic", key=str(patient_id), patient_id=patient_id)
        host.audit.record(session, event)
    values = typed or record.values
    return page(
        "Edit Record",
        "edit_record.html",
        status_of(refused) if refused else HTTPStatus.OK,
        patient_id=patient_id,
        fields=FIELDS,
        days=DAYS,
        values=values,
        choices={
            "sex": _with(_SEXES, values["sex"]),
            "hc_type": _with({code: code for code in _HC_TYPES}, values["hc_type"]),
            "patient_status": _with({"": ""} | dict(host.roster.status_labels), values["patient_status"]),
            "provider_no": _with({"": ""} | providers, values["provider_no"]),
        },
        appointments=_rows(record, statuses),
        mark=record.mark if refused is None or isinstance(refused, Stale) else request.form.get("mark", ""),
        messages=refused.messages if refused else {},
    )


def _rows(record: EditedRecord, typed: Mapping[int, str]) -> Sequence[tuple[int, str, str, list[tuple[str, str]]]]:
    """Number, moment and status of each appointment, and the statuses to choose from."""
    return [
        (
            row.appointment_no,
            ", ".join([date_text(row.appointment_date), *([time_text(row.start_time)] if row.start_time else [])]),
            status := typed.get(row.appointment_no, row.status or ""),
            _with(APPOINTMENT_STATUSES, status),
        )
        for row in record.appointments
    ]


def _with(choices: Mapping[str, str], value: str) -> list[tuple[str, str]]:
    """The choices, with the current value where it is none of them."""
    return [*choices.items(), *([] if value in choices else [(value, value)])]
