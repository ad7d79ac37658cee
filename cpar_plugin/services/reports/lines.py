"""The lines of reports to work on: one page of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import ColumnElement, and_, func, or_, select

from ...domain.exclusion_lines import age_in_days
from ...domain.list_columns import ColumnField
from ...domain.report_lines import ReportLineState
from ...domain.reports import ReportKind
from ...hooks import Actor, Host
from ...store.tables import report_line, report_row
from ..roster.providers import actor_names
from ..work_lines import changing
from . import listing

AT_ONCE: Final = 100
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


def _narrowing(criteria: ReportLineCriteria) -> list[ColumnElement[bool]]:
    is_shown = _line.closed_at.is_not(None) if criteria.closed else _line.closed_at.is_(None)
    conditions = [is_shown, *changing.narrowing(report_line, criteria.owner_id, criteria.state)]
    if criteria.kind:
        conditions.append(_line.kind == criteria.kind)
    return conditions
