"""One page of the list of exclusions over all panels, with how many there are of each reason."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, case, exists, func, null, or_, select, union_all

from ...domain.exclusion_lines import Closing, LineState, age_in_days
from ...domain.reasons import Reason
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import exclusion_comparison, exclusion_line, member, operation_panel, panel
from ..roster import member_rows, merges
from ..roster.member_rows import MemberRow
from ..roster.providers import actor_names
from ..work_lines.changes import NO_ONE
from . import compare
from .lines_query import (
    LineCriteria,
    LineKey,
    LineSource,
    beyond,
    key_of_mark,
    narrowing,
    order,
    source_of,
)

AT_ONCE: Final = 100
_line = exclusion_line.c


@dataclass(frozen=True, slots=True)
class ExclusionLine:
    """One reason of one patient, with the patient and the panel as they are now."""

    key: LineKey
    version: int
    panel_id: int
    panel_number: str
    family_name: str | None
    given_name: str | None
    birth_date: str | None
    phn: str | None
    mrp: str  # a name, '' for none
    known: bool  # whether the EMR still has the record
    member: MemberRow | None  # None for closed lines, and for a member who left in this moment
    same_phn: tuple[int, ...]  # for a shared PHN: other patients with it that the actor may see, at most two
    merged_into: int | None  # the record kept, for one that was merged away
    opened_at: datetime
    age: int  # in the clinic's days
    closed_at: datetime | None
    closing: Closing | None
    state: LineState
    owner_id: str | None
    owner: str  # a name, '' for no one
    note: str
    changed_at: datetime | None
    changed_by: str  # a name, '' for no one


@dataclass(frozen=True, slots=True)
class LineListing:
    """One page of lines.

    `submitted` and `excluded` are numbers of patients, of the panel and the MRP of the criteria, `hidden` those on the
    panel that the actor may not see. `reasons` counts the lines of each reason, as the other criteria narrow them.
    """

    lines: Sequence[ExclusionLine]
    matching: int  # lines on all pages together
    earlier: bool  # whether there are pages before this one
    later: bool  # whether there are pages after this one
    restarted: bool  # the line where it should begin or end is gone: this is the first page
    submitted: int | None  # None where an MRP is chosen: all members would have to be read
    excluded: int
    hidden: int
    reasons: Counter[Reason]
    owners: Mapping[str, str]  # who has taken lines: name by id
    mrps: Mapping[str, str]  # who is the MRP of patients with lines: name by id
    as_of: datetime | None  # when everyone was last compared with the EMR


def show(host: Host, actor: Actor, settings: Settings, criteria: LineCriteria, at_once: int = AT_ONCE) -> LineListing:
    """One page, of `at_once` lines, compared with the rules at this moment."""
    compare.compare_to_show(host, settings)
    listing, outdated = _read(host, actor, settings, criteria, at_once)
    if outdated:
        compare.compare_patients(host, settings, outdated)
        listing, _ = _read(host, actor, settings, criteria, at_once)
    return listing


def lines_from(
    host: Host, actor: Actor, settings: Settings, criteria: LineCriteria, first: LineListing
) -> Iterator[ExclusionLine]:
    """All lines from those of the page `first` on, page by page. Raises LookupError when its last line is gone."""
    listing = first
    while True:
        yield from listing.lines
        if not listing.later:
            return
        criteria = replace(criteria, after=listing.lines[-1].key)
        listing = show(host, actor, settings, criteria, len(first.lines))
        if listing.restarted:
            raise LookupError("the list has changed")


def excluded_by_panel(connection: Connection) -> Mapping[int, int | None]:
    """How many members of each panel will be excluded, as of the last comparison; a panel with no one is not in it.

    None for a panel whose members were changed since, or before the first comparison. One statement.
    """
    compared = select(exclusion_comparison.c.operation_id).where(exclusion_comparison.c.whole_at.is_not(None))
    last = func.coalesce(compared.scalar_subquery(), -1)
    of_panel = operation_panel.c.panel_id == panel.c.panel_id
    changed = exists().where(of_panel, operation_panel.c.operation_id > last)
    counts = (
        select(member.c.panel_id, func.count(_line.patient_id.distinct()))
        .join_from(exclusion_line, member, member.c.patient_id == _line.patient_id)
        .where(_line.closed_at.is_(None))
        .group_by(member.c.panel_id)
    )
    unknown = select(panel.c.panel_id, null()).where(panel.c.live_number.is_not(None), or_(last < 0, changed))
    found: dict[int, int | None] = {}
    for panel_id, count in connection.execute(union_all(counts, unknown)):
        found[panel_id] = None if count is None or found.get(panel_id, count) is None else count
    return found


def lines_of(lines: LineSource, criteria: LineCriteria) -> Select[Any]:
    """All lines of the criteria, in their order: the line's columns, panel, patient, and `sort_key`."""
    patient, key = lines.patient.c, lines.key(criteria.sort)
    return (
        select(
            *(column for column in _line if column is not _line.panel_id),
            panel.c.panel_id,
            panel.c.number,
            patient.patient_id.is_not(None).label("known"),
            patient.family_name,
            patient.given_name,
            patient.birth_date,
            patient.phn,
            patient.mrp_id,
            key.label("sort_key"),
        )
        .select_from(lines.source)
        .where(*lines.conditions, *narrowing(criteria))
        .order_by(*order(key, criteria))
    )


