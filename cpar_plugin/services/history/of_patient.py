"""The history of one patient: each change of panel, affiliation, caseload and confirmation, each check, each letter
about a conflict, and each submission of the panel."""

import heapq
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, select

from ...domain import questions
from ...domain.cautions import Caution
from ...domain.confirmation import ConfirmedHow
from ...domain.csv_columns import CsvColumn, CsvHead
from ...domain.dates import date_text
from ...domain.letters import LetterDirection
from ...domain.panel_kind import other_kind_of
from ...domain.reasons import Reason
from ...domain.submission import SubmissionState
from ...domain.wording import WORDING, wordings
from ...hooks import Actor, Host
from ...store.tables import (
    answer,
    exclusion,
    ledger,
    letter,
    operation,
    other_ledger,
    other_panel,
    panel,
    snapshot,
    submission,
)
from ..operations.record import BULK, OperationKind
from ..roster.csv_file import moment_cell
from ..roster.providers import actor_names
from ..snapshots import storage
from ..snapshots.storage import Part
from ..submissions.patients import reasons_in
from ..submissions.texts import STATE
from . import texts


class PatientEvent(NamedTuple):
    """One thing that happened. `patient_id`: of the record that it happened to, perhaps one merged into the patient's.

    `by` is a name, "" for a submission. `confirmed_on` and `confirmed_how`: the confirmation afterwards, None for none.
    `reasons`: of a submission from which the patient was excluded.
    """

    at: datetime
    patient_id: int
    text: str
    by: str = ""
    confirmed_on: date | None = None
    confirmed_how: ConfirmedHow | None = None
    bulk_operation_id: int | None = None
    submission_id: int | None = None
    letter_id: int | None = None
    reasons: tuple[Reason, ...] = ()


HEAD: Final[CsvHead] = (
    CsvColumn.AT,
    CsvColumn.EVENT,
    CsvColumn.REASONS,
    CsvColumn.RECORD,
    CsvColumn.BY,
    CsvColumn.LAST_CONFIRMATION,
    CsvColumn.HOW_CONFIRMED,
)


def export(host: Host, actor: Actor, patient_id: int) -> Iterator[tuple[object, ...]]:
    """The same as the rows of a file, streamed."""
    yield HEAD
    wording = wordings(host.roster)
    for event in of_patient(host, actor, patient_id):
        reasons = "; ".join(wording[reason].label for reason in event.reasons)
        confirmed = (event.confirmed_on, event.confirmed_how and event.confirmed_how.value)
        yield (moment_cell(event.at, host.clock.zone), event.text, reasons, event.patient_id, event.by, *confirmed)


def of_patient(host: Host, actor: Actor, patient_id: int) -> Sequence[PatientEvent]:
    """Everything, the latest first; the caller records the look.

    Records merged into the patient's count, if the actor may see them.
    """
    with host.database.engine.connect() as connection:
        ids = _records(connection, host, actor, patient_id)
        entries = _entries(connection, ids)
        sources = (
            _changes(connection, host, entries),
            _checks(connection, host, ids),
            _submissions(connection, entries),
            _letters(connection, host, ids),
            _others(connection, host, ids),
        )
        return list(heapq.merge(*sources, key=lambda event: event.at, reverse=True))


def _records(connection: Connection, host: Host, actor: Actor, patient_id: int) -> list[int]:
    merged = host.roster.merged()
    visible = host.identity.visible(actor, merged.c.retired_id)
    retired = select(merged.c.retired_id).where(merged.c.kept_id == patient_id, visible)
    return [patient_id, *connection.scalars(retired)]


def _entries(connection: Connection, ids: Sequence[int]) -> Sequence[Any]:
    """What the ledger has of these records, the latest first."""
    source, target = panel.alias("source"), panel.alias("target")
    return connection.execute(
        select(
            ledger.c.patient_id,
            ledger.c.from_panel_id,
            ledger.c.to_panel_id,
            ledger.c.to_confirmed_on,
            ledger.c.to_confirmed_how,
            operation.c.operation_id,
            operation.c.kind,
            operation.c.at,
            operation.c.actor_id,
            operation.c.detail,
            source.c.number.label("source"),
            target.c.number.label("target"),
        )
        .join(operation, operation.c.operation_id == ledger.c.operation_id)
        .outerjoin(source, source.c.panel_id == ledger.c.from_panel_id)
        .outerjoin(target, target.c.panel_id == ledger.c.to_panel_id)
        .where(ledger.c.patient_id.in_(ids))
        .order_by(operation.c.at.desc(), operation.c.operation_id.desc(), ledger.c.patient_id != ids[0])
    ).all()


def _changes(connection: Connection, host: Host, entries: Sequence[Row[Any]]) -> Iterator[PatientEvent]:
    names = actor_names(connection, host, {row.actor_id for row in entries})
    for row in entries:
        kind = OperationKind(row.kind)
        text = texts.membership_text(row.source, row.target, confirmed=row.to_confirmed_on is not None)
        yield PatientEvent(
            row.at,
            row.patient_id,
            texts.with_origin(text, kind, row.detail),
            by=names[row.actor_id],
            confirmed_on=row.to_confirmed_on,
            confirmed_how=ConfirmedHow(row.to_confirmed_how) if row.to_confirmed_how else None,
            bulk_operation_id=row.operation_id if kind in BULK else None,
        )


