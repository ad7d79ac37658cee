"""Up to when the list of exclusions is right, and whose memberships changed since."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, select

from ...store.tables import exclusion_comparison, ledger, operation

FEW: Final = 1000  # patients who are compared by themselves: for more, everyone is


@dataclass(frozen=True, slots=True)
class Compared:
    """Up to when the lines are right: `whole_at` for all members, None before the first comparison."""

    compared_at: datetime | None
    whole_at: datetime | None
    operation_id: int  # the last one that was considered
    last_operation_id: int  # the last one that there is


def compared(connection: Connection) -> Compared:
    """How the lines are now. One statement."""
    last = select(func.coalesce(func.max(operation.c.operation_id), 0)).scalar_subquery()
    row = exclusion_comparison.c
    return Compared(*connection.execute(select(row.compared_at, row.whole_at, row.operation_id, last)).one())


def state_of(connection: Connection) -> tuple[Compared, list[int]]:
    """How the lines are, and whose memberships changed since: more than FEW of them where there are many."""
    state = compared(connection)
    if state.whole_at is None or state.operation_id == state.last_operation_id:
        return state, []
    later = select(ledger.c.patient_id).where(ledger.c.operation_id > state.operation_id).distinct()
    return state, list(connection.scalars(later.limit(FEW + 1)))


def is_due(state: Compared, now: datetime, after: timedelta) -> bool:
    """Whether everyone was last compared so long ago."""
    return state.whole_at is None or not timedelta() <= now - state.whole_at < after
