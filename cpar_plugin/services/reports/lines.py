"""The lines of reports to work on: one page of them, and taking, releasing, and noting how far the work is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_, update

from ...domain.exclusion_lines import age_in_days
from ...domain.list_columns import ColumnField
from ...domain.refusals import Refused
from ...domain.report_lines import STATE_LABELS, ReportLineState
from ...domain.reports import ReportKind
from ...hooks import Actor, AuditEvent, Host
from ...store.tables import report_line, report_row
from ..operations import record
from ..operations.record import OperationKind
from ..roster.providers import actor_names
from . import listing

AT_ONCE: Final = 100
AT_MOST: Final = 1000
NO_ONE: Final = "-"
_line, _row = report_line.c, report_row.c


@dataclass(frozen=True, slots=True)
class ReportLineCriteria:
    """What the list is narrowed by. Without a state: all that are not closed."""

    kind: ReportKind | None = None
    state: ReportLineState | None = None
    owner_id: str | None = None  # NO_ONE: taken by no one
    closed: bool = False


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A line with the patient found for it, None where no one is certain or accepted. Texts are '' for none."""

    line_id: int
    version: int
    kind: ReportKind
    report_id: int
    patient_id: int | None
    family_name: str | None
    given_name: str | None
    listed_name: str
    listed_phn: str
    details: Mapping[ColumnField, str]
    opened_at: datetime
    age: int  # in the clinic's days
    closed_at: datetime | None  # when a report came that has it no longer
    times: int
    state: ReportLineState
    owner_id: str | None
    owner: str
    note: str


class SeenReportLine(NamedTuple):
    """A line as the page showed it."""

    line_id: int
    version: int


@dataclass(frozen=True, slots=True)
class ReportLineListing:
    """One page of lines, the oldest first."""

    lines: Sequence[ReportLine]
    matching: int
    owners: Mapping[str, str]  # who has taken lines: name by id


def show(host: Host, actor: Actor, criteria: ReportLineCriteria, offset: int) -> ReportLineListing:
    """`AT_ONCE` lines from `offset` on, of those whose patients the actor may see. Four statements."""
    rows, patient, kept_id = listing.joined(host)
    source = rows.join(report_line, and_(_line.report_id == _row.report_id, _line.line_key == _row.line_key))
    visible = or_(_row.patient_id.is_(None), host.identity.visible(actor, kept_id))
    conditions = (visible, *_narrowing(criteria))
    query = (
        select(
            report_line,
            kept_id.label("patient_id"),
            _row.accepted,
            _row.phn,
            _row.family_name.label("listed_family"),
            _row.given_name.label("listed_given"),
            _row.details,
            patient.c.family_name,
            patient.c.given_name,
        )
        .select_from(source)
        .where(*conditions)
        .order_by(_line.opened_at, _row.row_number, _line.line_id)
        .offset(offset)
        .limit(AT_ONCE)
    )
    with host.database.engine.connect() as connection:
        matching = connection.scalar(select(func.count()).select_from(source).where(*conditions)) or 0
        found = connection.execute(query).all()
        owner_ids = set(connection.scalars(select(_line.owner_id).where(_line.owner_id.is_not(None)).distinct()))
        names = actor_names(connection, host, owner_ids)
    now, zone = host.clock.now(), host.clock.zone
    lines = [
        ReportLine(
            line_id=row.line_id,
            version=row.version,
            kind=ReportKind(row.kind),
            report_id=row.report_id,
            patient_id=row.patient_id if row.accepted else None,
            family_name=row.family_name,
            given_name=row.given_name,
            listed_name=", ".join(filter(None, (row.listed_family, row.listed_given))),
            listed_phn=row.phn,
            details={ColumnField(field): text for field, text in orjson.loads(row.details).items()},
            opened_at=row.opened_at,
            age=age_in_days(row.opened_at, row.closed_at or now, zone),
            closed_at=row.closed_at,
            times=row.times,
            state=ReportLineState(row.state),
            owner_id=row.owner_id,
            owner=names[row.owner_id] if row.owner_id else "",
            note=row.note,
        )
        for row in found
    ]
    owners = {owner_id: names[owner_id] for owner_id in sorted(owner_ids, key=names.__getitem__)}
    return ReportLineListing(lines, matching, owners)


def take(host: Host, actor: Actor, lines: Collection[SeenReportLine]) -> int:
    """Make them the actor's. Returns how many; one that someone has changed since it was shown stays as it is."""
    return _change(host, actor, lines, "taken", {"owner_id": actor.actor_id})


def release(host: Host, actor: Actor, lines: Collection[SeenReportLine]) -> int:
    """Make them no one's."""
    return _change(host, actor, lines, "released", {"owner_id": None})


def set_state(host: Host, actor: Actor, lines: Collection[SeenReportLine], state: ReportLineState, note: str) -> int:
    """Set how far the work is, and the note where there is one."""
    values = {"state": state} | ({"note": note} if note else {})
    return _change(host, actor, lines, f"state: {STATE_LABELS[state]}", values)


def set_note(host: Host, actor: Actor, lines: Collection[SeenReportLine], note: str) -> int:
    """Set the note alone."""
    return _change(host, actor, lines, "note", {"note": note})


def _change(host: Host, actor: Actor, lines: Collection[SeenReportLine], logged: str, values: Mapping[str, Any]) -> int:
    """The audit trail says of each patient what was done, never the note."""
    if len(lines) > AT_MOST:
        raise Refused({"lines": f"Select at most {AT_MOST:,} lines at a time."})
    rows, _, kept_id = listing.joined(host)
    source = rows.join(report_line, and_(_line.report_id == _row.report_id, _line.line_key == _row.line_key))
    seen = tuple_(_line.line_id, _line.version).in_([tuple(line) for line in lines])
    visible = or_(_row.patient_id.is_(None), host.identity.visible(actor, kept_id))
    changed = {"changed_at": host.clock.now(), "changed_by": actor.actor_id, "version": _line.version + 1}
    with host.database.session() as session:
        query = select(_line.line_id, _line.version, kept_id.label("patient_id")).select_from(source)
        found = session.execute(query.where(seen, _line.closed_at.is_(None), visible)).all()
        if not found:
            return 0
        operation_id = record.begin(session, host, actor, OperationKind.WORK_ON_REPORT, detail={"lines": len(found)})
        is_found = tuple_(_line.line_id, _line.version).in_([(row.line_id, row.version) for row in found])
        session.execute(update(report_line).where(is_found).values(**values, **changed))
        events = (
            AuditEvent(
                actor=actor,
                action="update",
                noun="cparReport",
                key=str(operation_id),
                patient_id=row.patient_id,
                detail=f"line of a report: {logged}",
            )
            for row in found
        )
        host.audit.record(session, *events)
    return len(found)


def _narrowing(criteria: ReportLineCriteria) -> list[ColumnElement[bool]]:
    is_shown = _line.closed_at.is_not(None) if criteria.closed else _line.closed_at.is_(None)
    conditions: list[ColumnElement[bool]] = [is_shown]
    if criteria.kind:
        conditions.append(_line.kind == criteria.kind)
    if criteria.state:
        conditions.append(_line.state == criteria.state)
    if criteria.owner_id:
        is_owner = _line.owner_id.is_(None) if criteria.owner_id == NO_ONE else _line.owner_id == criteria.owner_id
        conditions.append(is_owner)
    return conditions
