"""Every change of who is on an affiliation or a caseload: written into the ledger first, then carried out."""

from dataclasses import astuple, dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, delete, insert, literal, null, select, tuple_
from sqlalchemy.orm import Session

from .tables import other_ledger, other_member

Columns = tuple[ColumnElement[Any], ...]
NONE: Columns = (null(), null(), null())


@dataclass(frozen=True, slots=True)
class OtherMembership:
    """A patient's membership of one kind: which panel, on it since when, and the date of the signed form."""

    other_panel_id: int
    since: datetime
    signed_on: date | None


def columns(source: FromClause = other_member) -> Columns:
    """The current membership, in the ledger's order."""
    return (source.c.other_panel_id, source.c.since, source.c.signed_on)


def before(source: FromClause = other_ledger) -> Columns:
    """The membership before an operation; `NONE` where there was none."""
    return (source.c.from_other_panel_id, source.c.from_since, source.c.from_signed_on)


def after(source: FromClause = other_ledger) -> Columns:
    """The membership after an operation; `NONE` where there is none."""
    return (source.c.to_other_panel_id, source.c.to_since, source.c.to_signed_on)


_KEY = [other_ledger.c.patient_id, other_ledger.c.kind]
_ENTRY = [*_KEY, *before(), *after(), other_ledger.c.operation_id]


def membership_of(session: Session, patient_id: int, kind: str) -> OtherMembership | None:
    """The membership of one patient, None where there is none."""
    member = other_member.c
    query = select(*columns()).where(member.patient_id == patient_id, member.kind == kind)
    row = session.execute(query).one_or_none()
    return OtherMembership(**row._mapping) if row else None


def append_one(
    session: Session,
    operation_id: int,
    patient_id: int,
    kind: str,
    membership_before: OtherMembership | None,
    membership_after: OtherMembership | None,
) -> None:
    """Write the change of one patient. `membership_before` is what it is now. `carry_out` follows."""
    sides = (astuple(side) if side else (None,) * 3 for side in (membership_before, membership_after))
    values = (patient_id, kind, *chain(*sides), operation_id)
    session.execute(insert(other_ledger).values(dict(zip((column.name for column in _ENTRY), values, strict=True))))


def append(session: Session, operation_id: int, changes: Select[Any]) -> int:
    """Write changes of many, selected as patient_id, kind, `before`, `after`. Returns how many. `carry_out` follows."""
    written = session.execute(insert(other_ledger).from_select(_ENTRY, changes.add_columns(literal(operation_id))))
    return int(written.rowcount)  # type: ignore[attr-defined]


def carry_out(session: Session, operation_id: int) -> None:
    """Make `cpar_other_member` what the ledger says of this operation, once the whole of it is there."""
    of_operation = other_ledger.c.operation_id == operation_id
    had_one = other_ledger.c.from_other_panel_id.is_not(None)
    if session.get_bind().dialect.name == "sqlite":  # which has no DELETE over two tables
        keys = select(*_KEY).where(of_operation, had_one)
        session.execute(delete(other_member).where(tuple_(other_member.c.patient_id, other_member.c.kind).in_(keys)))
    else:  # MariaDB 10.11 would read every member for an IN
        same = (other_member.c.patient_id == _KEY[0], other_member.c.kind == _KEY[1])
        session.execute(delete(other_member).where(*same, of_operation, had_one))
    now = select(*_KEY, *after()).where(of_operation, other_ledger.c.to_other_panel_id.is_not(None))
    session.execute(insert(other_member).from_select([other_member.c.patient_id, other_member.c.kind, *columns()], now))
