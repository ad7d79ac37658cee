"""What a bulk operation means for the next submission: for those that it changes, and for others with their PHN.

By the rules of a submission, applied to memberships as they are before and after the change.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple, assert_never

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    exists,
    func,
    null,
    select,
    true,
    union_all,
)

from ...domain.eligibility import Eligibility
from ...domain.reasons import Reason
from ...hooks import Actor, Host
from ...settings import Settings
from ...store import ledger, tables
from ...store.tables import member, panel
from ...store.types import LAST_KEY
from ..roster import member_rows, same_phn
from ..roster.eligible_in_sql import certainly_eligible
from ..roster.member_rows import MemberRow
from ..roster.same_phn import SamePhn
from .attach import Attach
from .depart import Depart
from .fill import Fill
from .import_order import Import
from .orders import Assign, Confirm, Move, Order, Remove

NAMED: Final = 50
_AT_ONCE: Final = 1000
_kept = member.alias("kept")


class AlsoExcluded(NamedTuple):
    """A member outside the change who is no longer submitted: the PHN is now shared."""

    family_name: str
    given_name: str
    patient_id: int
    panel_id: int
    panel_number: str
    other_records: tuple[int, ...]  # with the same PHN, that the actor may see: two at most


@dataclass(frozen=True, slots=True)
class PanelExclusions:
    """Of one panel's patients that an order changes: how many will be excluded, and why."""

    patients: int
    reasons: Counter[Reason]


@dataclass(frozen=True, slots=True)
class Outlook:
    """The next submission after a change, as of now, in numbers of patients. One with two reasons counts with both."""

    submitted: int
    excluded: int
    reasons: Counter[Reason]
    by_panel: Mapping[int, PanelExclusions]  # those of the panels that have any
    also_excluded: Sequence[AlsoExcluded]  # by name, at most NAMED
    also_excluded_more: int  # that the actor may see, too
    also_excluded_hidden: int


@dataclass(frozen=True, slots=True)
class _Change:
    """Memberships before and after a change, in the columns of `cpar_member`; `since` may be NULL: no rule needs it."""

    before: FromClause
    after: FromClause
    after_ids: FromClause  # the patient_id of each of `after`, without what it takes to say more
    counted: FromClause  # of those that it changes, the ones to count
    how_many: int  # they are
    changed_ids: Select[Any]


def of_order(
    connection: Connection, host: Host, actor: Actor, settings: Settings, order: Order, changed_patients: int
) -> Outlook:
    """If an order were carried out now. At most five statements, two more for each thousand shared PHNs.

    `changed_patients`: how many it would change (Preview.changed).
    """
    scope = order.scope(host, actor)
    panel_id, _, confirmed_on, confirmed_how = order.after(host, scope)
    columns = zip(ledger.columns(), (panel_id, null(), confirmed_on, confirmed_how), strict=True)
    changed_ids = select(scope.patient_id.label("patient_id")).select_from(scope.source).where(scope.changes)
    on_panel = changed_ids.where(panel_id.is_not(None))
    changed = on_panel.add_columns(*(value.label(column.name) for column, value in columns))
    after = union_all(_except(changed_ids), changed).subquery("after_order")
    after_ids = union_all(_except(changed_ids).with_only_columns(_kept.c.patient_id), on_panel).subquery("after_ids")
    # The limit excludes no one. It keeps databases from looking a visit up again for each mention.
    counted = changed.limit(LAST_KEY).subquery("changed")
    change = _Change(member, after, after_ids, counted, changed_patients, changed_ids)
    return _outlook(connection, host, actor, settings, change, last_visit_on=_visit(order, counted))


def of_operation(connection: Connection, host: Host, actor: Actor, settings: Settings, operation_id: int) -> Outlook:
    """After an operation: those it changed who are still on the panel it put them on, and visible to the actor."""
    entry = tables.ledger.c
    changed_ids = select(entry.patient_id).where(entry.operation_id == operation_id)
    had = changed_ids.with_only_columns(
        entry.patient_id, entry.from_panel_id, null(), entry.from_confirmed_on, entry.from_confirmed_how
    ).where(entry.from_panel_id.is_not(None))
    before = union_all(_except(changed_ids), had).subquery("before_operation")
    in_operation = exists().where(
        entry.operation_id == operation_id,
        entry.patient_id == member.c.patient_id,
        entry.to_panel_id == member.c.panel_id,
    )
    visible = host.identity.visible(actor, member.c.patient_id)
    counted = select(member).where(in_operation, visible).subquery("counted")
    how_many = connection.scalar(select(func.count()).select_from(counted)) or 0
    return _outlook(connection, host, actor, settings, _Change(before, member, member, counted, how_many, changed_ids))


