"""An uploaded list of patients for an affiliation or a caseload, with the dates of signed forms where it has them.

Only patients who are certain, by their PHN with name or date of birth, are put on it: what else a list says of a
patient is for a person to look at, one by one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, func, literal, null, or_, select
from sqlalchemy.orm import Session

from ...domain.exhaustive import exhaustive
from ...domain.list_columns import ColumnField, Purpose
from ...domain.other_panel import listed_signed_on, why_none_is_added
from ...domain.refusals import Refused
from ...hooks import Actor, Host
from ...store import other_ledger as ledger
from ...store.tables import other_member, upload_match, upload_row
from ..operations import clinic, other_memberships, record
from ..operations.record import OperationKind
from ..roster import merges
from ..uploads import kept, layouts, matching
from ..uploads.layouts import ListReading, UnderstoodRow
from ..uploads.matching import MatchedHow
from . import bulk
from .bulk import OtherPreview
from .listing import OtherPanel, get

SHOWN: Final = 100


class RowProblem(StrEnum):
    """Why a row puts no one on the list."""

    NOT_FOUND = "not-found"
    DOUBTFUL = "doubtful"
    WRONG_DATE = "wrong-date"
    TWO_DATES = "two-dates"


PROBLEMS: Final = exhaustive(
    __name__,
    RowProblem,
    {
        RowProblem.NOT_FOUND: "No patient was found: correct the PHN in the list, or in the EMR",
        RowProblem.DOUBTFUL: "Not certain who this is: add the patient on their page",
        RowProblem.WRONG_DATE: "The date of the signed form is no date, in the future, or before the patient's birth",
        RowProblem.TWO_DATES: "The list has this patient twice, with two dates of the signed form",
    },
)


class ListedRow(NamedTuple):
    """A row that puts no one on the list, as it was understood."""

    row_number: int
    family_name: str
    given_name: str
    phn: str
    signed_text: str
    problem: RowProblem


@dataclass(frozen=True, slots=True)
class ListPreview:
    """What a list would do."""

    changes: OtherPreview
    problems: Mapping[RowProblem, int]
    rows: Sequence[ListedRow]  # the first of those with a problem


def read(host: Host, actor: Actor, upload_id: str, reading: ListReading) -> None:
    """Read the actor's list in this way, and find its patients. Everything found out earlier is dropped.

    Raises NotFound, Stale, and Refused for a panel that takes no one, and (`header`) for a list without a row.
    """
    with host.database.engine.connect() as connection:
        upload = kept.required(connection, host, actor, Purpose.OTHER, upload_id)
        panel = get(connection, host, upload.panel_id or 0)
        file = kept.file_of(connection, upload_id)
    require_open(panel)
    signed = panel.kind.is_signed and ColumnField.SIGNED_ON in reading.fields
    today = host.clock.now().astimezone(host.clock.zone).date()
    with host.database.session() as session:
        rows = ((_texts(row, today, signed=signed), None) for row in layouts.patients(file, reading))
        if not matching.stage_rows(session, upload_id, rows):
            raise Refused({"header": matching.NO_ROWS})
        matching.match(session, host, actor, upload_id)
        kept.decide(session, upload_id, reading)


def preview(host: Host, actor: Actor) -> tuple[kept.Upload, OtherPanel, ListPreview] | None:
    """The actor's list, the panel that it is for, and what it would do; None where there is no list."""
    merges.catch_up(host)
    with host.database.engine.connect() as connection:
        upload = kept.current(connection, host, actor, Purpose.OTHER)
        if upload is None or upload.reading is None or upload.panel_id is None:
            return None
        panel = get(connection, host, upload.panel_id)
        changes = _count(connection, host, panel, upload.upload_id)
        return upload, panel, ListPreview(changes, *_problems(connection, host, upload.upload_id))


def carry_out(host: Host, actor: Actor, upload_id: str, form_key: str | None) -> int | None:
    """Put the patients of the list on its panel, as one operation. Returns its id, None for no change."""
    with host.database.session() as session:
        clinic.lock(session)
        if form_key and (done := bulk.done_with(session, form_key)):
            return done
        merges.reconcile(session, host)
        connection = session.connection()
        upload = kept.required(connection, host, actor, Purpose.OTHER, upload_id)
        panel = get(connection, host, upload.panel_id or 0)
        require_open(panel)
        changes = _count(connection, host, panel, upload_id)
        if not changes.changed:
            return None
        operation_id = record.begin(session, host, actor, OperationKind.BULK_OTHER, form_key=form_key)
        _append(session, host, panel, upload_id, operation_id)
        other_memberships.finish(session, host, actor, OperationKind.BULK_OTHER, operation_id)
        text = f"Import a list onto {panel.label}"
        record.conclude(session, operation_id, {"kind": panel.kind.value, "text": text, "done": asdict(changes)})
    kept.remove(host, upload_id)
    return operation_id


def require_open(panel: OtherPanel) -> None:
    """Raises Refused for one that takes no one."""
    if not panel.state.takes_patients:
        raise Refused({"": why_none_is_added(panel.kind, panel.name, panel.state)})


def _texts(row: UnderstoodRow, today: date, *, signed: bool) -> dict[str, Any]:
    text = row.details.get(ColumnField.SIGNED_ON, "") if signed else ""
    day = listed_signed_on(text, today)
    return matching.texts_of(row) | {"panel_text": "", "signed_on": day, "signed_text": "" if day else text[:40]}


