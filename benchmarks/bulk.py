"""Bulk assign, ledger and audit trail included, against one bare INSERT ... SELECT that looks up the same last visits.

And against bare statements that write the same rows: for each patient one of the ledger, of the membership, and of the
EMR's log. What is measured is the processor's time, of the database too.
"""

from typing import Any

import click
from sqlalchemy import Select, insert, literal, select

from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign
from cpar_plugin.store import tables
from cpar_plugin.store.types import Moment
from oscar_host.host import OscarHost

from .big_clinic import NOW, PANEL_ID, empty_hosts, fill
from .processor import Processor

PATIENTS = 11_357
AIM = 1.4
_ROUNDS = 8


def main(patients: int = PATIENTS) -> None:
    """Print a line for each database: what was measured, the ratio, and what it should be at most."""
    with empty_hosts() as hosts:
        for name, host in hosts:
            fill(host, patients)
            processor = Processor(host)
            rounds = [
                (_bare(host, processor), _same_rows(host, processor), _assign(host, processor)) for _ in range(_ROUNDS)
            ]
            bare, same_rows, assign = (min(seconds) for seconds in zip(*rounds, strict=True))
            click.echo(
                f"bulk assign of {patients} patients, {name}: {assign / bare:.2f} x one bare INSERT ... SELECT, "
                f"{assign / same_rows:.2f} x bare statements that write the same rows ({assign:.3f} s : {bare:.3f} s, "
                f"{same_rows:.3f} s; aim: at most {AIM:g} x)"
            )


def _rows(host: OscarHost) -> Select[Any]:
    """The members to be, in the columns of `cpar_member`."""
    patient = host.roster.patients()
    now = host.clock.now()
    return select(
        patient.c.patient_id,
        literal(PANEL_ID),
        literal(now, Moment),
        host.roster.last_visit_on(patient.c.patient_id, now),
        literal("last visit"),
    ).where(patient.c.mrp_id == "101", patient.c.status == "AC")


def _bare(host: OscarHost, processor: Processor) -> float:
    """Seconds for filling `cpar_member` in one statement, with its commit."""

    def insert_all() -> None:
        with host.database.session() as session:
            session.execute(insert(tables.member).from_select(list(tables.member.c), _rows(host)))

    seconds = processor.seconds(insert_all)
    _empty(host)
    return seconds


def _same_rows(host: OscarHost, processor: Processor) -> float:
    """Seconds for the ledger, the membership, and the log by a statement each, with the commit: nothing is asked."""
    entry, member, log = tables.ledger.c, tables.member.c, host.tables.log
    to = [entry.to_panel_id, entry.to_since, entry.to_confirmed_on, entry.to_confirmed_how]
    words = {log.c.dateTime: NOW.replace(tzinfo=None), log.c.provider_no: "-1", log.c.action: "add"}
    words |= {log.c.content: "cparPanelMember", log.c.contentId: "operation 1", log.c.data: "bulk-assign: operation 1"}

    def insert_all() -> None:
        with host.database.session() as session:
            values = {"kind": "bulk-assign", "at": NOW, "actor_id": "-1", "panel_id": PANEL_ID}
            [operation_id] = session.execute(insert(tables.operation).values(values)).inserted_primary_key  # type: ignore[attr-defined]
            rows = _rows(host).add_columns(literal(operation_id))
            session.execute(insert(tables.ledger).from_select([entry.patient_id, *to, entry.operation_id], rows))
            of_operation = entry.operation_id == operation_id
            members = select(entry.patient_id, *to).where(of_operation)
            session.execute(insert(tables.member).from_select(list(member), members))
            lines = select(entry.patient_id, *(literal(word, column.type) for column, word in words.items()))
            session.execute(insert(log).from_select([log.c.demographic_no, *words], lines.where(of_operation)))

    seconds = processor.seconds(insert_all)
    _empty(host)
    return seconds


def _assign(host: OscarHost, processor: Processor) -> float:
    """Seconds for the whole operation, as the page does it."""

    def carry_out() -> None:
        assert bulk.carry_out(host, host.identity.system, Assign("101", "AC", PANEL_ID)).added

    seconds = processor.seconds(carry_out)
    _empty(host)
    return seconds


def _empty(host: OscarHost) -> None:
    with host.database.session() as session:
        for table in (tables.member, tables.ledger, tables.skipped, tables.operation_panel, tables.operation):
            session.execute(table.delete())


if __name__ == "__main__":
    main()
