"""How many members there were at the end of each month, reckoned back from now by what the ledger says of changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from ...domain.bands import month_starts
from ...hooks import Actor, Host
from ...store.tables import ledger, operation

MONTHS = 24


@dataclass(frozen=True, slots=True)
class Month:
    """One month. `until` is its last day; today for the current one. `patients` is how many there were at its end."""

    until: date
    joined: int
    left: int
    patients: int


def months(connection: Connection, host: Host, actor: Actor, panel_id: int | None, patients: int) -> Sequence[Month]:
    """The last months, the latest last, from the first with a member. One statement over these months' changes.

    `patients` is how many members the actor sees now. Of all panels together, a move between two is no change.
    """
    today = host.clock.now().astimezone(host.clock.zone).date()
    starts = month_starts(today, MONTHS)
    moments = [datetime.combine(start, time(), host.clock.zone).astimezone(UTC) for start in starts]
    was_member, is_member = (_on(column, panel_id) for column in (ledger.c.from_panel_id, ledger.c.to_panel_id))
    # First by operation, which is the ledger's own order: by month, each of its lines would be sorted.
    joining = func.count(case((and_(is_member, ~was_member), 1)))
    leaving = func.count(case((and_(was_member, ~is_member), 1)))
    by_operation = (
        select(operation.c.at, joining.label("joined"), leaving.label("leavers"))
        .join_from(operation, ledger, ledger.c.operation_id == operation.c.operation_id)
        .where(
            operation.c.at >= moments[0], host.identity.visible(actor, ledger.c.patient_id), or_(was_member, is_member)
        )
        .group_by(operation.c.operation_id, operation.c.at)
        .subquery("by_operation")
    )
    place = case(
        *((by_operation.c.at < moment, number) for number, moment in enumerate(moments[1:])), else_=len(moments) - 1
    ).label("place")
    changes = select(place, func.sum(by_operation.c.joined), func.sum(by_operation.c.leavers)).group_by("place")
    changed = {number: (int(joined), int(leavers)) for number, joined, leavers in connection.execute(changes)}
    if not patients and not changed:
        return []
    result = []
    for number in reversed(range(MONTHS)):
        until = today if number == MONTHS - 1 else starts[number + 1] - timedelta(days=1)
        joined, leavers = changed.get(number, (0, 0))
        result.append(Month(until, joined, leavers, patients))
        patients += leavers - joined
        if not patients and not any(earlier in changed for earlier in range(number)):
            break
    return result[::-1]


def _on(column: ColumnElement[int | None], panel_id: int | None) -> ColumnElement[bool]:
    """Whether a side of the ledger is the panel, or any; never NULL."""
    return column.is_not(None) if panel_id is None else and_(column.is_not(None), column == panel_id)
