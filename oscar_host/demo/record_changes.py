"""What people change in a patient's record and appointments: OSCAR's own tables, with its log."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.orm import Session

from cpar_plugin.domain.names import full_name
from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.hooks import Actor, AuditEvent
from cpar_plugin.host_kit.clock import today
from cpar_plugin.host_kit.sql import may_be_stored

from ..host import OscarHost
from ..roster import day_entered

GONE: Final = "Patient not found, or the record was merged into another. Search by name."
_CHANGED: Final = "Someone else changed this record in the meantime. Review it, then enter your change again."
_AT_ONCE: Final = 20
_ZERO_DATE: Final = "0000-00-00"
_BIRTH_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


@dataclass(frozen=True, slots=True)
class RecordField:
    """A field of the form: its column, what the EMR calls it, and how long a text it takes."""

    column: str
    label: str
    length: int


FIELDS: Final = {
    "last_name": RecordField("last_name", "Last Name", 30),
    "first_name": RecordField("first_name", "First Name", 30),
    "sex": RecordField("sex", "Sex", 1),
    "hin": RecordField("hin", "Health Ins. #", 20),
    "hc_type": RecordField("hc_type", "HC Type", 20),
    "patient_status": RecordField("patient_status", "Patient Status", 20),
    "provider_no": RecordField("provider_no", "MRP", 6),
}

DAYS: Final = {"eff_date": "Health Card Effective Date", "hc_renew_date": "Health Card Renew Date"}


@dataclass(frozen=True, slots=True)
class EditedRecord:
    """A record as its form shows it. `mark` says when it was last changed."""

    values: Mapping[str, str]  # of FIELDS, DAYS and birth_date, '' for none
    appointments: Sequence[
        Row[*tuple[Any, ...]]
    ]  # appointment_no, appointment_date, start_time, status: the latest first
    mark: str


def read(connection: Connection, host: OscarHost, patient_id: int) -> EditedRecord:
    """The record with its latest appointments. Raises NotFound for one that is gone or merged away."""
    record, visit = host.tables.demographic, host.tables.appointment
    patient = host.roster.patients()
    known = select(patient.c.patient_id).where(patient.c.patient_id == patient_id)
    columns = [record.c[field.column] for field in FIELDS.values()]
    born = [record.c.year_of_birth, record.c.month_of_birth, record.c.date_of_birth]
    days = [day_entered(record.c[name]).label(name) for name in DAYS]
    query = select(*columns, *days, *born, record.c.lastUpdateDate).where(record.c.demographic_no.in_(known))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(GONE)
    parts = [row.year_of_birth, row.month_of_birth, row.date_of_birth]
    values = {name: row._mapping[field.column] or "" for name, field in FIELDS.items()}
    values |= {name: (row._mapping[name] or "").replace(_ZERO_DATE, "") for name in DAYS}
    appointments = (
        select(visit.c.appointment_no, visit.c.appointment_date, visit.c.start_time, visit.c.status)
        .where(visit.c.demographic_no == patient_id)
        .order_by(visit.c.appointment_date.desc(), visit.c.start_time.desc(), visit.c.appointment_no.desc())
        .limit(_AT_ONCE)
    )
    return EditedRecord(
        values | {"birth_date": "-".join(filter(None, parts))},
        connection.execute(appointments).all(),
        row.lastUpdateDate.isoformat(),
    )


def provider_names(connection: Connection, host: OscarHost) -> dict[str, str]:
    """The active providers by name: who can be a patient's MRP."""
    provider = host.roster.providers()
    active = select(provider).where(provider.c.active, provider.c.provider_id != host.identity.system.actor_id)
    names = {
        row.provider_id: full_name(row.family_name, row.given_name) or row.provider_id
        for row in connection.execute(active)
    }
    return dict(sorted(names.items(), key=lambda item: item[1].casefold()))


def save(
    host: OscarHost,
    actor: Actor,
    patient_id: int,
    values: Mapping[str, str],
    statuses: Mapping[int, str],
    mark: str,
) -> None:
    """Write what differs, in one transaction. `values` are those of EditedRecord, `statuses` by appointment_no.

    Raises Refused with a message for each field, NotFound, and Stale when the record is no longer as `mark` says.
    """
    with host.database.session() as session:
        before = read(session.connection(), host, patient_id)
        changed = {name: text for name, text in values.items() if text != before.values[name]}
        columns = _columns(changed)
        if before.mark != mark:
            raise Stale(_CHANGED)
        now = host.clock.now().astimezone(host.clock.zone).replace(tzinfo=None, microsecond=0)
        if columns:
            if "patient_status" in columns:
                columns["patient_status_date"] = today(host.clock)
            record = host.tables.demographic
            columns |= {"lastUpdateUser": actor.actor_id[:6], "lastUpdateDate": now}
            session.execute(update(record).where(record.c.demographic_no == patient_id).values(columns))
            _audit(session, host, actor, "demographic", patient_id, patient_id, ", ".join(sorted(changed)))
        for row in before.appointments:
            status = statuses.get(row.appointment_no, row.status or "")
            if status != (row.status or ""):
                _set_status(session, host, row.appointment_no, status, now)
                _audit(session, host, actor, "appointment", row.appointment_no, patient_id, "status")


def _columns(changed: Mapping[str, str]) -> dict[str, Any]:
    messages = {}
    for name, text in changed.items():
        field = FIELDS.get(name)
        if field and len(text) > field.length:
            messages[name] = f"{field.label}: at most {field.length} characters."
        elif not (may_be_stored(text) and text.isprintable()):
            messages[name] = "Use letters, digits and ordinary symbols: OSCAR cannot store others."
    columns: dict[str, Any] = {FIELDS[name].column: text for name, text in changed.items() if name in FIELDS}
    for name in DAYS.keys() & changed.keys() - messages.keys():
        if _parts(changed[name]) is None:
            messages[name] = f"Enter the {DAYS[name]} as YYYY-MM-DD: a day of the calendar."
        else:
            columns[name] = date.fromisoformat(changed[name]) if changed[name] else None
    if "birth_date" in changed and "birth_date" not in messages:
        parts = _parts(changed["birth_date"])
        if parts is None:
            messages["birth_date"] = "Enter the date of birth as YYYY-MM-DD: a day of the calendar."
        else:
            columns |= dict(zip(("year_of_birth", "month_of_birth", "date_of_birth"), parts, strict=True))
    if messages:
        raise Refused(messages)
    return columns


def _parts(text: str) -> Sequence[str] | None:
    """OSCAR's three strings, empty for no date; None for what is no date."""
    if not text:
        return ("", "", "")
    parts = _BIRTH_DATE.fullmatch(text)
    try:
        date.fromisoformat(text)
    except ValueError:
        return None
    return parts.groups() if parts else None


def _set_status(session: Session, host: OscarHost, appointment_no: int, status: str, now: datetime) -> None:
    visit = host.tables.appointment
    if len(status) > 2 or not status.isascii():
        raise Refused({"appointments": "Select the status of the appointment from the list."})
    one = update(visit).where(visit.c.appointment_no == appointment_no)
    session.execute(one.values(status=status, updatedatetime=now))


def _audit(session: Session, host: OscarHost, actor: Actor, noun: str, key: int, patient_id: int, detail: str) -> None:
    event = AuditEvent(
        actor=actor, action="update", noun=noun, key=str(key), patient_id=patient_id, detail=f"changed: {detail}"
    )
    host.audit.record(session, event)