def _rows(host: Host, upload_id: str) -> FromClause:
    """Each row with the one patient that was found, if any, and its problem, NULL for none."""
    single, row, patient = matching.single_matches(upload_id), upload_row.c, host.roster.patients()
    certain = single.c.how == MatchedHow.PHN.value
    found = select(func.count()).where(
        upload_match.c.upload_id == upload_id, upload_match.c.row_number == row.row_number
    )
    wrong = or_(row.signed_text != "", row.signed_on < func.coalesce(patient.c.birth_date, "0001-01-01"))
    problem = case(
        (found.scalar_subquery() == 0, RowProblem.NOT_FOUND.value),
        (or_(single.c.patient_id.is_(None), ~certain), RowProblem.DOUBTFUL.value),
        (wrong, RowProblem.WRONG_DATE.value),
        else_=null(),
    )
    return (
        select(*(row[name] for name in _OF_ROW), single.c.patient_id, problem.label("problem"))
        .select_from(upload_row)
        .outerjoin(single, single.c.row_number == row.row_number)
        .outerjoin(patient, patient.c.patient_id == single.c.patient_id)
        .where(row.upload_id == upload_id)
        .subquery("listed")
    )


_OF_ROW: Final = ("row_number", "family_name", "given_name", "phn", "signed_text", "signed_on")


def _patients(host: Host, upload_id: str) -> FromClause:
    """The patients of rows without a problem, once each: two dates are a problem of their own."""
    listed = _rows(host, upload_id)
    return (
        select(listed.c.patient_id, func.max(listed.c.signed_on).label("signed_on"))
        .where(listed.c.problem.is_(None))
        .group_by(listed.c.patient_id)
        .having(func.count(listed.c.signed_on.distinct()) <= 1)
        .subquery("patient_of_list")
    )


def _joined(host: Host, panel: OtherPanel, upload_id: str) -> tuple[FromClause, FromClause]:
    patient = _patients(host, upload_id)
    own = and_(other_member.c.patient_id == patient.c.patient_id, other_member.c.kind == panel.kind)
    return patient, patient.outerjoin(other_member, own)


def _changes(patient: FromClause, panel: OtherPanel) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Whether a patient comes onto the panel, and whether one on it gets another date."""
    comes = other_member.c.other_panel_id.is_distinct_from(panel.other_panel_id)
    signed = patient.c.signed_on
    return comes, and_(~comes, signed.is_not(None), signed.is_distinct_from(other_member.c.signed_on))


def _count(connection: Connection, host: Host, panel: OtherPanel, upload_id: str) -> OtherPreview:
    patient, joined = _joined(host, panel, upload_id)
    comes, dated = _changes(patient, panel)
    new = other_member.c.other_panel_id.is_(None)
    no_date = and_(comes, patient.c.signed_on.is_(None), other_member.c.signed_on.is_(None))
    conditions = (and_(comes, new), and_(comes, ~new), dated, and_(~comes, ~dated), no_date)
    sums = (func.coalesce(func.sum(case((condition, 1), else_=0)), 0) for condition in conditions)
    row = connection.execute(select(*sums).select_from(joined)).one()
    added, moved, dated_count, same, without_date = map(int, row)
    if not panel.kind.is_signed:
        without_date = 0
    return OtherPreview(added=added, moved=moved, same=same, without_date=without_date, dated=dated_count)


def _append(session: Session, host: Host, panel: OtherPanel, upload_id: str, operation_id: int) -> None:
    patient, joined = _joined(host, panel, upload_id)
    comes, dated = _changes(patient, panel)
    since = case((comes, literal(host.clock.now(), other_member.c.since.type)), else_=other_member.c.since)
    signed = func.coalesce(patient.c.signed_on, other_member.c.signed_on)
    after = (literal(panel.other_panel_id), since, signed)
    columns = (patient.c.patient_id, literal(panel.kind.value), *ledger.columns(), *after)
    ledger.append(session, operation_id, select(*columns).select_from(joined).where(or_(comes, dated)))


def _problems(
    connection: Connection, host: Host, upload_id: str
) -> tuple[Mapping[RowProblem, int], Sequence[ListedRow]]:
    listed = _rows(host, upload_id)
    twice = (
        select(listed.c.patient_id)
        .where(listed.c.problem.is_(None))
        .group_by(listed.c.patient_id)
        .having(func.count(listed.c.signed_on.distinct()) > 1)
    )
    two_dates = and_(listed.c.problem.is_(None), listed.c.patient_id.in_(twice))
    problem = case((two_dates, RowProblem.TWO_DATES.value), else_=listed.c.problem)
    rows = select(*(listed.c[name] for name in _OF_ROW), problem.label("problem")).subquery("with_problem")
    has_one = rows.c.problem.is_not(None)
    counts = connection.execute(select(rows.c.problem, func.count()).where(has_one).group_by(rows.c.problem))
    found = {RowProblem(name): int(count) for name, count in counts}
    first = connection.execute(select(rows).where(has_one).order_by(rows.c.row_number).limit(SHOWN))
    return {problem: found[problem] for problem in RowProblem if problem in found}, list(_listed(first))


def _listed(rows: Any) -> Iterator[ListedRow]:
    for row in rows:
        signed = row.signed_text or (row.signed_on.isoformat() if row.signed_on else "")
        yield ListedRow(row.row_number, row.family_name, row.given_name, row.phn, signed, RowProblem(row.problem))