def _visit(order: Order, changed: FromClause) -> ColumnElement[date] | None:
    """The last visit of those that an order changes, where it is what it confirms them by."""
    match order:
        case Assign() | Attach() | Fill() | Import() | Move() | Depart():
            return changed.c.confirmed_on
        case Remove() | Confirm():
            return None
        case _:
            assert_never(order)


def _except(changed_ids: Select[Any]) -> Select[Any]:
    """The memberships that a change does not concern."""
    columns = (_kept.c.panel_id, null().label("since"), _kept.c.confirmed_on, _kept.c.confirmed_how)
    return select(_kept.c.patient_id, *columns).where(_kept.c.patient_id.not_in(changed_ids))


def _outlook(
    connection: Connection,
    host: Host,
    actor: Actor,
    settings: Settings,
    change: _Change,
    last_visit_on: ColumnElement[date] | None = None,
) -> Outlook:
    """`last_visit_on`: of those counted, where it is known."""
    now = host.clock.now()
    visible = host.identity.visible(actor, change.after.c.patient_id)
    shared = same_phn.of_all(
        connection, host, settings, now, visible, membership=change.after, patient_ids=change.after_ids
    )
    rules = same_phn.eligibility(connection, host, settings, now, same_phn=shared)
    members = member_rows.members(host, now=now, membership=change.counted, last_visit_on=last_visit_on)
    doubtful = members.where(certainly_eligible(members.selected_columns, rules).is_not(true()))
    excluded: Counter[int] = Counter()
    reasons: dict[int, Counter[Reason]] = {}
    doubtful = doubtful.add_columns(change.counted.c.panel_id)
    with connection.execute(doubtful.execution_options(yield_per=_AT_ONCE)) as result:
        for *columns, panel_id in result:
            if excluding := rules.reasons(MemberRow._make(columns)):
                excluded[panel_id] += 1
                reasons.setdefault(panel_id, Counter()).update(excluding)
    others = [
        other
        for phns in same_phn.portions(sorted(shared.shared))
        for other in _also_excluded(connection, host, settings, change, phns, rules, shared, visible)
    ]
    named = sorted(other for other in others if other)
    return Outlook(
        submitted=change.how_many - excluded.total(),
        excluded=excluded.total(),
        reasons=sum(reasons.values(), Counter()),
        by_panel={panel_id: PanelExclusions(count, reasons[panel_id]) for panel_id, count in excluded.items()},
        also_excluded=named[:NAMED],
        also_excluded_more=len(named[NAMED:]),
        also_excluded_hidden=len(others) - len(named),
    )


def _also_excluded(
    connection: Connection,
    host: Host,
    settings: Settings,
    change: _Change,
    phns: list[str],
    rules: Eligibility,
    shared: SamePhn,
    visible: ColumnElement[bool],
) -> Iterator[AlsoExcluded | None]:
    """Those with one of these shared PHNs that was not shared before; None for each that the actor may not see."""
    now, after = host.clock.now(), change.after
    shared_before = same_phn.of_all(connection, host, settings, now, among=phns, membership=change.before).shared
    newly_shared = [phn for phn in phns if phn not in shared_before]
    members = member_rows.members(host, now=now, membership=after)
    unchanged = (
        members.add_columns(panel.c.panel_id, panel.c.number, visible.label("visible"))
        .join(panel, panel.c.panel_id == after.c.panel_id)
        .where(members.selected_columns.phn.in_(newly_shared), after.c.patient_id.not_in(change.changed_ids))
    )
    for *columns, panel_id, number, is_visible in connection.execute(unchanged) if newly_shared else ():
        row = MemberRow._make(columns)
        if rules.reasons(row) == (Reason.SHARED_PHN,):
            names = row.family_name or "", row.given_name or ""
            yield AlsoExcluded(*names, row.patient_id, panel_id, number, shared.others(row)) if is_visible else None