def _read(
    host: Host, actor: Actor, settings: Settings, criteria: LineCriteria, at_once: int
) -> tuple[LineListing, list[int]]:
    """The page, and the patients on it whose lines are no longer what the rules say."""
    now = host.clock.now()
    with host.database.engine.connect() as connection:
        lines = source_of(host, actor, criteria)
        mark = key_of_mark(lines, criteria)
        mark_key = connection.scalar(mark) if mark is not None else None
        restarted = mark is not None and mark_key is None
        if restarted:
            criteria = criteria.first_page
        query = lines_of(lines, criteria).where(beyond(lines.key(criteria.sort), mark_key, criteria))
        found = connection.execute(query.limit(at_once + 1)).all()
        rows, has_more, is_backwards = found[:at_once], len(found) > at_once, criteria.before is not None
        if is_backwards:
            rows = rows[::-1]
        groups, mrp_ids = _groups(connection, lines), _mrps(connection, host, actor)
        total, visible, excluded, as_of = _counts(connection, host, actor, criteria, lines)
        owner_ids = {owner_id for _, owner_id, _ in groups if owner_id}
        used = {name for row in rows for name in (row.mrp_id, row.changed_by) if name}
        names = actor_names(connection, host, owner_ids | mrp_ids | used)
        members = {} if criteria.closed else _members(connection, host, now, {row.patient_id for row in rows})
        visible_condition = host.identity.visible(actor, member.c.patient_id)
        rules, shared = compare.rules_for(connection, host, settings, now, list(members.values()), visible_condition)
        kept = merges.kept_records(connection, host, [row.patient_id for row in rows if not row.known])
    outdated = {
        row.patient_id
        for row in rows
        if not criteria.closed
        and (row.patient_id not in members or row.reason not in rules.reasons(members[row.patient_id]))
    }
    reasons: Counter[Reason] = Counter()
    for (reason, owner_id, state), count in groups.items():
        if _matches(criteria, owner_id, state):
            reasons[Reason(reason)] += count
    listing = LineListing(
        lines=[
            _line_of(host, row, names, members.get(row.patient_id), kept.get(row.patient_id), now, shared.others)
            for row in rows
        ],
        matching=reasons[criteria.reason] if criteria.reason else reasons.total(),
        earlier=has_more if is_backwards else criteria.after is not None,
        later=is_backwards or has_more,
        restarted=restarted,
        submitted=None if criteria.mrp_id else visible - excluded,
        excluded=excluded,
        hidden=total - visible,
        reasons=reasons,
        owners={owner_id: names[owner_id] for owner_id in sorted(owner_ids, key=names.__getitem__)},
        mrps={mrp_id: names[mrp_id] for mrp_id in sorted(mrp_ids, key=names.__getitem__)},
        as_of=as_of,
    )
    return listing, sorted(outdated)


