"""The lines of reports to work on: a page of them, all of them one by one, and how many there are to do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, Select, func, or_, select, true

from ...domain.exclusion_lines import age_in_days
from ...domain.list_columns import ColumnField
from ...domain.report_lines import TO_DO, ReportLineState, due_on
from ...domain.reports import ReportKind
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import panel, report_line, report_row
from ..roster.providers import actor_names
from .lines_query import ReportLineCriteria, ReportLineSource, deleted_at_of_panel, source_of
from .mismatches import own_value

AT_ONCE: Final = 100
_READ_AT_ONCE: Final = 1000
_line, _row = report_line.c, report_row.c


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
    birth_date: str | None
    phn: str | None
    mrp: str
    panel_number: str
    listed_family_name: str
    listed_given_name: str
    listed_phn: str
    details: Mapping[ColumnField, str]
    own_value: str | None  # of the field that does not match; None where there is none, or no one is certain
    opened_at: datetime
    age: int  # in the clinic's days
    due: date | None
    overdue: bool
    closed_at: datetime | None  # when a report came that has it no longer, or its panel was deleted
    panel_deleted: bool  # which of them
    times: int
    state: ReportLineState
    owner_id: str | None
    owner: str
    note: str


@dataclass(frozen=True, slots=True)
class ReportLineListing:
    """One page of lines."""

    lines: Sequence[ReportLine]
    matching: int
    owners: Mapping[str, str]  # who has taken lines: name by id
    mrps: Mapping[str, str]  # the MRPs of patients with open lines: name by id


def show(host: Host, actor: Actor, settings: Settings, criteria: ReportLineCriteria, offset: int) -> ReportLineListing:
    """`AT_ONCE` lines from `offset` on, of those whose patients the actor may see. Five statements."""
    lines = source_of(host, actor)
    conditions = lines.narrowing(criteria)
    query = _query(lines, criteria).offset(offset).limit(AT_ONCE)
    mrp_id = lines.patient.c.mrp_id
    with host.database.engine.connect() as connection:
        matching = connection.scalar(select(func.count()).select_from(lines.source).where(*conditions)) or 0
        rows = connection.execute(query).all()
        owner_ids = set(connection.scalars(select(_line.owner_id).where(_line.owner_id.is_not(None)).distinct()))
        of_open = (lines.visible, _line.closed_at.is_(None), _row.accepted == true(), mrp_id.is_not(None))
        mrp_ids = set(connection.scalars(select(mrp_id).select_from(lines.source).where(*of_open).distinct()))
        mrp_ids.discard("")
        names = actor_names(connection, host, owner_ids | mrp_ids | {row.mrp_id for row in rows if row.mrp_id})
    found = [_report_line(host, settings, row, names) for row in rows]
    return ReportLineListing(found, matching, _by_name(owner_ids, names), _by_name(mrp_ids, names))


def every_line(
    connection: Connection, host: Host, actor: Actor, settings: Settings, criteria: ReportLineCriteria
) -> Iterator[ReportLine]:
    """All lines that the criteria find, in their order, read while they are used. Two statements."""
    provider = host.roster.providers()
    names = actor_names(connection, host, set(connection.scalars(select(provider.c.provider_id))))
    query = _query(source_of(host, actor), criteria).execution_options(yield_per=_READ_AT_ONCE)
    with connection.execute(query) as result:
        for row in result:
            yield _report_line(host, settings, row, names)


def to_do(connection: Connection, host: Host, actor: Actor) -> int:
    """How many lines there are to do, of patients whom the actor may see. One statement, without their records."""
    merged = host.roster.merged()
    kept_id = func.coalesce(merged.c.kept_id, _row.patient_id)
    query = (
        select(func.count())
        .join_from(report_line, report_row, (_row.report_id == _line.report_id) & (_row.line_key == _line.line_key))
        .outerjoin(merged, merged.c.retired_id == _row.patient_id)
        .where(_line.closed_at.is_(None), _line.state.in_(TO_DO))
        .where(or_(_row.patient_id.is_(None), host.identity.visible(actor, kept_id)))
    )
    return connection.scalar(query) or 0


def one(connection: Connection, host: Host, actor: Actor, settings: Settings, line_id: int) -> ReportLine | None:
    """A line, open or closed; None where there is none, or the actor may not see its patient. Two statements."""
    lines = source_of(host, actor)
    row = connection.execute(_selected(lines).where(lines.visible, _line.line_id == line_id)).one_or_none()
    if row is None:
        return None
    names = actor_names(connection, host, {person for person in (row.owner_id, row.mrp_id) if person})
    return _report_line(host, settings, row, names)


def _by_name(ids: set[str], names: Mapping[str, str]) -> dict[str, str]:
    return {each: names[each] for each in sorted(ids, key=names.__getitem__)}


def _query(lines: ReportLineSource, criteria: ReportLineCriteria) -> Select[Any]:
    return _selected(lines).where(*lines.narrowing(criteria)).order_by(*lines.order(criteria))


def _selected(lines: ReportLineSource) -> Select[Any]:
    return select(
        report_line,
        lines.kept_id.label("patient_id"),
        panel.c.number,
        *(_row[name] for name in ("accepted", "details")),
        *(_row[name].label(f"listed_{name}") for name in ("phn", "family_name", "given_name")),
        *(lines.patient.c[name] for name in ("family_name", "given_name", "birth_date", "phn", "mrp_id")),
        own_value(lines.patient).label("own_value"),
        deleted_at_of_panel().label("panel_deleted_at"),
    ).select_from(lines.source)


def _report_line(host: Host, settings: Settings, row: Row[Any], names: Mapping[str, str]) -> ReportLine:
    now, zone = host.clock.now(), host.clock.zone
    due = due_on(row.opened_at, settings.report_due_days, zone)
    is_known = bool(row.accepted and row.patient_id)
    return ReportLine(
        line_id=row.line_id,
        version=row.version,
        kind=ReportKind(row.kind),
        report_id=row.report_id,
        patient_id=row.patient_id if is_known else None,
        family_name=row.family_name if is_known else None,
        given_name=row.given_name if is_known else None,
        birth_date=row.birth_date if is_known else None,
        phn=row.phn if is_known else None,
        mrp=names.get(row.mrp_id, row.mrp_id) if is_known and row.mrp_id else "",
        panel_number=row.number or "",
        listed_family_name=row.listed_family_name,
        listed_given_name=row.listed_given_name,
        listed_phn=row.listed_phn,
        details={ColumnField(field): text for field, text in orjson.loads(row.details).items()},
        own_value=row.own_value,
        opened_at=row.opened_at,
        age=age_in_days(row.opened_at, row.closed_at or now, zone),
        due=due,
        overdue=due is not None and row.closed_at is None and due < now.astimezone(zone).date(),
        closed_at=row.closed_at,
        panel_deleted=row.closed_at is not None and row.closed_at == row.panel_deleted_at,
        times=row.times,
        state=ReportLineState(row.state),
        owner_id=row.owner_id,
        owner=names.get(row.owner_id, row.owner_id) if row.owner_id else "",
        note=row.note,
    )
