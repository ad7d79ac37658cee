"""Follow the host's merges of records. It tells nobody: done before every run, preview and bulk operation."""

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from ..hooks import Host
from ..store import ledger
from ..store.tables import member
from . import clinic, journal
from .journal import Kind


def reconcile(session: Session, host: Host) -> int:
    """Carry the memberships of records merged away over to the records kept. Returns how many there were.

    The kept record's own membership wins; else it inherits panel and dates, of several the latest. Takes part in the
    caller's transaction, after `clinic.lock`.
    """
    merged = host.roster.merged()
    retired = member.join(merged, merged.c.retired_id == member.c.patient_id)
    if session.scalar(select(member.c.patient_id).select_from(retired).limit(1)) is None:
        return 0
    operation_id = journal.record(session, host, host.identity.system, Kind.MERGE)
    kept = member.alias("kept")
    ranked = (
        select(
            merged.c.kept_id,
            *ledger.columns(),
            func.row_number()
            .over(partition_by=merged.c.kept_id, order_by=(member.c.since.desc(), member.c.patient_id.desc()))
            .label("place"),
        )
        .select_from(retired)
        .where(~exists().where(kept.c.patient_id == merged.c.kept_id))
        .subquery("ranked")
    )
    inherited = select(ranked.c.kept_id, *ledger.NONE, *ledger.columns(ranked)).where(ranked.c.place == 1)
    inheriting = ledger.append(session, operation_id, inherited)
    leaving = select(member.c.patient_id, *ledger.columns(), *ledger.NONE).select_from(retired)
    left = ledger.append(session, operation_id, leaving)
    ledger.carry_out(session, operation_id)
    journal.conclude(session, operation_id, {"merged": left, "inherited": inheriting})
    return left


def catch_up(host: Host) -> None:
    """Reconcile in a transaction of its own, where there is anything to reconcile."""
    merged = host.roster.merged()
    waiting = select(member.c.patient_id).join(merged, merged.c.retired_id == member.c.patient_id).limit(1)
    with host.database.engine.connect() as connection:
        if connection.scalar(waiting) is None:
            return
    with host.database.session() as session:
        clinic.lock(session)
        reconcile(session, host)
