"""Versions of resources: written where the content differs from what was there, and only then.

A version's number is the moment at which it was made, and higher than the one before: so none is ever made a second
time, not even after the tables were restored from a backup.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, case, insert, literal, literal_column, null, select, update
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import Session

from .tables import patient_change, patient_version, subscription
from .types import Moment

GONE = b""  # the digest of what is gone: whatever comes back differs from it
_ONE: ColumnElement[int] = literal_column("1")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def number_at(moment: datetime) -> int:
    """The least number of a version that is made then: milliseconds since 1970."""
    return (moment - _BEGINNING) // timedelta(milliseconds=1)


def later(version: ColumnElement[int], number: int | ColumnElement[int]) -> ColumnElement[int]:
    """What a version moves on to: `number`, or one more where it is that far already."""
    return case((version < number, number), else_=version + _ONE)


def to_the_second(moment: datetime) -> datetime:
    """What `meta.lastUpdated` and `Last-Modified` say is exactly what is kept, so that searches find it."""
    return moment.replace(microsecond=0)


def put(session: Session, table: Table, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    """Keep the digests of resources as they are at `now`: a version moves on where its digest is another one.

    `rows` have the key columns of `table` and `digest`. Any number of processes may do so at once. Of patients who
    have changed, subscriptions learn in the same transaction.
    """
    if not rows:
        return
    if table is patient_version and _is_subscribed_to(session):
        _announce(session, rows, now)
    of_mariadb = session.get_bind().dialect.name in ("mysql", "mariadb")
    statement = mysql.insert(table) if of_mariadb else sqlite.insert(table)
    new = statement.inserted if isinstance(statement, mysql.Insert) else statement.excluded
    # No parameter in here: the driver sends many rows at once only without.
    changed = table.c.digest != new.digest
    values: list[tuple[str, ColumnElement[Any]]] = [  # MariaDB assigns from left to right
        ("version", case((changed, later(table.c.version, new.version)), else_=table.c.version)),
        ("last_updated", case((changed, new.last_updated), else_=table.c.last_updated)),
        ("gone_at", null()),
        ("digest", new.digest),
    ]
    if isinstance(statement, mysql.Insert):
        statement = statement.on_duplicate_key_update(values)
    else:
        statement = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=dict(values))
    number, moment = number_at(now), to_the_second(now)
    session.execute(statement, [{"version": number, "last_updated": moment, **row} for row in rows])


def mark_gone(session: Session, table: Table, keys: ColumnElement[bool], now: datetime) -> None:
    """Keep that resources are no longer there, which is a version of its own. `keys` says which."""
    moment = to_the_second(now)
    if table is patient_version and _is_subscribed_to(session):
        of_patients = select(table.c.patient_id, literal(now, Moment())).where(keys, table.c.gone_at.is_(None))
        session.execute(insert(patient_change).from_select(["patient_id", "at"], of_patients))
    session.execute(
        update(table)
        .where(keys, table.c.gone_at.is_(None))
        .values(digest=GONE, version=later(table.c.version, number_at(now)), last_updated=moment, gone_at=moment)
    )


def _is_subscribed_to(session: Session) -> bool:
    return session.scalar(select(subscription.c.subscription_id).limit(1)) is not None


def _announce(session: Session, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    """Note the patients who were served before as something else. Two writers at once may both note one."""
    digests = {row["patient_id"]: row["digest"] for row in rows}
    stored = patient_version.c
    earlier = session.execute(select(stored.patient_id, stored.digest).where(stored.patient_id.in_(digests)))
    changed = [{"patient_id": key, "at": now} for key, digest in earlier if digests[key] != digest]
    if changed:
        session.execute(insert(patient_change), changed)
