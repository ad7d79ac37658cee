"""Accept the patients that are proposed for the rows of a report, and withdraw that."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import ColumnElement, func, select, update

from ...domain.refusals import Refused
from ...hooks import Actor, Host
from ...store.tables import report_row
from ..operations import record
from ..operations.record import OperationKind
from ..uploads.matching import MatchedHow
from . import listing

AT_MOST: Final = 1000
_row = report_row.c


def accept(host: Host, actor: Actor, report_id: int, row_numbers: Collection[int] | None) -> int:
    """Accept who is proposed for these rows, or (None) all who match by name. Returns for how many rows.

    Raises NotFound, and Refused for too many.
    """
    which = _row.how == MatchedHow.NAME.value if row_numbers is None else _of(row_numbers)
    return _set(host, actor, report_id, which, to=True)


def withdraw(host: Host, actor: Actor, report_id: int, row_numbers: Collection[int]) -> int:
    """Withdraw that for these rows. Who was found by PHN stays found. Returns for how many. Raises the same."""
    return _set(host, actor, report_id, _of(row_numbers), to=False)


def _of(row_numbers: Collection[int]) -> ColumnElement[bool]:
    if len(row_numbers) > AT_MOST:
        raise Refused({"rows": f"Select at most {AT_MOST:,} rows at a time."})
    return _row.row_number.in_(row_numbers)


def _set(host: Host, actor: Actor, report_id: int, which: ColumnElement[bool], *, to: bool) -> int:
    merged = host.roster.merged()
    with host.database.session() as session:
        listing.required(session.connection(), host, report_id)
        proposals = (_row.report_id == report_id, _row.patient_id.is_not(None), _row.how != MatchedHow.PHN.value)
        kept = select(merged.c.kept_id).where(merged.c.retired_id == _row.patient_id).scalar_subquery()
        visible = (
            host.identity.visible(actor, each) for each in (_row.patient_id, func.coalesce(kept, _row.patient_id))
        )
        changes = (_row.accepted != to, *visible)  # also the record that the one found was merged into
        found = update(report_row).where(*proposals, which, *changes).values(accepted=to)
        count = int(session.execute(found).rowcount)  # type: ignore[attr-defined]
        if count:
            detail = {"report": report_id, "rows": count, "accepted": to}
            record.begin(session, host, actor, OperationKind.MATCH_REPORT, detail=detail)
    return count
