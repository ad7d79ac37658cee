"""Take in a report: what was uploaded becomes its file and its rows, with who was found for them, or nothing does."""

from hashlib import sha256

from sqlalchemy import Connection, Update, delete, exists, false, func, insert, literal, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ...domain.dates import moment_text
from ...domain.list_columns import ColumnField, Purpose
from ...domain.refusals import Refused
from ...domain.reports import ReportKind, day_of_report
from ...hooks import Actor, Host
from ...store.json_text import text_of
from ...store.tables import panel, report, report_piece, report_row, upload, upload_piece
from ..operations import clinic, record
from ..operations.record import OperationKind
from ..roster.providers import actor_names
from ..uploads import kept
from ..uploads.kept import Upload
from ..uploads.layouts import ListReading
from ..uploads.limits import FIELD
from ..uploads.reading import ListFile
from . import comparing, following, metrics_import, storing


def require_new(connection: Connection, host: Host, file: ListFile) -> None:
    """Raises Refused at the field with the file for one that was uploaded before, and is still kept."""
    columns = (report.c.received_at, report.c.actor_id, report.c.name)
    found = connection.execute(select(*columns).where(report.c.sha256 == _digest(file))).one_or_none()
    if found:
        name = actor_names(connection, host, {found.actor_id})[found.actor_id]
        moment = moment_text(found.received_at, host.clock.zone)
        raise Refused({FIELD: f"{name} uploaded this same file on {moment}, as {found.name}. Nothing was changed."})


def receive(host: Host, actor: Actor, upload_id: str, file: ListFile, reading: ListReading) -> int:
    """Keep the actor's uploaded report, read in this way. Returns its id. Its upload is gone afterwards.

    `file` is that of the upload, which the caller has looked at already: it is not read again.

    Patients are found whom this actor may not see, too: each person is shown the rows of those whom they may see.
    Raises NotFound, Stale, and Refused.
    """
    kind = reading.kind
    if kind is None:
        raise Refused({"kind": "Select what the report is about."})
    with host.database.engine.connect() as connection:
        source = kept.required(connection, host, actor, Purpose.REPORT, upload_id)
        require_new(connection, host, file)
    with host.database.session() as session:
        clinic.lock(session)  # so that reports have their numbers in the order in which they are followed
        _require_panel(session, source.panel_id)
        report_id = _store(session, host, actor, source, file, reading)
        read, kept_rows = storing.store(session, report_id, file, reading, kind)
        if not kept_rows:
            raise Refused({"header": "No row below the column names is about a patient: check the columns."})
        session.execute(update(report).where(report.c.report_id == report_id).values(rows_read=read))
        storing.match(session, host, report_id, upload_id)
        session.execute(_accept_again(report_id))
        _keep_day(session, host, report_id)
        following.follow(session, report_id, kind, source.panel_id, actor.actor_id, host.clock.now())
        comparing.compare(session, host)
        detail = {"report": report_id, "kind": kind.value, "rows": kept_rows}
        if kind is ReportKind.METRICS:
            detail["months"] = metrics_import.take_over(session, host, actor, report_id, source.panel_id)
        record.begin(session, host, actor, OperationKind.RECEIVE_REPORT, detail=detail)
        session.execute(delete(upload).where(upload.c.upload_id == upload_id))
    return report_id


def _require_panel(session: Session, panel_id: int | None) -> None:
    deleted = select(panel.c.deleted_at).where(panel.c.panel_id == panel_id)
    if panel_id is not None and session.scalar(deleted) is not None:
        raise Refused(
            "The panel of this report was deleted. Go back, discard the file, and upload it for another panel."
        )


def _store(session: Session, host: Host, actor: Actor, source: Upload, file: ListFile, reading: ListReading) -> int:
    row = {
        "kind": reading.kind,
        "panel_id": source.panel_id,
        "received_at": host.clock.now(),
        "actor_id": actor.actor_id,
        "name": source.name,
        "sha256": _digest(file),
        "reading": reading.model_dump_json(),
        "rows_read": 0,  # until they are
    }
    try:
        inserted = session.execute(insert(report).values(row))
    except IntegrityError:
        raise Refused({FIELD: "Someone else has just uploaded this same file. Nothing was changed."}) from None
    report_id = int(inserted.inserted_primary_key[0])  # type: ignore[attr-defined]
    pieces = select(literal(report_id), upload_piece.c.position, upload_piece.c.data)
    columns = [report_piece.c[name] for name in ("report_id", "position", "data")]
    of_upload = upload_piece.c.upload_id == source.upload_id
    session.execute(insert(report_piece).from_select(columns, pieces.where(of_upload)))
    return report_id


def _keep_day(session: Session, host: Host, report_id: int) -> None:
    """The report's own day, by its rows."""
    text = text_of(report_row.c.details, ColumnField.REPORTED_ON)
    dated = (report_row.c.report_id == report_id, text != "")
    earliest, latest = session.execute(select(func.min(text), func.max(text)).where(*dated)).one()
    today = host.clock.now().astimezone(host.clock.zone).date()
    day = day_of_report(earliest or "", latest or "", today)
    session.execute(update(report).where(report.c.report_id == report_id).values(reported_on=day))


def _accept_again(report_id: int) -> Update:
    """Accept who is proposed where a person has accepted the same patient for the same texts in an earlier report."""
    row, before = report_row.c, report_row.alias("before")
    texts = ("patient_id", "phn", "family_name", "given_name", "birth_date", "gender")
    same = (before.c[name] == row[name] for name in texts)
    earlier = (before.c.report_id < report_id, before.c.accepted == true(), before.c.how == row.how)
    accepted = exists().where(*earlier, *same).correlate(report_row)
    proposed = (row.report_id == report_id, row.patient_id.is_not(None), row.accepted == false())
    return update(report_row).where(*proposed, accepted).values(accepted=True)


def _digest(file: ListFile) -> str:
    return sha256(file.data).hexdigest()
