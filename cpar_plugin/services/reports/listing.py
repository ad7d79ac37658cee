"""The reports that are kept, and the rows of one, each with the record of the patient found for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, FromClause, Row, and_, case, false, func, or_, select, true

from ...domain.exhaustive import exhaustive
from ...domain.list_columns import ColumnField
from ...domain.refusals import NotFound
from ...domain.report_lines import IS_WORK
from ...domain.reports import ReportKind
from ...hooks import Actor, Host
from ...store.folding import can_fold
from ...store.tables import panel, report, report_row
from ...store.types import KEYS
from ..roster.providers import actor_names
from ..uploads.matching import MatchedHow
from . import mismatches
from .following import outdated

AT_ONCE: Final = 100
_row = report_row.c


class RowGroup(StrEnum):
    """The rows of a report by who was found, in the order in which they are worked off."""

    PROPOSED = "proposed"
    SEVERAL = "several"
    NOT_FOUND = "not-found"
    FOUND = "found"


GROUP_LABELS: Final = exhaustive(
    __name__,
    RowGroup,
    {
        RowGroup.PROPOSED: "To accept",
        RowGroup.SEVERAL: "Several possible",
        RowGroup.NOT_FOUND: "Not found",
        RowGroup.FOUND: "Found",
    },
)
_IN_GROUP: Final[Mapping[RowGroup, ColumnElement[bool]]] = exhaustive(
    __name__,
    RowGroup,
    {
        RowGroup.PROPOSED: and_(_row.matches == 1, _row.accepted == false()),
        RowGroup.SEVERAL: _row.matches > 1,
        RowGroup.NOT_FOUND: _row.matches == 0,
        RowGroup.FOUND: and_(_row.matches == 1, _row.accepted == true()),
    },
)


@dataclass(frozen=True, slots=True)
class Report:
    """A report. `rows_read` counts the rows below the column names, `rows` those that are about a patient."""

    report_id: int
    kind: ReportKind
    panel_number: str  # '' for all panels
    received_at: datetime
    receiver: str
    name: str
    rows_read: int
    rows: int
    found: int  # rows with a patient who is certain or accepted
    proposed: int
    reported_on: date | None  # its own day, where its rows say one
    is_outdated: bool  # it has changed no line: see `following.outdated`


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A row as the report has it, with the record of the patient found; texts are '' where there is nothing."""

    row_number: int
    phn: str
    family_name: str
    given_name: str
    birth_date: str
    gender: str
    panel_text: str
    details: Mapping[ColumnField, str]
    matches: int
    how: MatchedHow | None
    accepted: bool
    patient_id: int | None  # of the record kept, where the one found was merged
    own_family_name: str | None
    own_given_name: str | None
    own_birth_date: str | None
    own_phn: str | None
    own_value: str | None  # of the field that does not match
    is_fixed: bool  # it is now what the registry has


@dataclass(frozen=True, slots=True)
class RowListing:
    """One page of the rows of a report. `counts` and `hidden` are of all its rows."""

    rows: Sequence[ReportRow]
    counts: Mapping[RowGroup, int]
    hidden: int  # rows about patients whom the actor may not see


def reports(connection: Connection, host: Host) -> list[Report]:
    """Every report that is kept, the latest first. Two statements."""
    return _reports(connection, host, true())


def required(connection: Connection, host: Host, report_id: int) -> Report:
    """One of them. Raises NotFound."""
    found = _reports(connection, host, report.c.report_id == report_id) if report_id in KEYS else []
    if not found:
        raise NotFound("Report not found. Its time may be over: start from the Reports tab.")
    return found[0]


def _reports(connection: Connection, host: Host, which: ColumnElement[bool]) -> list[Report]:
    counts = (
        select(
            _row.report_id,
            func.count().label("rows"),
            func.count(case((_IN_GROUP[RowGroup.FOUND], 1))).label("found"),
            func.count(case((_IN_GROUP[RowGroup.PROPOSED], 1))).label("proposed"),
        )
        .group_by(_row.report_id)
        .subquery("counts")
    )
    query = (
        select(
            report,
            panel.c.number,
            counts.c.rows,
            counts.c.found,
            counts.c.proposed,
            outdated(report).label("is_outdated"),
        )
        .select_from(
            report.outerjoin(counts, counts.c.report_id == report.c.report_id).outerjoin(
                panel, panel.c.panel_id == report.c.panel_id
            )
        )
        .where(which)
        .order_by(report.c.received_at.desc(), report.c.report_id.desc())
    )
    rows = connection.execute(query).all()
    names = actor_names(connection, host, {row.actor_id for row in rows})
    return [
        Report(
            report_id=row.report_id,
            kind=ReportKind(row.kind),
            panel_number=row.number or "",
            received_at=row.received_at,
            receiver=names[row.actor_id],
            name=row.name,
            rows_read=row.rows_read,
            rows=row.rows or 0,
            found=row.found or 0,
            proposed=row.proposed or 0,
            reported_on=row.reported_on,
            is_outdated=bool(row.is_outdated) and IS_WORK[ReportKind(row.kind)],
        )
        for row in rows
    ]


def rows_of(
    connection: Connection, host: Host, actor: Actor, report_id: int, group: RowGroup | None, offset: int
) -> RowListing:
    """The rows of a group, or of all, `AT_ONCE` from `offset` on, by their number in the file. Two statements."""
    can_fold(connection)
    source, patient, kept_id = joined(host)
    of_report = _row.report_id == report_id
    visible = or_(_row.patient_id.is_(None), host.identity.visible(actor, kept_id))
    counted = select(
        func.count(case((~visible, 1))), *(func.count(case((visible & _IN_GROUP[each], 1))) for each in RowGroup)
    )
    hidden, *counts = connection.execute(counted.select_from(source).where(of_report)).one()
    query = (
        select(
            *(_row[name] for name in ("row_number", "phn", "family_name", "given_name", "birth_date", "gender")),
            *(_row[name] for name in ("panel_text", "details", "matches", "how", "accepted")),
            kept_id.label("patient_id"),
            *(patient.c[name].label(f"own_{name}") for name in ("family_name", "given_name", "birth_date", "phn")),
            mismatches.own_value(patient).label("own_value"),
            mismatches.is_fixed(patient).label("is_fixed"),
        )
        .select_from(source)
        .where(of_report, visible, _IN_GROUP[group] if group else true())
        .order_by(_row.row_number)
        .offset(offset)
        .limit(AT_ONCE)
    )
    rows = [_report_row(row) for row in connection.execute(query)]
    return RowListing(rows, dict(zip(RowGroup, counts, strict=True)), hidden)


def joined(host: Host) -> tuple[FromClause, FromClause, ColumnElement[int]]:
    """Rows with the record of the patient found: the join, the patients in it, and the record's number.

    A record that was merged away leads to the one that was kept.
    """
    merged, patient = host.roster.merged(), host.roster.patients()
    kept_id = func.coalesce(merged.c.kept_id, _row.patient_id)
    source = report_row.outerjoin(merged, merged.c.retired_id == _row.patient_id)
    return source.outerjoin(patient, patient.c.patient_id == kept_id), patient, kept_id


def _report_row(row: Row[*tuple[Any, ...]]) -> ReportRow:
    values = dict(row._mapping)
    return ReportRow(
        **values
        | {
            "details": {ColumnField(field): text for field, text in orjson.loads(row.details).items()},
            "how": MatchedHow(row.how) if row.how else None,
            "accepted": bool(row.accepted),
            "is_fixed": bool(row.is_fixed),
        }
    )
