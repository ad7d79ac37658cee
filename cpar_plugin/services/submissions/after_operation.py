"""Which panels were submitted after a bulk operation: with the patients it put on them, without those it took off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Select, func, literal, or_, select, union_all

from ...domain.submission import SubmissionState
from ...hooks import Host
from ...store.tables import ledger, panel, snapshot, submission
from ..bulk.history import BulkOperation
from ..snapshots import storage
from ..snapshots.storage import Part
from .history import is_kept
from .texts import STATE, Stage


@dataclass(frozen=True, slots=True)
class Again:
    """The panel's submission with the data after the undo: queued, under way or delivered."""

    submission_id: int
    label: str  # its state in words
    on: date  # the night run that it goes with


@dataclass(frozen=True, slots=True)
class SubmittedSince:
    """The last submission of a panel that arrived after the operation, and before its undo.

    `joined`: the operation put `patients` on the panel, and `wrong` of them were submitted with it. Else it took them
    off, and `wrong` were not submitted with it. `wrong` is None where the contents are no longer kept.
    """

    panel_id: int
    number: str
    submission_id: int
    submitted_at: datetime
    joined: bool
    patients: int
    wrong: int | None
    again: Again | None


def submitted_since(connection: Connection, host: Host, operation: BulkOperation) -> Sequence[SubmittedSince]:
    """Of each live panel that it concerns. Two statements, two more for each panel submitted since."""
    sides = union_all(_side(operation, joined=True), _side(operation, joined=False)).subquery("sides")
    rows = connection.execute(
        select(sides, panel.c.number, submission, snapshot.c.taken_at, is_kept().label("kept"))
        .join(panel, panel.c.panel_id == sides.c.concerned)
        .join(submission, submission.c.panel_id == panel.c.panel_id)
        .join(snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id)
        .where(panel.c.live_number.is_not(None), submission.c.state.in_(Stage.DELIVERED.states))
        .where(snapshot.c.taken_at > operation.at, snapshot.c.taken_at < (operation.undone_at or host.clock.now()))
        .order_by(sides.c.joined.desc(), panel.c.number, submission.c.submission_id)
    ).all()
    latest = {(row.concerned, row.joined): row for row in rows}
    again = _again(connection, operation, [row.panel_id for row in latest.values()]) if latest else {}
    submitted = []
    for row in latest.values():
        included = (
            _included(connection, host, operation, row.concerned, row.snapshot_id, row.joined) if row.kept else None
        )
        wrong = included if row.joined or included is None else row.patients - included
        if wrong != 0:
            submitted.append(
                SubmittedSince(
                    panel_id=row.concerned,
                    number=row.number,
                    submission_id=row.submission_id,
                    submitted_at=row.finished_at,
                    joined=bool(row.joined),
                    patients=row.patients,
                    wrong=wrong,
                    again=again.get(row.concerned),
                )
            )
    return submitted


def _side(operation: BulkOperation, *, joined: bool) -> Select[tuple[int, int, int]]:
    """The panels on one side of an operation, and how many patients it concerns there."""
    here, other = ledger.c.to_panel_id, ledger.c.from_panel_id
    if not joined:
        here, other = other, here
    query = select(here.label("concerned"), literal(int(joined)).label("joined"), func.count().label("patients"))
    query = query.where(ledger.c.operation_id == operation.operation_id, here.is_not(None)).group_by(here)
    return query if joined else query.where(here.is_distinct_from(other))


def _again(connection: Connection, operation: BulkOperation, panel_ids: Sequence[int]) -> dict[int, Again]:
    if operation.undone_at is None:
        return {}
    rows = connection.execute(
        select(submission)
        .outerjoin(snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id)
        .where(submission.c.panel_id.in_(panel_ids))
        .where(or_(submission.c.open_panel_id.is_not(None), submission.c.state.in_(Stage.DELIVERED.states)))
        .where(or_(snapshot.c.taken_at.is_(None), snapshot.c.taken_at > operation.undone_at))
        .order_by(submission.c.submission_id)
    )
    return {row.panel_id: Again(row.submission_id, STATE[SubmissionState(row.state)], row.due_on) for row in rows}


def _included(
    connection: Connection, host: Host, operation: BulkOperation, panel_id: int, snapshot_id: str, joined: bool
) -> int:
    """How many of the operation's patients on that side were submitted. Both lists are streamed, by patient id."""
    side = ledger.c.to_panel_id if joined else ledger.c.from_panel_id
    of_side = ledger.c.operation_id == operation.operation_id, side == panel_id
    query = select(ledger.c.patient_id).where(*of_side).order_by(ledger.c.patient_id)
    entries = storage.index_entries(storage.streamed(host, snapshot_id, Part.INDEX))
    included, submitted_id = 0, 0
    with connection.execute(query.execution_options(yield_per=1000)) as result:
        for patient_id in result.scalars():
            while submitted_id < patient_id:
                submitted_id = next((entry[0] for entry in entries), patient_id + 1)
            included += submitted_id == patient_id
    return included
