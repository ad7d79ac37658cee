"""The history of one panel: what changed on it, by whom, and its submissions; a page at a time, or all as a file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, or_, select

from ...domain.csv_columns import CsvColumn, CsvHead
from ...domain.refusals import NotFound
from ...domain.submission import SubmissionState
from ...hooks import Actor, Host
from ...store.tables import answer, ledger, operation, panel, submission
from ...store.types import KEYS
from ..operations.record import BULK, OperationKind
from ..roster.csv_file import moment_cell
from ..roster.providers import actor_names
from ..submissions.patients import PatientNow, visible_patients
from ..submissions.texts import STATE
from . import panel_rows, texts
from .panel_rows import OPERATION, Filters, Place
from .texts import ChangeGroup

AT_ONCE = 50
HEAD: Final[CsvHead] = (
    CsvColumn.AT,
    CsvColumn.EVENT,
    CsvColumn.RECORD,
    CsvColumn.FAMILY_NAME,
    CsvColumn.GIVEN_NAME,
    CsvColumn.BY,
    CsvColumn.EVENT_KIND,
)
_NO_ACCESS = "no access"  # in place of the record of a patient who is not shown
_EXPORTED_AT_ONCE = 1000


class PanelEvent(NamedTuple):
    """One thing that happened. `patient`: of a change of one patient whom the actor may see; `hidden`: may not see."""

    at: datetime
    text: str
    by: str
    group: ChangeGroup
    place: Place
    patient: PatientNow | None = None
    hidden: bool = False
    bulk_operation_id: int | None = None
    submission_id: int | None = None


@dataclass(frozen=True, slots=True)
class PanelHistory:
    """A page of it, the latest first. `following`: where the next page begins, None on the last."""

    number: str
    live: bool
    events: Sequence[PanelEvent]
    following: Place | None
    people: Sequence[tuple[str, str]]  # who did something here: the host's id and a name


def of_panel(host: Host, actor: Actor, panel_id: int, filters: Filters, after: Place | None = None) -> PanelHistory:
    """A page of a panel, deleted ones too. Raises NotFound."""
    with host.database.engine.connect() as connection:
        number, live = _panel(connection, panel_id)
        events, following = _page(connection, host, actor, panel_id, filters, after, AT_ONCE)
        people = _people(connection, host, panel_id)
    return PanelHistory(number, live, events, following, people)


def export(host: Host, actor: Actor, panel_id: int, filters: Filters) -> tuple[str, Iterator[tuple[object, ...]]]:
    """The panel's number, and all that fits the filters as the rows of a file, streamed. Raises NotFound."""
    with host.database.engine.connect() as connection:
        number, _ = _panel(connection, panel_id)
    return number, _lines(host, actor, panel_id, filters)


def _lines(host: Host, actor: Actor, panel_id: int, filters: Filters) -> Iterator[tuple[object, ...]]:
    yield HEAD
    after: Place | None = None
    while True:
        with host.database.engine.connect() as connection:
            events, after = _page(connection, host, actor, panel_id, filters, after, _EXPORTED_AT_ONCE)
        for event in events:
            person = event.patient
            record = person.patient_id if person else _NO_ACCESS if event.hidden else None
            patient = (record, person and person.family_name, person and person.given_name)
            moment = moment_cell(event.at, host.clock.zone)
            yield (moment, event.text, *patient, event.by, event.group.value)
        if after is None:
            return


def _panel(connection: Connection, panel_id: int) -> tuple[str, bool]:
    query = select(panel.c.number, panel.c.deleted_at).where(panel.c.panel_id == panel_id)
    row = connection.execute(query).one_or_none() if panel_id in KEYS else None
    if row is None:
        raise NotFound("Panel not found.")
    return row.number, row.deleted_at is None


def _people(connection: Connection, host: Host, panel_id: int) -> list[tuple[str, str]]:
    operations = panel_rows.operations(panel_id).with_only_columns(operation.c.actor_id)
    requests = select(submission.c.requested_by).where(submission.c.panel_id == panel_id)
    ids = connection.scalars(operations.union(requests)).all()
    names = actor_names(connection, host, ids)
    return sorted(((actor_id, names[actor_id]) for actor_id in ids), key=lambda pair: pair[1].casefold())