def _matches(criteria: LineCriteria, owner_id: str | None, state: str) -> bool:
    is_owner = criteria.owner_id in (None, owner_id) or (criteria.owner_id == NO_ONE and owner_id is None)
    return is_owner and criteria.state in (None, state)


def _groups(connection: Connection, lines: LineSource) -> dict[tuple[str, str | None, str], int]:
    """How many lines there are by reason, owner and state, of the panel and the MRP of the criteria."""
    columns = (_line.reason, _line.owner_id, _line.state)
    query = select(*columns, func.count()).select_from(lines.source).where(*lines.conditions).group_by(*columns)
    return {(reason, owner_id, state): count for reason, owner_id, state, count in connection.execute(query)}


def _mrps(connection: Connection, host: Host, actor: Actor) -> set[str]:
    """The MRPs of all patients with open lines."""
    lines = source_of(host, actor, LineCriteria())
    query = select(lines.patient.c.mrp_id).select_from(lines.source).where(*lines.conditions).distinct()
    return set(filter(None, connection.scalars(query)))


def _counts(
    connection: Connection, host: Host, actor: Actor, criteria: LineCriteria, lines: LineSource
) -> tuple[int, int, int, datetime | None]:
    """The panel's members, those that the actor may see, those of these and the MRP that are excluded; as of when."""
    open_lines = source_of(host, actor, LineCriteria(panel_id=criteria.panel_id, mrp_id=criteria.mrp_id))
    excluded = (
        select(func.count(_line.patient_id.distinct())).select_from(open_lines.source).where(*open_lines.conditions)
    )
    visible = host.identity.visible(actor, member.c.patient_id)
    counts = select(
        func.count(),
        func.count(case((visible, 1))),
        excluded.scalar_subquery(),
        select(exclusion_comparison.c.whole_at).scalar_subquery(),
    ).select_from(member)
    if criteria.panel_id is not None:
        counts = counts.where(member.c.panel_id == criteria.panel_id)
    total, visible_count, excluded_count, as_of = connection.execute(counts).one()
    return total, visible_count, excluded_count, as_of


def _members(connection: Connection, host: Host, now: datetime, patient_ids: Collection[int]) -> dict[int, MemberRow]:
    """The members among these patients, a page of them."""
    if not patient_ids:
        return {}
    query = member_rows.members(host, now=now).where(member.c.patient_id.in_(patient_ids))
    return {row.patient_id: row for row in map(MemberRow._make, connection.execute(query))}


def _line_of(
    host: Host,
    row: Row[Any],
    names: Mapping[str, str],
    member_row: MemberRow | None,
    merged_into: int | None,
    now: datetime,
    others: Any,
) -> ExclusionLine:
    reason = Reason(row.reason)
    return ExclusionLine(
        key=LineKey(row.patient_id, reason),
        version=row.version,
        panel_id=row.panel_id,
        panel_number=row.number,
        family_name=row.family_name,
        given_name=row.given_name,
        birth_date=row.birth_date,
        phn=row.phn,
        mrp=names[row.mrp_id] if row.mrp_id else "",
        known=bool(row.known),
        member=member_row,
        same_phn=others(member_row) if member_row and reason is Reason.SHARED_PHN else (),
        merged_into=merged_into,
        opened_at=row.opened_at,
        age=age_in_days(row.opened_at, row.closed_at or now, host.clock.zone),
        closed_at=row.closed_at,
        closing=Closing(row.closing) if row.closing else None,
        state=LineState(row.state),
        owner_id=row.owner_id,
        owner=names[row.owner_id] if row.owner_id else "",
        note=row.note,
        changed_at=row.changed_at,
        changed_by=names[row.changed_by] if row.changed_by else "",
    )