def _checks(connection: Connection, host: Host, ids: Sequence[int]) -> Iterator[PatientEvent]:
    columns = answer.c.patient_id, answer.c.caution, answer.c.fingerprint, operation.c.at, operation.c.actor_id
    rows = connection.execute(
        select(*columns)
        .join(operation, operation.c.operation_id == answer.c.operation_id)
        .where(answer.c.patient_id.in_(ids))
        .order_by(operation.c.at.desc(), operation.c.operation_id.desc())
    ).all()
    names = actor_names(connection, host, {row.actor_id for row in rows})
    for row in rows:
        caution = Caution(row.caution)
        text = questions.answer(caution) if row.fingerprint else "Check withdrawn"
        yield PatientEvent(row.at, row.patient_id, f"{WORDING[caution].label}: {text}", by=names[row.actor_id])


def _letters(connection: Connection, host: Host, ids: Sequence[int]) -> Sequence[PatientEvent]:
    """Letters to other clinics and from them, and those that were withdrawn because they were recorded by mistake."""
    rows = connection.execute(select(letter).where(letter.c.patient_id.in_(ids))).all()
    people = {person for row in rows for person in (row.recorded_by, row.withdrawn_by) if person}
    names = actor_names(connection, host, people)
    events = []
    for row in rows:
        is_sent = row.direction == LetterDirection.SENT
        parties = ", ".join(row.party.splitlines())
        text = f"Letter of {date_text(row.day)} {'sent to' if is_sent else 'received from'} {parties}"
        about = (row.patient_id, row.letter_id)
        events.append((row.recorded_at, text, names[row.recorded_by], *about))
        if row.withdrawn_at:
            events.append((row.withdrawn_at, f"Withdrawn: {text}", names[row.withdrawn_by], *about))
    return [
        PatientEvent(at, patient_id, text, by=by, letter_id=letter_id)
        for at, text, by, patient_id, letter_id in sorted(events, key=lambda event: event[0], reverse=True)
    ]


def _others(connection: Connection, host: Host, ids: Sequence[int]) -> Sequence[PatientEvent]:
    """Changes of affiliations and caseloads."""
    source, target = other_panel.alias("source"), other_panel.alias("target")
    rows = connection.execute(
        select(
            other_ledger,
            operation.c.kind.label("operation_kind"),
            operation.c.at,
            operation.c.actor_id,
            source.c.name.label("source"),
            target.c.name.label("target"),
        )
        .join(operation, operation.c.operation_id == other_ledger.c.operation_id)
        .outerjoin(source, source.c.other_panel_id == other_ledger.c.from_other_panel_id)
        .outerjoin(target, target.c.other_panel_id == other_ledger.c.to_other_panel_id)
        .where(other_ledger.c.patient_id.in_(ids))
        .order_by(operation.c.at.desc(), operation.c.operation_id.desc(), other_ledger.c.kind)
    ).all()
    names = actor_names(connection, host, {row.actor_id for row in rows})
    events = []
    for row in rows:
        text = texts.other_text(other_kind_of(row.kind), row.source, row.target, row.to_signed_on)
        text = texts.with_origin(text, OperationKind(row.operation_kind), "{}")
        events.append(PatientEvent(row.at, row.patient_id, text, by=names[row.actor_id]))
    return events


def _submissions(connection: Connection, entries: Sequence[Row[Any]]) -> Iterator[PatientEvent]:
    """Each submission of a panel that one of these records was on, in which it was, or from which it was excluded."""
    ids = {row.patient_id for row in entries}
    panel_ids = {panel_id for row in entries for panel_id in (row.from_panel_id, row.to_panel_id) if panel_id}
    kept = storage.is_kept(snapshot.c.snapshot_id, Part.INDEX)
    rows = connection.execute(
        select(submission, snapshot.c.taken_at, panel.c.number, kept.label("index_kept"))
        .join(panel, panel.c.panel_id == submission.c.panel_id)
        .join(snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id)
        .where(submission.c.first_attempt_at.is_not(None), submission.c.panel_id.in_(panel_ids))
        .order_by(submission.c.first_attempt_at.desc(), submission.c.submission_id.desc())
    ).all()
    snapshot_ids = [row.snapshot_id for row in rows]
    excluded = _excluded(connection, snapshot_ids, ids)
    sent = {key: set(storage.snapshots_with(connection, snapshot_ids, key)) for key in ids}
    for row in rows:
        for patient_id in sorted(ids):
            reasons = excluded.get((row.snapshot_id, patient_id), ())
            was_sent = (
                row.snapshot_id in sent[patient_id]
                if row.index_kept
                else _panel_at(entries, patient_id, row.taken_at) == row.panel_id
            )
            if reasons or was_sent:
                yield _submission(row, patient_id, reasons)


def _panel_at(entries: Sequence[Row[Any]], patient_id: int, moment: datetime) -> int | None:
    """The panel that the ledger has a record on at a moment: it tells who was sent when the list is no longer kept."""
    earlier = (row.to_panel_id for row in entries if row.patient_id == patient_id and row.at <= moment)
    return next(earlier, None)


def _excluded(
    connection: Connection, snapshot_ids: Collection[str], ids: Collection[int]
) -> dict[tuple[str, int], tuple[Reason, ...]]:
    conditions = exclusion.c.snapshot_id.in_(snapshot_ids), exclusion.c.patient_id.in_(ids)
    rows = connection.execute(select(exclusion).where(*conditions))
    return {(row.snapshot_id, row.patient_id): reasons_in(row.reasons) for row in rows}


def _submission(row: Row[Any], patient_id: int, reasons: tuple[Reason, ...]) -> PatientEvent:
    verb = "Excluded from the submission of" if reasons else "Submitted with"
    state = STATE[SubmissionState(row.state)]
    return PatientEvent(
        row.first_attempt_at,
        patient_id,
        f"{verb} panel {row.number} ({state})",
        submission_id=row.submission_id,
        reasons=reasons,
    )
