"""Bulk assign, ledger and audit trail included, against one bare INSERT ... SELECT that looks up the same last visits.

What is measured is the processor's time, of the database too.
"""

import click
from sqlalchemy import insert, literal, select

from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign
from cpar_plugin.store import tables
from cpar_plugin.store.types import Moment
from oscar_host.host import OscarHost

from .big_clinic import PANEL_ID, empty_hosts, fill
from .processor import Processor

PATIENTS = 11_357
AIM = 1.4
_ROUNDS = 5


def main(patients: int = PATIENTS) -> None:
    """Print a line for each database: what was measured, the ratio, and what it should be at most."""
    with empty_hosts() as hosts:
        for name, host in hosts:
            fill(host, patients)
            processor = Processor(host)
            rounds = [(_bare(host, processor), _assign(host, processor)) for _ in range(_ROUNDS)]
            bare, assign = (min(seconds) for seconds in zip(*rounds, strict=True))
            click.echo(
                f"bulk assign of {patients} patients, {name}: {assign / bare:.2f} x one bare INSERT ... SELECT "
                f"({assign:.2f} s : {bare:.2f} s; aim: at most {AIM:g} x)"
            )


def _bare(host: OscarHost, processor: Processor) -> float:
    """Seconds for filling `cpar_member` in one statement, with its commit."""
    patient = host.roster.patients()
    now = host.clock.now()
    rows = select(
        patient.c.patient_id,
        literal(PANEL_ID),
        literal(now, Moment),
        host.roster.last_visit_on(patient.c.patient_id, now),
        literal("last visit"),
    ).where(patient.c.mrp_id == "101", patient.c.status == "AC")

    def insert_all() -> None:
        with host.database.session() as session:
            session.execute(insert(tables.member).from_select(list(tables.member.c), rows))

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
