"""Keep the list of exclusions in line with what a submission would exclude, by the same rules: lines open and close.

Each comparison judges members, writes what it finds into a table of its own, and then changes the lines with a few
statements for all of them.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    exists,
    insert,
    literal,
    null,
    select,
    true,
    update,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from ...domain.eligibility import Eligibility
from ...domain.exclusion_lines import Closing, LineState
from ...domain.refusals import Refused
from ...hooks import Host
from ...settings import Settings
from ...store.tables import exclusion_comparison, exclusion_found, exclusion_line, member
from ...store.types import Moment
from ...store.waiting import waited_too_long
from ..operations import clinic
from ..roster import member_rows, merges, same_phn
from ..roster.eligible_in_sql import certainly_eligible
from ..roster.member_rows import MemberRow
from ..roster.same_phn import SamePhn
from .compared import FEW, Compared, compared, is_due, state_of

_AT_ONCE: Final = 1000
_OVERDUE: Final = 3  # comparisons of everyone that did not take place: then a page does it
_line, _found = exclusion_line.c, exclusion_found.c


def compare_to_show(host: Host, settings: Settings) -> None:
    """As `due` does, before something is shown: only what takes no time, unless the scheduler does not do its work."""
    with host.database.engine.connect() as connection:
        state, changed = state_of(connection)
    if is_due(state, host.clock.now(), _OVERDUE * settings.exclusions_time):
        compare_everyone(host, settings, state.whole_at)
    elif changed and len(changed) <= FEW:
        compare_changed(host, settings, changed, state)


def compare_everyone(host: Host, settings: Settings, seen: datetime | None) -> None:
    """Compare all members, unless another process has done so since the moment `seen`. Merges are followed first."""
    merges.catch_up_to_show(host)
    _compare(host, settings, None, seen=seen)


def compare_changed(host: Host, settings: Settings, patient_ids: Collection[int], state: Compared) -> None:
    """Compare those whose memberships have changed up to the last operation of a state."""
    _compare(host, settings, patient_ids, operation_id=state.last_operation_id)


def compare_patients(host: Host, settings: Settings, patient_ids: Collection[int]) -> None:
    """Compare these patients, a page of them."""
    _compare(host, settings, patient_ids)


def rules_for(
    connection: Connection,
    host: Host,
    settings: Settings,
    now: datetime,
    rows: Sequence[MemberRow],
    visible: ColumnElement[bool] | None = None,
) -> tuple[Eligibility, SamePhn]:
    """The rules for some members, and who shares a PHN with them: read only for those with no other reason."""
    alone = same_phn.eligibility(connection, host, settings, now, same_phn=SamePhn())
    phns = {row.phn for row in rows if row.phn and not alone.reasons(row)}
    shared = same_phn.of_all(connection, host, settings, now, visible, among=phns)
    return same_phn.eligibility(connection, host, settings, now, same_phn=shared), shared


def _compare(
    host: Host,
    settings: Settings,
    patient_ids: Collection[int] | None,
    *,
    operation_id: int | None = None,
    seen: datetime | None = None,
) -> None:
    """Compare all members, or these patients. Some patients wait for no one: everyone is being compared then."""
    waits = patient_ids is None
    try:
        with host.database.session() as session:
            whole_at = session.scalar(select(exclusion_comparison.c.whole_at).with_for_update(nowait=not waits))
            if patient_ids is None and whole_at != seen:
                return
            now = host.clock.now()
            with host.database.engine.connect() as view:
                last = compared(view).last_operation_id if patient_ids is None else operation_id
                for rows in same_phn.portions(_judged(view, host, settings, now, patient_ids)):
                    session.execute(insert(exclusion_found), rows)
            clinic.lock(session)  # as those who change lines do: two orders of locks would be a deadlock
            _change_lines(session, now, patient_ids)
            values: dict[str, Any] = {"compared_at": now}
            if last is not None:
                values["operation_id"] = last
            if patient_ids is None:
                values["whole_at"] = now
            session.execute(update(exclusion_comparison).values(values))
    except Refused:
        return  # a large change keeps the lock: the next comparison follows
    except OperationalError as error:
        if not waited_too_long(error):
            raise  # else the other one's comparison is as good


def _judged(
    view: Connection, host: Host, settings: Settings, now: datetime, patient_ids: Collection[int] | None
) -> Iterator[dict[str, object]]:
    """Every reason of every excluded member: for all members, only those in doubt are read, one after the other."""
    members = member_rows.members(host, now=now)
    if patient_ids is None:
        rules = same_phn.eligibility(view, host, settings, now)
        query = members.where(certainly_eligible(members.selected_columns, rules).is_not(true())).add_columns(
            member.c.panel_id
        )
        with view.execute(query.execution_options(yield_per=_AT_ONCE)) as result:
            for *columns, panel_id in result:
                yield from _reasons(rules, MemberRow._make(columns), panel_id)
        return
    query = members.where(member.c.patient_id.in_(patient_ids)).add_columns(member.c.panel_id)
    found = [(MemberRow._make(columns), panel_id) for *columns, panel_id in view.execute(query)]
    rules, _ = rules_for(view, host, settings, now, [row for row, _ in found])
    for row, panel_id in found:
        yield from _reasons(rules, row, panel_id)


def _reasons(rules: Eligibility, row: MemberRow, panel_id: int) -> Iterator[dict[str, object]]:
    for reason in rules.reasons(row):
        yield {"patient_id": row.patient_id, "reason": reason, "panel_id": panel_id}


def _change_lines(session: Session, now: datetime, patient_ids: Collection[int] | None) -> None:
    """Make the lines what was found: close, open again, follow to another panel, open for the first time."""
    concerned = true() if patient_ids is None else _line.patient_id.in_(patient_ids)
    same = and_(_found.patient_id == _line.patient_id, _found.reason == _line.reason)
    is_found = exists().where(same)
    is_member = exists().where(member.c.patient_id == _line.patient_id)
    panel_id = select(_found.panel_id).where(same).scalar_subquery()

    def change(*conditions: ColumnElement[bool], **values: Any) -> None:
        session.execute(update(exclusion_line).where(*conditions).values(version=_line.version + 1, **values))

    change(
        concerned,
        _line.closed_at.is_(None),
        ~is_found,
        closed_at=now,
        closing=case((is_member, Closing.REASON_GONE.value), else_=Closing.NOT_ON_PANEL.value),
    )
    change(
        concerned,
        _line.closed_at.is_not(None),
        is_found,
        closed_at=null(),
        closing=null(),
        opened_at=now,
        state=LineState.OPEN,
        panel_id=panel_id,
    )
    session.execute(
        update(exclusion_line).where(concerned, is_found, _line.panel_id != panel_id).values(panel_id=panel_id)
    )
    columns = {
        "patient_id": _found.patient_id,
        "reason": _found.reason,
        "panel_id": _found.panel_id,
        "opened_at": literal(now, Moment()),
        "state": literal(LineState.OPEN.value),
        "note": literal(""),
        "version": literal(1),
    }
    new = select(*columns.values()).where(~exists(select(_line.patient_id).where(same)))
    session.execute(insert(exclusion_line).from_select(list(columns), new))
    session.execute(delete(exclusion_found))