def _page(
    connection: Connection,
    host: Host,
    actor: Actor,
    panel_id: int,
    filters: Filters,
    after: Place | None,
    most: int,
) -> tuple[list[PanelEvent], Place | None]:
    rows = panel_rows.page(connection, panel_id, filters, after, host.clock.zone, most)
    events = _events(connection, host, actor, panel_id, rows[:most])
    return events, events[-1].place if len(rows) > most else None


def _events(
    connection: Connection, host: Host, actor: Actor, panel_id: int, rows: Sequence[tuple[Place, Row[Any]]]
) -> list[PanelEvent]:
    operations = [row for place, row in rows if place.rank == OPERATION]
    names = actor_names(
        connection, host, {row.actor_id if place.rank == OPERATION else row.requested_by for place, row in rows}
    )
    entries = _of_one_patient(connection, panel_id, operations)
    patient_ids = {entry.patient_id for entry in entries.values()}
    visible = visible_patients(connection, host, actor, sorted(patient_ids))
    return [
        _operation(place, row, names, entries.get(row.operation_id), visible)
        if place.rank == OPERATION
        else _submission(place, row, names)
        for place, row in rows
    ]


def _of_one_patient(connection: Connection, panel_id: int, operations: Sequence[Row[Any]]) -> dict[int, Row[Any]]:
    """Of operations that changed one patient of this panel, or are about a check: whom, and from where to where."""
    single = [row.operation_id for row in operations if (row.added or 0) + (row.removed or 0) + (row.kept or 0) == 1]
    checks = [row.operation_id for row in operations if texts.GROUP[OperationKind(row.kind)] is ChangeGroup.CHECKS]
    source, target = panel.alias("source"), panel.alias("target")
    changes = (
        select(
            ledger.c.operation_id,
            ledger.c.patient_id,
            ledger.c.to_confirmed_on,
            source.c.number.label("source"),
            target.c.number.label("target"),
        )
        .outerjoin(source, source.c.panel_id == ledger.c.from_panel_id)
        .outerjoin(target, target.c.panel_id == ledger.c.to_panel_id)
        .where(
            ledger.c.operation_id.in_(single),
            or_(ledger.c.from_panel_id == panel_id, ledger.c.to_panel_id == panel_id),
        )
    )
    answers = select(answer.c.operation_id, answer.c.patient_id).where(answer.c.operation_id.in_(checks))
    return {row.operation_id: row for query in (changes, answers) for row in (connection.execute(query).all())}


def _operation(
    place: Place,
    row: Row[Any],
    names: Mapping[str, str],
    entry: Row[Any] | None,
    visible: Mapping[int, PatientNow],
) -> PanelEvent:
    kind = OperationKind(row.kind)
    group = texts.GROUP[kind]
    if row.added is None:
        text = texts.OTHER[kind]
    elif group is ChangeGroup.PANEL:
        text = f"{texts.OTHER[kind]}: {texts.counts_text(kind, row.added, row.removed, row.kept)}"
    elif entry:
        text = texts.membership_text(entry.source, entry.target, confirmed=entry.to_confirmed_on is not None)
        text = texts.with_origin(text, kind, row.detail)
    else:
        text = texts.with_origin(texts.counts_text(kind, row.added, row.removed, row.kept), kind, row.detail)
    return PanelEvent(
        row.at,
        text,
        names[row.actor_id],
        group,
        place,
        patient=visible.get(entry.patient_id) if entry else None,
        hidden=entry is not None and entry.patient_id not in visible,
        bulk_operation_id=row.operation_id if kind in BULK else row.undoes,
    )


def _submission(place: Place, row: Row[Any], names: Mapping[str, str]) -> PanelEvent:
    state = STATE[SubmissionState(row.state)]
    counts = f": {row.sent:,} submitted, {row.excluded:,} excluded" if row.sent is not None else ""
    return PanelEvent(
        row.at,
        f"Submission {state[0].lower()}{state[1:]}{counts}",
        names[row.requested_by],
        ChangeGroup.SUBMISSIONS,
        place,
        submission_id=row.submission_id,
    )
