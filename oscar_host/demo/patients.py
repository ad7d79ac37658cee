"""Patient search, and one patient in both views of the embedded EMR: Master Record and Details."""

from datetime import date
from http import HTTPStatus

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, Connection, Row, and_, false, func, literal, select

from cpar_plugin.domain.names import full_name
from cpar_plugin.domain.texts import without_separators
from cpar_plugin.hooks import Actor, AuditEvent, PatientNote
from cpar_plugin.host_kit.clock import today
from cpar_plugin.host_kit.sql import may_be_stored
from cpar_plugin.services.operations.kept import Expired
from cpar_plugin.web import searches

from ..host import OscarHost
from .frame import emr, page
from .record_changes import GONE
from .record_page import HIDDEN

_AT_ONCE = 25
_LAST_PAGE = 1000


def search(actor: Actor) -> ResponseReturnValue:
    """Search by name, PHN or number. The search text is posted, so that it is in no address and no log."""
    host = emr().host
    if request.method == "POST":
        token = searches.keep(host, actor, request.form.get("search_text", ""))
        if not token:
            return _search_page(actor, "", [], 0, "Enter a name, a PHN or a record number.")
        return redirect(url_for("search", search=token), HTTPStatus.SEE_OTHER)
    try:
        search_text = searches.text_of(host, actor, request.args.get(searches.PARAMETER, ""))
    except Expired:
        return page(searches.EXPIRED, "message.html", HTTPStatus.GONE, message=searches.SEARCH_AGAIN, home=True)
    number, rows = _page_number(request.args.get("page", "0")), []
    if search_text:
        with host.database.engine.connect() as connection:
            rows = _matching_rows(connection, host, actor, search_text, number)
    return _search_page(actor, search_text, rows, number)


def _page_number(text: str) -> int:
    return min(int(text), _LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _search_page(
    actor: Actor, search_text: str, rows: list[Row[tuple[object, ...]]], number: int, message: str = ""
) -> ResponseReturnValue:
    return page(
        "Patient search",
        "search.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if message else HTTPStatus.OK,
        search_text=search_text,
        token=request.args.get(searches.PARAMETER, ""),
        patients=rows[:_AT_ONCE],
        notes=_notes(actor, [row.patient_id for row in rows[:_AT_ONCE]]),
        full_name=full_name,
        more=len(rows) > _AT_ONCE,
        number=number,
        labels=emr().host.roster.status_labels,
        message=message,
    )


def _notes(actor: Actor, patient_ids: list[int]) -> dict[str, dict[int, PatientNote]]:
    """What the plugins say of these patients, by the title of its column."""
    notes: dict[str, dict[int, PatientNote]] = {}
    for note in emr().plugins.emr_patient_notes(emr().host, actor, patient_ids) if patient_ids else ():
        notes.setdefault(note.title, {})[note.patient_id] = note
    return notes


def _matching_rows(
    connection: Connection, host: OscarHost, actor: Actor, search_text: str, number: int
) -> list[Row[tuple[object, ...]]]:
    patient, record, mrp = host.roster.patients(), host.tables.demographic, host.roster.providers()
    query = (
        select(patient, mrp.c.family_name.label("mrp_family_name"), mrp.c.given_name.label("mrp_given_name"))
        .outerjoin_from(patient, mrp, mrp.c.provider_id == patient.c.mrp_id)
        .where(patient.c.patient_id.in_(select(record.c.demographic_no).where(_matches(host, search_text))))
        .where(host.identity.visible(actor, patient.c.patient_id))
        .order_by(func.lower(patient.c.family_name), func.lower(patient.c.given_name), patient.c.patient_id)
        .limit(_AT_ONCE + 1)
        .offset(number * _AT_ONCE)
    )
    return list(connection.execute(query))


def _matches(host: OscarHost, search_text: str) -> ColumnElement[bool]:
    record = host.tables.demographic
    if not may_be_stored(search_text):
        return false()
    digits = without_separators(search_text)
    if digits.isascii() and digits.isdigit():
        number = int(digits) if len(digits) < 10 else 0
        by_number = host.roster.with_phn(literal(digits))
        return record.c.demographic_no.in_(by_number) | (record.c.demographic_no == literal(number))
    family, _, given_name = (part.strip() for part in search_text.partition(","))
    return and_(
        record.c.last_name.startswith(family, autoescape=True),
        record.c.first_name.startswith(given_name, autoescape=True),
    )


def master_record(actor: Actor, patient_id: int) -> ResponseReturnValue:
    """One patient in the Classic view, with the boxes of the plugins at the top right."""
    return _patient(actor, patient_id, "Master Record", "master_record.html")


def details(actor: Actor, patient_id: int) -> ResponseReturnValue:
    """The same patient as a newer EMR shows it."""
    return _patient(actor, patient_id, "Details", "details.html")


def _patient(actor: Actor, patient_id: int, title: str, template: str) -> ResponseReturnValue:
    host = emr().host
    if not host.identity.may_see(actor, patient_id):
        return page("No access to this patient", "message.html", HTTPStatus.FORBIDDEN, message=HIDDEN, home=True)
    with host.database.engine.connect() as connection:
        record = _record(connection, host, patient_id)
    if record is None:
        return page("Patient not found", "message.html", HTTPStatus.NOT_FOUND, message=GONE, home=True)
    with host.database.session() as session:
        event = AuditEvent(actor=actor, action="read", noun="demographic", key=str(patient_id), patient_id=patient_id)
        host.audit.record(session, event)
    return page(
        title,
        template,
        patient=record,
        name=full_name(record.family_name, record.given_name, capitals=True) or "(no name)",
        mrp=full_name(record.mrp_family_name, record.mrp_given_name),
        age=_age(record.birth_date, today(host.clock)),
        labels=host.roster.status_labels,
        may_edit=host.identity.may_change_records(actor),
        widgets=emr().plugins.emr_demographic_widgets(host, actor, patient_id),
    )


def _record(connection: Connection, host: OscarHost, patient_id: int) -> Row[tuple[object, ...]] | None:
    patient, provider, visit = host.roster.patients(), host.roster.providers(), host.tables.appointment
    now = host.clock.now()
    next_appointment = (
        select(visit.c.appointment_date)
        .where(visit.c.demographic_no == patient.c.patient_id, visit.c.appointment_date > today(host.clock))
        .order_by(visit.c.appointment_date)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(
            patient,
            provider.c.family_name.label("mrp_family_name"),
            provider.c.given_name.label("mrp_given_name"),
            host.roster.last_visit_on(patient.c.patient_id, now).label("last_visit"),
            next_appointment.label("next_appointment"),
        )
        .join_from(patient, provider, provider.c.provider_id == patient.c.mrp_id, isouter=True)
        .where(patient.c.patient_id == patient_id)
    )
    return connection.execute(query).one_or_none()


def _age(birth_date: str | None, today: date) -> str:
    try:
        born = date.fromisoformat(birth_date or "")
    except ValueError:
        return ""
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return f"{years} years" if years >= 0 else ""
